"""What a push has to deploy: the infrastructure, the code, both or nothing.

`python -m infra.pipeline.changed_parts RUNS.json` compares the work tree's commit with what may be in Azure, and prints
`infrastructure=true` or `false`, and `code=` likewise, for GITHUB_OUTPUT. The file holds the runs of the workflow,
newest first, as `gh run list --json databaseId,event,conclusion,displayTitle,headSha` prints them; GITHUB_RUN_ID names
the run that asks. Code is what the package holds (.funcignore decides) and what it is built with.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.hooks.lock import PROJECT
from infra.hooks.run import HookError, run_hook

if TYPE_CHECKING:
    from collections.abc import Iterable

BUILT_WITH: Final = ("infra/runtime.json", "infra/hooks/lock.py", "infra/hooks/package.py", "infra/hooks/wheels.py")
"""Files outside the package that decide what is in it."""
IGNORE_FILES: Final = (".funcignore", ".gitignore")
"""Files that decide which files the package holds."""
PUSHED_TO: Final = "production"
"""The environment that a push deploys to; the titles of the runs end with theirs, see deploy.yml."""
NOT_IN_A_TEMPLATE: Final = ("infra/hooks/", "infra/pipeline/", "infra/samples/", "infra/upgrade/")


def changed_files(commit: str, project: Path = PROJECT) -> list[str] | None:
    """Return the files that differ from a commit, deleted ones included; None when git does not have the commit."""
    known = _git(project, "cat-file", "-e", f"{commit}^{{commit}}")
    if not commit or known.returncode:
        return None
    done = _git(project, "diff", "--name-only", "--no-renames", "-z", commit, "HEAD")
    done.check_returncode()
    return [name for name in done.stdout.split("\0") if name]


def packaged(names: Iterable[str], project: Path = PROJECT) -> list[str]:
    """Return those of the files, existing or deleted, that neither .gitignore nor .funcignore leaves out."""
    asked = list(names)
    rules = f"core.excludesFile={project / '.funcignore'}"
    done = _git(project, "-c", rules, "check-ignore", "--no-index", "-z", "--stdin", text="\0".join(asked))
    if done.returncode > 1:  # 0: some are ignored, 1: none
        done.check_returncode()
    left_out = set(done.stdout.split("\0"))
    return [name for name in asked if name not in left_out]


def parts(names: Iterable[str], project: Path = PROJECT) -> dict[str, bool]:
    """Return which parts the files belong to."""
    changed = list(names)
    return {
        "infrastructure": any(name.startswith("infra/") and not name.startswith(NOT_IN_A_TEMPLATE) for name in changed),
        "code": bool(packaged(changed, project)) or any(name in (*BUILT_WITH, *IGNORE_FILES) for name in changed),
    }


def deployed(runs: Iterable[dict[str, Any]], current: str) -> tuple[list[str], list[str]]:
    """Return the commits that may be in Azure: of pushes, back to the last one that succeeded, and by hand since then.

    A push that failed may have deployed a part. An empty commit stands for an unknown one: no push has succeeded.
    """
    pushes, by_hand = list[str](), list[str]()
    for run in runs:
        if str(run["databaseId"]) == current or not run["conclusion"]:  # this run, and those that wait for it
            continue
        if run["event"] == "push":
            pushes.append(run["headSha"])
            if run["conclusion"] == "success":
                return pushes, by_hand
        elif run["displayTitle"].endswith(f" to {PUSHED_TO}"):
            by_hand.append(run["headSha"])
    return [*pushes, ""], by_hand


def to_deploy(pushes: Iterable[str], by_hand: Iterable[str], project: Path = PROJECT) -> dict[str, bool]:
    """Return what to deploy so that Azure holds this commit where it differs from any of the others.

    What a person deployed, such as an older tag, stays as long as no push changes anything. When one does, everything
    that differs from main is deployed with it: code and infrastructure are tested together, and belong together.
    """
    found = _parts_since(pushes, project)
    if any(found.values()):
        since = _parts_since(by_hand, project)
        found = {part: value or since[part] for part, value in found.items()}
    return found


def _parts_since(commits: Iterable[str], project: Path) -> dict[str, bool]:
    found = parts((), project)
    for commit in dict.fromkeys(commits):
        names = changed_files(commit, project)
        changed = dict.fromkeys(found, True) if names is None else parts(names, project)
        found = {part: value or changed[part] for part, value in found.items()}
    return found


def _git(project: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [shutil.which("git") or "git", "-C", str(project), *arguments]
    return subprocess.run(  # noqa: S603 - the arguments are passed as a list
        command, input=text, capture_output=True, check=False, encoding="utf-8"
    )


def main(arguments: list[str]) -> int:
    """Print the parts."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.pipeline.changed_parts RUNS.json\n")
        return 2
    try:
        runs = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        pushes, by_hand = deployed(runs, os.environ.get("GITHUB_RUN_ID", ""))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise HookError(f"{arguments[0]} does not hold what gh run list prints ({error!r}): run this again") from error
    found = to_deploy(pushes, by_hand)
    sys.stdout.write("".join(f"{part}={str(value).lower()}\n" for part, value in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
