"""ISO 8601 durations and time spans, as Azure Monitor's APIs and alert rules spell them (PT15M, P1D, start/end)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_DURATION: Final = re.compile(
    r"P(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def parse_duration(text: str) -> timedelta:
    """Return a duration of days, hours, minutes and seconds; ValueError for any other text."""
    match = _DURATION.fullmatch(text)
    parts = {unit: float(amount) for unit, amount in match.groupdict().items() if amount} if match else {}
    if not parts:
        raise ValueError(f"{text[:40]!r} is not a duration such as PT1H or P2D")
    return timedelta(**parts)


def _parse_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def parse_timespan(text: str, now: datetime) -> tuple[datetime, datetime]:
    """Return start and end of "start/end", "start/duration", "duration/end" or "duration" (which ends now).

    ValueError when it is none of them or ends before it starts.
    """
    first, slash, second = text.partition("/")
    if not slash:
        return now - parse_duration(first), now
    if first.startswith("P"):
        end = _parse_moment(second)
        return end - parse_duration(first), end
    start = _parse_moment(first)
    end = start + parse_duration(second) if second.startswith("P") else _parse_moment(second)
    if end < start:
        raise ValueError("the time span ends before it starts")
    return start, end
