"""Sets of whole numbers as intervals, and regions of several dimensions that are made of such sets."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Intervals = tuple[tuple[int, int], ...]
"""From and to, both included; in order, and neither touching nor overlapping each other."""

Region = tuple[Intervals, ...]
"""What lies in every dimension's set; nothing, when one of them is empty."""

NOTHING: Final[Intervals] = ()

_MOST_STEPS: Final = 2_000_000
"""About half a second's work, and far more than any rules that people write, or generate, need."""


class TooManyParts(Exception):  # noqa: N818 - named for what it tells
    """Regions overlap in more ways than can be looked at."""


class Effort:
    """What judging one resource may take of the time that all share, in steps: an interval is looked at in each."""

    def __init__(self) -> None:
        self._left = _MOST_STEPS

    def spend(self, steps: int) -> None:
        """Take steps; raise TooManyParts when there are none left."""
        self._left -= steps
        if self._left < 0:
            raise TooManyParts


def merged(ranges: Iterable[tuple[int, int]]) -> Intervals:
    """Return the numbers in any of these ranges."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return tuple(found)


def common(one: Intervals, other: Intervals) -> Intervals:
    """Return the numbers that are in both."""
    found, first, second = [], 0, 0
    while first < len(one) and second < len(other):
        low = max(one[first][0], other[second][0])
        high = min(one[first][1], other[second][1])
        if low <= high:
            found.append((low, high))
        if one[first][1] < other[second][1]:
            first += 1
        else:
            second += 1
    return tuple(found)


def without(one: Intervals, other: Intervals) -> Intervals:
    """Return the numbers of the first that the second does not have."""
    found, second = [], 0
    for begin, high in one:
        low = begin
        while second < len(other) and other[second][1] < low:
            second += 1
        at = second
        while at < len(other) and other[at][0] <= high:
            if low < other[at][0]:
                found.append((low, other[at][0] - 1))
            low = other[at][1] + 1
            at += 1
        if low <= high:
            found.append((low, high))
    return tuple(found)


def left_of(region: Region, taken: Sequence[Region], effort: Effort) -> Region | None:
    """Return a part of a region that none of the others has; None when together they have all of it.

    Raises:
        TooManyParts: they overlap in too many ways.
    """
    if not all(region):
        return None
    effort.spend(sum(map(_parts, taken)))
    widest_first = sorted(taken, key=_size, reverse=True)
    waiting = [(region, 0)]
    while waiting:
        part, place = waiting.pop()
        while place < len(widest_first) and not _meet(part, widest_first[place]):
            effort.spend(_parts(part) + _parts(widest_first[place]))
            place += 1
        if place == len(widest_first):
            return part
        effort.spend(_parts(part) + _parts(widest_first[place]))
        waiting += [(rest, place + 1) for rest in _cut(part, widest_first[place])]
    return None


def _parts(region: Region) -> int:
    return sum(map(len, region))


def _size(region: Region) -> int:
    """Return how many points a region has."""
    return prod(sum(high - low + 1 for low, high in dimension) for dimension in region)


def _meet(one: Region, other: Region) -> bool:
    return all(common(mine, theirs) for mine, theirs in zip(one, other, strict=True))


def _cut(region: Region, other: Region) -> Iterable[Region]:
    """Yield regions that have just what the first has and the second does not."""
    inside: list[Intervals] = []
    for dimension, (mine, theirs) in enumerate(zip(region, other, strict=True)):
        if outside := without(mine, theirs):
            yield (*inside, outside, *region[dimension + 1 :])
        inside.append(common(mine, theirs))
