"""The answer of `az deployment sub what-if` as a comment for a pull request: resources and property names, no values.

`python -m infra.hooks.what_if_comment FILE`. Values stay out: everybody who sees the repository reads comments.
Source: learn.microsoft.com/azure/azure-resource-manager/templates/deploy-what-if, change types.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHOWN: Final = {
    "Delete": "deleted",
    "Create": "created",
    "Modify": "changed",
    "Deploy": "deployed again",
    "Unsupported": "not foreseeable",
}
MOST_LINES: Final = 300


def comment(answer: Mapping[str, Any]) -> str:
    """Return the comment's Markdown."""
    changes = answer.get("changes") or []
    lines = ["### What this change would do in Azure", ""]
    for kind, words in SHOWN.items():
        of_kind = [change for change in changes if change["changeType"] == kind]
        if of_kind:
            lines += [f"**{len(of_kind)} {words}**", ""]
            lines += [line for change in of_kind for line in _described(change)]
            lines.append("")
    if len(lines) == 2:  # noqa: PLR2004 - only the heading
        lines.append("Nothing changes.")
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES} more lines"]
    return "\n".join(lines).rstrip() + "\n"


def _described(change: Mapping[str, Any]) -> Iterator[str]:
    resource = change.get("resourceId", "")
    _, _, inside = resource.partition("/resourceGroups/")
    yield f"- `{inside or resource}`"
    if change["changeType"] == "Modify":
        yield from sorted({f"  - `{path}`" for path in _paths(change.get("delta") or [])})


def _paths(delta: list[Mapping[str, Any]], prefix: str = "") -> Iterator[str]:
    for item in delta:
        path = f"{prefix}{item.get('path', '')}"
        if item.get("children"):
            yield from _paths(item["children"], f"{path}.")
        else:
            yield path


def main(arguments: list[str]) -> int:
    """Print the comment."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.hooks.what_if_comment FILE\n")
        return 2
    sys.stdout.write(comment(json.loads(Path(arguments[0]).read_text(encoding="utf-8"))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
