"""The answer of `az deployment sub what-if` as Markdown: resources and property names, no values.

`python -m infra.pipeline.what_if_comment FILE` prints the report; exit status 1 when the question itself failed.
`python -m infra.pipeline.what_if_comment --verdict FILE` prints one word: unchanged, changed, incomplete or failed.
Values stay out, because everybody who sees the repository reads comments.
Sources: learn.microsoft.com/azure/azure-resource-manager/templates/deploy-what-if (change types),
learn.microsoft.com/rest/api/resources/deployments/what-if-at-subscription-scope (shape of the answer).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from infra.hooks.run import run_hook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Verdict = Literal["unchanged", "changed", "incomplete"]

CHANGES: Final = {"Delete": "deleted", "Create": "created", "Modify": "changed", "Deploy": "deployed again"}
_NOT_GIVEN: Final = "a secret that this comparison is not given"
_NOT_SHOWN: Final = "Azure does not show it to a comparison, and calls it new every time"
NOT_COMPARABLE: Final = {
    "microsoft.keyvault/vaults/secrets": ("properties.value", _NOT_GIVEN),
    "microsoft.insights/actiongroups": ("properties.webhookReceivers", _NOT_GIVEN),
    "microsoft.web/sites": ("properties.siteConfig", _NOT_SHOWN),
    "microsoft.web/sites/config/appsettings": ("properties", _NOT_SHOWN),
}
"""Properties whose differences say nothing, with the reason; by type, or by type and name.
Sources: github.com/Azure/arm-template-whatif, issues 90 (siteConfig) and 398 (app settings)."""
MOST_LINES: Final = 300
MOST_CHARACTERS: Final = 60_000
"""GitHub takes 65,536 characters in a comment."""
LONGEST_NAME: Final = 500


class WhatIfError(Exception):
    """Azure gave no what-if result; the message is the reason."""


@dataclass(slots=True)
class Findings:
    """What an answer says, as lines of Markdown."""

    changes: dict[str, list[str]] = field(default_factory=dict)
    possible: list[str] = field(default_factory=list)
    not_looked_at: list[str] = field(default_factory=list)
    """Resources that Azure skipped: nothing is known about them."""
    incomparable: list[str] = field(default_factory=list)
    """Single properties that no comparison can see: secrets, and what is known during the deployment only."""
    unchanged: int = 0
    compared: int = 0
    """Resources of which only what cannot be compared differs."""
    ignored: int = 0

    @property
    def verdict(self) -> Verdict:
        """Return "unchanged" only for an answer that compared resources and skipped none of them."""
        if self.changes:
            return "changed"
        return "incomplete" if self.possible or self.not_looked_at else "unchanged"


def read(path: Path) -> Findings:
    """Return what the file with Azure's answer says, in the form of the CLI or of the REST API.

    Raises:
        WhatIfError: the file holds no answer, or the answer is a failure.
    """
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WhatIfError(f"the answer could not be read ({error.strerror})") from error
    except ValueError as error:
        raise WhatIfError("the answer is empty or no JSON") from error
    if not isinstance(answer, dict):
        raise WhatIfError("the answer is no JSON object")
    if reason := _reason_of_failure(answer):
        raise WhatIfError(reason)
    result = answer.get("properties") or answer
    if "changes" not in result:
        raise WhatIfError("the answer has no list of changes")
    try:
        return _findings(result)
    except (AttributeError, TypeError) as shape:
        raise WhatIfError("the answer has another shape than Azure documents") from shape


def report(findings: Findings) -> str:
    """Return the report's Markdown."""
    lines = ["### What this would change in Azure", ""]
    for words, described in findings.changes.items():
        count = sum(not line.startswith(" ") for line in described)
        lines += [f"**{count} {words}**", "", *described, ""]
    if findings.possible:
        lines += ["**Possible changes, which Azure could not decide beforehand**", "", *findings.possible, ""]
    if findings.verdict == "unchanged":
        compared = f"{findings.unchanged + findings.compared} resources"
        nothing = f"Nothing changes: {compared} are as the template says."
        lines += [f"No difference was found in {compared}." if findings.incomparable else nothing, ""]
    elif not findings.changes:
        lines += ["No change was found, but not everything was looked at.", ""]
    if findings.not_looked_at:
        lines += ["**Not looked at**", "", *findings.not_looked_at, ""]
    if findings.incomparable:
        lines += ["**Properties that cannot be compared beforehand**", "", *findings.incomparable, ""]
    if findings.ignored:
        where = " or stand in a part of it that was not looked at" if findings.not_looked_at else ""
        lines += [f"{findings.ignored} existing resources are not in the template{where}; they stay as they are.", ""]
    return _bounded(lines)


def failure(reason: str) -> str:
    """Return the Markdown that says that Azure gave no result, and why."""
    return f"### What this would change in Azure\n\nAzure did not answer, so nothing is known: {_code(reason)}\n"


def _reason_of_failure(answer: Mapping[str, Any]) -> str:
    error, status = answer.get("error"), answer.get("status")
    if not error and status in (None, "Succeeded"):
        return ""
    details = error if isinstance(error, dict) else {}
    words = [str(details[key]) for key in ("code", "message") if details.get(key)]
    return ": ".join(words) or str(error or f"status {status}")


