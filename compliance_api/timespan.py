"""Time spans as callers give them: ISO 8601 durations and intervals, of a bounded length."""

import re
from datetime import datetime, timedelta
from typing import Final

from compliance_api.http import ProblemError, bad_request
from publisher.texts import moment_in

FIELD: Final = "timespan"
LONGEST_HISTORY: Final = timedelta(days=93)
"""How far back a history may look."""

_DURATION: Final = re.compile(
    r"P(?:(?P<months>\d{1,3})M)?(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.IGNORECASE | re.ASCII,
)
_LONG_UNITS: Final = re.compile(r"P(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?=T|$|/)")
_KQL: Final = re.compile(r"(\d{1,9})([dhms])", re.ASCII)
_MONTH_DAYS: Final = 31
"""A month has as many days as the longest, so that no day of it is missing."""

_LONGEST_TEXT: Final = 100
_YEARS: Final = range(2000, 3000)
"""Moments outside of these are a slip: nothing of ours is older."""


def timespan_of(text: object, longest: timedelta, default: str) -> str:
    """Return the ISO 8601 text of a time span; the default for None. An interval is that of two moments in UTC.

    Understood are `P1D`, `PT1H`, `start/end`, `start/P1D` and `P1D/end`, `24h` and `7d` as KQL writes them, and a month
    (`P1M`) as 31 days. Raises ProblemError for anything else, and for a span longer than `longest`.
    """
    if text is None or text == "":
        return default
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise _malformed()
    text = _KQL.sub(_as_iso_8601, text.strip()) if _KQL.fullmatch(text.strip()) else text
    first, slash, second = text.strip().partition("/")
    interval = _interval(first, second) if slash else None
    if interval:
        length: timedelta | None = interval[1] - interval[0]
    else:
        length = None if slash else _duration(first)
    if length is None or length <= timedelta():
        raise _malformed()
    if length > longest:
        raise bad_request(FIELD, f"timespan is longer than the {longest.days} days that a query may look back.")
    if interval:
        return "/".join(moment.isoformat().replace("+00:00", "Z") for moment in interval)
    return _LONG_UNITS.sub(_as_days, text.strip().upper())


def _as_iso_8601(match: re.Match[str]) -> str:
    unit = match[2].upper()
    return f"P{match[1]}D" if unit == "D" else f"PT{match[1]}{unit}"


def _as_days(match: re.Match[str]) -> str:
    """Return months, weeks and days as days, which every version of the query API accepts."""
    months, weeks, days = (int(part or 0) for part in match.groups())
    total = months * _MONTH_DAYS + weeks * 7 + days
    return f"P{total}D" if total or any(match.groups()) else "P"


def bounds_of(timespan: str, now: datetime) -> tuple[datetime, datetime]:
    """Return begin and end of a time span that `timespan_of` returned; a duration alone ends now, and none later.

    Raises ProblemError 400 for one that begins later.
    """
    first, slash, second = timespan.partition("/")
    interval = _interval(first, second) if slash else None
    start, end = interval or (now - (_duration(first) or timedelta()), now)
    if start >= now:
        raise bad_request(FIELD, "timespan begins in the future; nothing is known of it.")
    return start, min(end, now)


def before(timespan: str, length: timedelta) -> str:
    """Return a time span that `timespan_of` returned, and so much, in whole days, before it."""
    first, slash, second = timespan.partition("/")
    interval = _interval(first, second) if slash else None
    if interval:
        return f"{(interval[0] - length).isoformat()}/{second}".replace("+00:00", "Z")
    whole = (_duration(first) or timedelta()) + length
    return f"P{whole.days}DT{whole.seconds}S" if whole.seconds else f"P{whole.days}D"


def moment_given(name: str, text: str) -> datetime | None:
    """Return a parameter that is a day or a moment, in UTC; None for none, ProblemError 400 for what is none."""
    moment = _moment(text) if text else None
    if text and moment is None:
        raise bad_request(name, f"{name} is a day or a moment, such as 2026-01-31 or 2026-01-31T12:00:00Z.")
    return moment


def _interval(first: str, second: str) -> tuple[datetime, datetime] | None:
    start, end = _moment(first), _moment(second)
    length = _duration(second) if end is None else _duration(first)
    if start is not None and end is not None:
        return start, end
    try:
        if start is not None and length is not None:
            return start, start + length
        if end is not None and length is not None:
            return end - length, end
    except OverflowError:
        pass  # an end that no calendar has
    return None


def _duration(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    parts = {name: int(value) for name, value in match.groupdict().items() if value} if match else {}
    days = parts.pop("months", 0) * _MONTH_DAYS + parts.pop("days", 0)
    return timedelta(days=days, **parts) if match and any(match.groups()) else None


def _moment(text: str) -> datetime | None:
    if text[:1].upper() == "P":
        return None
    moment = moment_in(text)
    return moment if moment is not None and moment.year in _YEARS else None


def _malformed() -> ProblemError:
    return bad_request(
        FIELD, "timespan is an ISO 8601 duration such as PT1H or P7D, or an interval of two moments with a slash."
    )
