"""Finds the tables that a query reads, and the conditions under which it reads them.

Log Analytics keeps a table in parts that each cover a stretch of TimeGenerated. It leaves parts out by a query's time
range and by conditions on TimeGenerated directly behind the table; everything else is looked at row by row.
Source: learn.microsoft.com/azure/azure-monitor/logs/query-optimization.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from checks.alert_queries import without_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_TABLE: Final = "*"
"""The name of what `union *` and `search` read."""

_TABLE: Final = re.compile(r"\b[A-Za-z]\w*_CL\b")
_EVERY_TABLE: Final = re.compile(r"\bunion\b[^|;]*?(\*)|\b(search)\b|\bfind\b(?=[^|;]*\bwhere\b)")
_WHERE: Final = re.compile(r"\s*\|\s*where\b")
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Scan:
    """One place at which a query reads a table.

    `conditions` are those that stand directly behind the table, in their order; `before` are the query's statements
    that they may refer to.
    """

    table: str
    conditions: tuple[str, ...]
    before: str = ""

    @property
    def time_conditions(self) -> tuple[str, ...]:
        """The conditions by which parts of the table are left out."""
        return tuple(one for one in self.conditions if "TimeGenerated" in one)

    def counting(self, conditions: tuple[str, ...]) -> str:
        """Return the query that counts the rows of the table under conditions of this scan."""
        return self.before + "\n| where ".join((self.table, *conditions)) + "\n| count"


def scans(query: str) -> list[Scan]:
    """Return every place at which a query reads a table of ours, or every table, in their order."""
    code = without_texts(query)
    places = [(match.start(), EVERY_TABLE, match.end()) for match in _EVERY_TABLE.finditer(code)]
    places += [(match.start(), match[0], match.end()) for match in _TABLE.finditer(code)]
    return [
        Scan(name, tuple(_conditions(query, code, end)), query[: code.rfind(";", 0, start) + 1])
        for start, name, end in sorted(places)
    ]


def _conditions(query: str, code: str, position: int) -> Iterator[str]:
    """Yield the conditions of the `where` operators that begin at a position; `code` is the query without texts."""
    while match := _WHERE.match(code, position):
        position = _end_of_operator(code, match.end())
        yield query[match.end() : position].strip()


def _end_of_operator(code: str, position: int) -> int:
    """Return where the operator ends that a position is in: at the next one, or with what surrounds it."""
    open_brackets: list[str] = []
    for place in range(position, len(code)):
        character = code[place]
        if not open_brackets and character in "|;)]},":
            return place
        if character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
    return len(code)