def _findings(result: Mapping[str, Any]) -> Findings:
    found = Findings()
    changes = result.get("changes") or []
    for kind in dict.fromkeys((*CHANGES, *(change.get("changeType") for change in changes))):
        for change in changes:
            if change.get("changeType") == kind:
                _add(found, str(kind), change)
    for change in result.get("potentialChanges") or []:
        if change.get("changeType") not in ("NoChange", "Ignore"):
            found.possible.append(f"- {_resource(change)} ({_code(change.get('changeType'))})")
    for entry in result.get("diagnostics") or []:
        target = f" at {_code(entry['target'])}" if entry.get("target") else ""
        found.not_looked_at.append(f"- {_code(entry.get('code'))}{target}: {_code(entry.get('message'))}")
    if "diagnostics" not in result:
        found.not_looked_at.append("- this Azure CLI does not tell what Azure skipped: use 2.76 or later")
    if not found.unchanged and not found.compared and not found.changes:
        found.not_looked_at.append("- no resource was compared")
    return found


def _add(found: Findings, kind: str, change: Mapping[str, Any]) -> None:
    if kind == "NoChange":
        found.unchanged += 1
    elif kind == "Ignore":
        found.ignored += 1
    elif kind == "Modify":
        _add_modified(found, change)
    elif kind in CHANGES:
        found.changes.setdefault(CHANGES[kind], []).append(f"- {_resource(change)}")
    else:
        reason = f": {_code(change['unsupportedReason'])}" if change.get("unsupportedReason") else ""
        found.not_looked_at.append(f"- {_resource(change)} ({_code(kind)}){reason}")


def _add_modified(found: Findings, change: Mapping[str, Any]) -> None:
    """Tell a difference from what Azure compares with a template expression that it cannot resolve beforehand."""
    different = dict[str, bool]()
    for path, item in _differences(change.get("delta") or []):
        different[path] = different.get(path, False) or not _is_unresolved(item)
    paths = sorted(path for path, is_known in different.items() if is_known)
    if unresolved := sorted(path for path, is_known in different.items() if not is_known):
        listed = ", ".join(_code(path) for path in unresolved)
        found.incomparable.append(f"- {listed} of {_resource(change)}: known during the deployment only")
    told = paths
    for kind in _kinds(change):
        if kind in NOT_COMPARABLE:
            hidden, reason = NOT_COMPARABLE[kind]
            told = [path for path in paths if not f"{path}.".startswith(f"{hidden}.")]
            if len(told) < len(paths):
                found.incomparable.append(f"- {_code(hidden)} of {_resource(change)}: {reason}")
    if told or not change.get("delta"):
        lines = found.changes.setdefault(CHANGES["Modify"], [])
        lines += [f"- {_resource(change)}", *(f"  - {_code(path)}" for path in told)]
    elif not paths and not unresolved:
        found.unchanged += 1
    else:
        found.compared += 1


def _differences(delta: list[Mapping[str, Any]], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for item in delta:
        path = f"{prefix}{item.get('path') or ''}"
        if item.get("children"):
            yield from _differences(item["children"], f"{path}.")
        elif item.get("propertyChangeType") != "NoEffect":
            yield path, item


def _is_unresolved(item: Mapping[str, Any]) -> bool:
    """Whether the template's value is an expression such as [reference(...)], which what-if does not resolve.

    The workflow takes values out of the answer and leaves `unresolved` in their place.
    """
    after = item.get("after")
    return item.get("unresolved") is True or (isinstance(after, str) and after.startswith("[") and after.endswith("]"))


def _resource(change: Mapping[str, Any]) -> str:
    identity = change.get("resourceId") or change.get("symbolicName") or "a resource without an id"
    _, _, inside = identity.partition("/resourceGroups/")
    return _code(inside or identity)


def _kinds(change: Mapping[str, Any]) -> tuple[str, str]:
    """Return the resource's type, and type and name, in small letters; a type is every second segment of the id."""
    _, _, provided = (change.get("resourceId") or "").rpartition("/providers/")
    namespace, *segments = provided.lower().split("/")
    kind = "/".join((namespace, *segments[::2]))
    return kind, f"{kind}/{segments[-1] if segments else ''}"


def _code(text: object) -> str:
    """Return a code span, in which GitHub renders neither HTML nor links nor mentions."""
    line = " ".join(str(text).replace("`", "'").split())
    return f"`{line[:LONGEST_NAME]}…`" if len(line) > LONGEST_NAME else f"`{line or '?'}`"


def _bounded(lines: list[str]) -> str:
    kept, size = list[str](), 0
    for line in lines:
        size += len(line) + 1
        if len(kept) == MOST_LINES or size > MOST_CHARACTERS:
            kept.append(f"… and {len(lines) - len(kept)} more lines")
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    """Print the report or the verdict."""
    *options, name = arguments or [""]
    if not name or options not in ([], ["--verdict"]):
        sys.stderr.write("usage: python -m infra.pipeline.what_if_comment [--verdict] FILE\n")
        return 2
    try:
        findings = read(Path(name))
    except WhatIfError as error:
        sys.stdout.write("failed\n" if options else failure(str(error)))
        return 0 if options else 1
    sys.stdout.write(f"{findings.verdict}\n" if options else report(findings))
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
