"""How long Azure asks to wait before the next attempt.

Sources: the Retry-After header of RFC 9110, its millisecond forms of Azure's services, and for Azure Resource Graph and
Policy x-ms-user-quota-resets-after, a time span `hh:mm:ss` (learn.microsoft.com/azure/governance/resource-graph/
concepts/guidance-for-throttled-requests).
"""

import email.utils
import math
import re
import time
from collections.abc import Iterator, Mapping
from typing import Final

_MILLISECONDS: Final = ("retry-after-ms", "x-ms-retry-after-ms")
_QUOTA_RESETS: Final = "x-ms-user-quota-resets-after"
_TIME_SPAN: Final = re.compile(r"(?:(\d{1,3})\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d{1,7})?", re.ASCII)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long Azure asks to wait: the longest of its wishes that can be read, None without any.

    A wish of nothing, or of a time in the past, is one of 0 seconds; `publisher.retry` says what it is worth.
    """
    return max(_wishes(headers), default=None)


def _wishes(headers: Mapping[str, str]) -> Iterator[float]:
    for name in _MILLISECONDS:
        if (milliseconds := _number(headers.get(name))) is not None:
            yield milliseconds / 1000
    if (seconds := _seconds_until(headers.get("Retry-After"))) is not None:
        yield seconds
    if match := _TIME_SPAN.fullmatch((headers.get(_QUOTA_RESETS) or "").strip()):
        days, hours, minutes, seconds_of_minute = (int(part or 0) for part in match.groups())
        yield float(((days * 24 + hours) * 60 + minutes) * 60 + seconds_of_minute)


def _seconds_until(value: str | None) -> float | None:
    """Return the seconds that a Retry-After asks for, as a number or as a date; None for what is neither."""
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError, TypeError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None
