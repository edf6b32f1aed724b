"""The queries in infra/queries, by name: the API asks them itself, and every reader may run them."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from compliance_api.workspace.kql import literal

FOLDER: Final = Path(__file__).resolve().parents[2] / "infra" / "queries"
EVERYBODY: Final = 'let Only = "";'
"""The line of a saved query by which it can be narrowed to one application before anything is read."""

_COMMENT: Final = re.compile(r"//\s?(.*)")


@cache
def names() -> tuple[str, ...]:
    """Return the names of every saved query, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.kql")))


@cache
def text(name: str) -> str:
    """Return the KQL of a saved query; KeyError when there is none of this name."""
    if name not in names():
        raise KeyError(name)
    return (FOLDER / f"{name}.kql").read_text(encoding="utf-8").strip()


def text_for(name: str, application_id: str) -> str:
    """Return the KQL of a saved query, narrowed to one application; KeyError when there is none that can be."""
    whole = text(name)
    if EVERYBODY not in whole:
        raise KeyError(name)
    return whole.replace(EVERYBODY, f"let Only = {literal(application_id)};")


def description(name: str) -> str:
    """Return what a saved query says about itself: the comment that it begins with, on one line."""
    lines = []
    for line in text(name).splitlines():
        match = _COMMENT.fullmatch(line.strip())
        if match is None or match[1].startswith("begin "):
            break
        lines.append(match[1].strip())
    return " ".join(lines)
