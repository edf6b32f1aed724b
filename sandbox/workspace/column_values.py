"""Converts uploaded JSON values for a table's columns: kept when of the column's type, null otherwise.

Azure converts a few mismatches and stores null for the rest. The sandbox converts nothing, so that a row builder that
relies on a conversion is found here. Sources: FACTS 3.2 (64 KB per value), 3.4 (TimeGenerated), 3.5 (types).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_TEXT_BYTES: Final = 64 * 1024
MAX_AGE: Final = timedelta(days=2)
MAX_AHEAD: Final = timedelta(days=1)


def _text(value: Any) -> str:
    """Return the text; "" for anything else, because a Kusto string is never null."""
    if not isinstance(value, str):
        return ""
    encoded = value.encode("utf-8", errors="replace")
    if len(encoded) <= MAX_TEXT_BYTES:
        return encoded.decode("utf-8")
    return encoded[:MAX_TEXT_BYTES].decode("utf-8", errors="ignore")


def _whole_number(bits: int) -> Callable[[Any], int | None]:
    limit = 1 << (bits - 1)

    def convert(value: Any) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value if -limit <= value < limit else None

    return convert


def _real(value: Any) -> float | None:
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def parse_time(value: Any) -> datetime | None:
    """Return an ISO 8601 text as an aware UTC datetime (UTC is assumed without an offset); None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: an offset that leads out of the years 1 to 9999
        return None


def _time(value: Any) -> str | None:
    parsed = parse_time(value)
    return None if parsed is None else parsed.replace(tzinfo=None).isoformat()


def _guid(value: Any) -> str | None:
    try:
        return str(UUID(value))
    except (TypeError, ValueError, AttributeError):
        return None


def _dynamic(value: Any) -> Any:
    return value


CONVERTERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "string": _text,
    "int": _whole_number(32),
    "long": _whole_number(64),
    "real": _real,
    "boolean": _boolean,
    "dateTime": _time,
    "guid": _guid,
    "dynamic": _dynamic,
}
"""By column type: a JSON value as DuckDB's JSON reader takes it, or None."""


def time_generated(value: Any, received: datetime) -> str:
    """Return TimeGenerated as stored: the receipt time when it is missing, over 2 days old or over 1 day ahead."""
    sent = parse_time(value)
    if sent is None or sent < received - MAX_AGE or sent > received + MAX_AHEAD:
        sent = received.astimezone(UTC)
    return sent.replace(tzinfo=None).isoformat()
