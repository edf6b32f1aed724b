"""A state is taken once, however many were taken between its first and its second time."""

from __future__ import annotations

import random

from collector.reading.marks import MOST_RECENT, Marks


def test_a_mark_is_taken_once_however_many_come_between() -> None:
    source = random.Random(1)  # noqa: S311 - no secret
    numbers = [source.getrandbits(64) for _ in range(2 * MOST_RECENT + 10)]
    marks = Marks()
    assert not marks
    assert all(marks.take(one) for one in [0, 2**64 - 1, *numbers])
    assert marks
    assert not any(marks.take(one) for one in [0, 2**64 - 1, *reversed(numbers)])


def test_a_mark_that_is_among_the_earlier_ones_alone_is_some() -> None:
    marks = Marks()
    assert all(marks.take(one) for one in range(MOST_RECENT))
    assert marks


def test_a_mark_beside_one_that_was_taken_is_another_one() -> None:
    marks = Marks()
    assert all(marks.take(one) for one in range(0, 2 * MOST_RECENT, 2))
    assert all(marks.take(one) for one in range(1, 2 * MOST_RECENT, 2))
    assert not any(marks.take(one) for one in range(2 * MOST_RECENT))
