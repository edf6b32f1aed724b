"""Which states of one application were taken already: eight bytes for each, however many a customer has."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Final

MOST_RECENT: Final = 16_384
"""Marks in a set, which takes ten times as much memory for each; more of them are put into a sorted array."""


class Marks:
    """Marks that were taken. A mark is a number below 2**64 (`collector.reporting.rows.mark_of`)."""

    def __init__(self) -> None:
        self._recent: set[int] = set()
        self._earlier: list[array[int]] = []

    def __bool__(self) -> bool:
        """Whether any was taken."""
        return bool(self._recent or self._earlier)

    def take(self, mark: int) -> bool:
        """Take a mark; return False when it was taken before."""
        recent = self._recent
        if mark in recent or (self._earlier and self._is_earlier(mark)):
            return False
        recent.add(mark)
        if len(recent) == MOST_RECENT:
            self._earlier.append(array("Q", sorted(recent)))
            self._recent = set()
        return True

    def _is_earlier(self, mark: int) -> bool:
        for marks in self._earlier:
            place = bisect_left(marks, mark)
            if place < len(marks) and marks[place] == mark:
                return True
        return False
