"""How long a timer's NCRONTAB schedule leaves between two runs.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions and the NCrontab
library behind it: six fields, or five without the seconds; a day must fit both of its fields, all times are UTC.
"""

import itertools
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

_TERM: Final = re.compile(
    r"(?:\*|(?P<first>[0-9]{1,3}|[a-z]{3})(?:-(?P<last>[0-9]{1,3}|[a-z]{3}))?)(?:/(?P<step>[0-9]{1,3}))?", re.ASCII
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES: Final = {name: number for number, name in enumerate(_MONTHS, 1)} | {
    name: number for number, name in enumerate(_WEEKDAYS)
}
_BOUNDS: Final = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
"""The lowest and the highest value of each field, the second first."""

_FIRST_DAY: Final = date(2024, 1, 1)
_DAYS: Final = 7 * (4 * 365 + 1)
"""The calendar repeats, weekdays included, after 28 years."""


class UnknownInterval(ValueError):  # noqa: N818 - named for what is not known
    """The text is no NCRONTAB expression, or one that never comes true; the message says why."""


def longest_interval(schedule: str) -> timedelta:
    """Return the longest time between two runs of a schedule; raise UnknownInterval."""
    fields = schedule.lower().split()
    if len(fields) not in (5, 6):
        raise UnknownInterval("it does not have the five or six fields of an NCRONTAB expression")
    if len(fields) == 5:  # noqa: PLR2004
        fields.insert(0, "0")
    values = [_values(field, *bounds) for field, bounds in zip(fields, _BOUNDS, strict=True)]
    seconds, minutes, hours, *_ = map(sorted, values)
    times = [(hour * 60 + minute) * 60 + second for hour in hours for minute in minutes for second in seconds]
    within_a_day = max((later - earlier for earlier, later in itertools.pairwise(times)), default=0)
    overnight = _days_between(*values[3:]) * 86_400 + times[0] - times[-1]
    return timedelta(seconds=max(within_a_day, overnight))


def _days_between(days: set[int], months: set[int], weekdays: set[int]) -> int:
    """Return the most days from one day that fits to the next one."""
    if len(days) == 31 and len(months) == 12 and len(weekdays) == 7:  # noqa: PLR2004
        return 1
    positions = [
        number
        for number in range(_DAYS)
        if (day := _FIRST_DAY + timedelta(days=number)).day in days
        and day.month in months
        and day.isoweekday() % 7 in weekdays
    ]
    if not positions:
        raise UnknownInterval("no day fits its days, months and weekdays")
    # The same years again: from the last day that fits to the first one.
    return max(later - earlier for earlier, later in itertools.pairwise([*positions, positions[0] + _DAYS]))


def _values(field: str, lowest: int, highest: int) -> set[int]:
    return set(itertools.chain.from_iterable(_term(term, lowest, highest) for term in field.split(",")))


def _term(term: str, lowest: int, highest: int) -> Iterator[int]:
    match = _TERM.fullmatch(term)
    if match is None:
        raise UnknownInterval(f"{term[:40]!a} is no value, range or step")
    first, last, step = match["first"], match["last"], match["step"]
    start = lowest if first is None else _number(first)
    # A single value with a step goes on to the highest one.
    end = _number(last) if last else highest if first is None or step else start
    if not lowest <= start <= end <= highest or step == "0" * len(step or "-"):
        raise UnknownInterval(f"{term[:40]!a} does not go upwards from {lowest} to {highest} at most")
    return iter(range(start, end + 1, int(step or 1)))


def _number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    if text not in _NAMES:
        raise UnknownInterval(f"{text!a} is the name of no month or weekday")
    return _NAMES[text]
