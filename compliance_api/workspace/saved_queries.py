"""The queries in infra/queries, by name: the API asks them itself, and every reader may run them."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from compliance_api.workspace.kql import literal

FOLDER: Final = Path(__file__).resolve().parents[2] / "infra" / "queries"
EVERYBODY: Final = 'let Only = "";'
"""The line of a saved query by which it can be narrowed to one application before anything is read."""

LATEST: Final = 'let As_of = "";'
"""The line of a saved query that says what stands, by which it speaks of one run and of no later one."""

VIOLATIONS: Final = "noncompliant_resources"
"""The saved query that has a row for each violation of an application: its answer is as long as a customer makes it."""

_ORDERED: Final = re.compile(r"\n\| order by (?P<order>[^\n]+)\n\| take \d+\Z")
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


def stands(name: str) -> bool:
    """Tell whether a saved query says what stood at one run: it bounds the time that it looks at by itself."""
    return LATEST in text(name)


def text_for(name: str, application_id: str = "", *, run_id: str = "") -> str:
    """Return the KQL of a saved query, narrowed to one application and to what stood at one run, where they are given.

    Raises KeyError when there is no such query, or it cannot be narrowed so.
    """
    narrowed = text(name)
    for line, value in ((EVERYBODY, application_id), (LATEST, run_id)):
        if not value:
            continue
        if line not in narrowed:
            raise KeyError(name)
        narrowed = narrowed.replace(line, line.replace('""', literal(value)))
    return narrowed


def part_of(query: str, start: int, size: int, total: int | None = None) -> str:
    """Return a query that ends with `order by` and `take`, for `size` rows from `start` on.

    From the second part on `total` is how many rows there are, and the rows come in reverse: the workspace sends the
    last ones of those up to there.
    """
    match = _ORDERED.search(query)
    assert match is not None  # noqa: S101 - a saved query of ours
    upto = f"{query[: match.start()]}\n| order by {match['order']}\n| take {start + size}"
    if not start or total is None:
        return upto
    return f"{upto}\n| order by {match['order'].replace(' asc', ' desc')}\n| take {min(size, total - start)}"


def description(name: str) -> str:
    """Return what a saved query says about itself: the comment that it begins with, on one line."""
    lines = []
    for line in text(name).splitlines():
        match = _COMMENT.fullmatch(line.strip())
        if match is None or match[1].startswith("begin "):
            break
        lines.append(match[1].strip())
    return " ".join(lines)
