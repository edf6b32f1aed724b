"""The notes of a release: its section of CHANGELOG.md.

`python -m checks.release_notes v1.1.0` prints it, and refuses a tag that is not the version of
publisher/configuration/version.py, a version without a dated section, and changes that were left under "Unreleased".
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from publisher.configuration.version import VERSION

CHANGELOG: Final = Path(__file__).resolve().parent.parent / "CHANGELOG.md"
_HEADING: Final = re.compile(r"^## (.+)$", re.MULTILINE)
_DATED: Final = re.compile(r"(\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)")


class ReleaseError(ValueError):
    """This cannot be released; the message says what to do."""


def sections(changelog: str) -> dict[str, str]:
    """Return the text under each heading of the second level, by heading, such as "1.0.0 - 2026-11-25"."""
    headings = list(_HEADING.finditer(changelog))
    ends = [*(heading.start() for heading in headings[1:]), len(changelog)]
    return {heading[1]: changelog[heading.end() : end].strip() for heading, end in zip(headings, ends, strict=False)}


def notes(tag: str, changelog: str, version: str = VERSION) -> str:
    """Return what the release of this tag says; raise ReleaseError."""
    if tag != f"v{version}":
        raise ReleaseError(
            f"the tag {tag} is not v{version}: set VERSION in publisher/configuration/version.py, merge, and tag that"
        )
    found = sections(changelog)
    if found.get("Unreleased"):
        raise ReleaseError(f'CHANGELOG.md has changes under "Unreleased": move them under "## {version} - DATE"')
    for heading, text in found.items():
        match = _DATED.fullmatch(heading)
        if match and match[1] == version and text:
            return text
    raise ReleaseError(f'CHANGELOG.md says nothing under a heading "## {version} - YYYY-MM-DD": write what changed')


def main(arguments: list[str]) -> int:
    """Print the notes; exit status 1 when this cannot be released, 2 for wrong usage."""
    if len(arguments) != 1:
        print("usage: python -m checks.release_notes TAG", file=sys.stderr)
        return 2
    try:
        print(notes(arguments[0], CHANGELOG.read_text(encoding="utf-8")))
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
