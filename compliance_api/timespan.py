"""Time spans as callers give them: ISO 8601 durations and intervals, of a bounded length."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from compliance_api.http import ProblemError, bad_request

FIELD: Final = "timespan"
LONGEST_HISTORY: Final = timedelta(days=93)
"""How far back a history may look."""

_DURATION: Final = re.compile(
    r"P(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.IGNORECASE | re.ASCII,
)
_WEEKS: Final = re.compile(r"P(\d+)W(?:(\d+)D)?")
_LONGEST_TEXT: Final = 100


def timespan_of(text: object, longest: timedelta, default: str) -> str:
    """Return the ISO 8601 text of a time span (`P1D`, `PT1H`, `start/end`, `start/P1D`); the default for None.

    Raises ProblemError for anything else, and for a span longer than `longest`.
    """
    if text is None or text == "":
        return default
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise _malformed()
    first, slash, second = text.strip().partition("/")
    length = _length(first, second) if slash else _duration(first)
    if length is None or length <= timedelta():
        raise _malformed()
    if length > longest:
        raise bad_request(FIELD, f"timespan is longer than the {longest.days} days that a query may look back.")
    return _weeks_as_days(text.strip().upper())


def bounds_of(timespan: str, now: datetime) -> tuple[datetime, datetime]:
    """Return begin and end of a time span that `timespan_of` returned; a duration alone ends now, and none later."""
    first, slash, second = timespan.partition("/")
    if not slash:
        return now - (_duration(first) or timedelta()), now
    start, end, length = _moment(first), _moment(second), _length(first, second) or timedelta()
    start = start or (end or now) - length
    return start, min(end or start + length, now)


def _weeks_as_days(text: str) -> str:
    """Return a duration with its weeks as days, which every version of the query API accepts."""
    return _WEEKS.sub(lambda match: f"P{int(match[1]) * 7 + int(match[2] or 0)}D", text)


def _length(first: str, second: str) -> timedelta | None:
    start, end = _moment(first), _moment(second)
    if start is not None and end is not None:
        return end - start
    if start is not None:
        return _duration(second)
    return _duration(first) if end is not None else None


def _duration(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    parts = {name: int(value) for name, value in match.groupdict().items() if value} if match else {}
    return timedelta(**parts) if parts else None


def _moment(text: str) -> datetime | None:
    if text[:1].upper() == "P":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _malformed() -> ProblemError:
    return bad_request(
        FIELD, "timespan is an ISO 8601 duration such as PT1H or P7D, or an interval of two moments with a slash."
    )
