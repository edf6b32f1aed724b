"""Refuses marks in tracked files that somebody meant to fill in later."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

KINDS: Final = ("*.md", "*.kql", "*.bicep", "*.yml", "*.yaml", "*.json")
_MARK: Final = re.compile(r"@[A-Z][A-Z_]*@|\b(?:TBD|TODO|FIXME|XXX)\b|(?i:\blorem ipsum\b)")


def problems(project: Path) -> list[str]:
    """Return one line for every mark in the tracked files of a Git working tree."""
    command = ["git", "-C", str(project), "ls-files", "-z", "--", *KINDS]
    listed = subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout
    return [
        f"{name}:{number}: fill in or take out: {match[0]}"
        for name in filter(None, listed.split("\0"))
        if (project / name).is_file()
        for number, line in enumerate((project / name).read_text(encoding="utf-8").splitlines(), 1)
        for match in _MARK.finditer(line)
    ]
