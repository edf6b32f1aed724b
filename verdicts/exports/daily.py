"""The day's export: made by the first invocation of the day that can, and told either way.

The timer fires every hour and finds the day's export there, but for the first time. So what failed is tried again
within the hour, and a new installation has its first export within an hour.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from publisher.configuration.function_timeout import function_timeout
from publisher.credentials import own_identity_credential
from publisher.errors.kinds import AzureFailure
from publisher.logs_endpoint import LogsEndpoint
from publisher.retry import Patience
from registry.events import EXPORT_EVENT, Event, EventsNotStored, store_events
from verdicts.exports.export import export
from verdicts.exports.lines import UnexportableRow
from verdicts.exports.manifest import Manifest, UnusableExport, counts_text
from verdicts.exports.store import ExportStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from publisher.retry import Sleep
    from publisher.settings import PublicationSettings

_LOGGER = logging.getLogger(__name__)

EXPORTED: Final = "Exported"
EXPORT_FAILED: Final = "ExportFailed"
_TELLING_SECONDS: Final = 60.0


class ExportFailed(Exception):  # noqa: N818 - named for what happened
    """The day's export could not be made, or not told; raised so that the host marks the invocation."""


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


async def export_daily(
    settings: PublicationSettings,
    *,
    version: str,
    time_limit: timedelta | None = None,
    sleep: Sleep = asyncio.sleep,
    clock: Callable[[], datetime] = utc_now,
) -> Manifest | None:
    """Export registry and ledger, unless the day's export is there: then return None. An event row tells of it.

    Raises:
        ExportFailed: the message says why; an event row does, too, where it could be stored.
        SettingsError: functionTimeout is no time span.
    """
    limit = (time_limit or function_timeout()).total_seconds()
    ends = time.monotonic() + limit
    try:
        manifest = await _exported(settings, version, clock, Patience(deadline=ends - _TELLING_SECONDS, sleep=sleep))
    except (AzureFailure, UnusableExport, UnexportableRow, OSError) as failure:
        code = failure.code if isinstance(failure, AzureFailure) else type(failure).__name__
        told = await _told(
            settings, _event(clock(), EXPORT_FAILED, code=code, message=str(failure)), ends, sleep, clock
        )
        raise ExportFailed(f"{code}: {failure}{f'; and {told}' if told else ''}") from failure
    if manifest is None:
        return None
    event = _event(clock(), EXPORTED, reason=f"{manifest.name}: {counts_text(manifest.tables)}")
    if untold := await _told(settings, event, ends, sleep, clock):
        raise ExportFailed(f"the export {manifest.name} is made, and {untold}")
    return manifest


async def _exported(
    settings: PublicationSettings, version: str, clock: Callable[[], datetime], patience: Patience
) -> Manifest | None:
    name = clock().astimezone(UTC).date().isoformat()
    async with ExportStore(settings.storage, patience=patience) as exports:
        if await exports.has(name):
            return None
        return await export(
            exports,
            settings.storage,
            settings.table_name,
            name=name,
            version=version,
            clock=clock,
            patience=patience,
        )


def _event(now: datetime, action: str, *, code: str = "", message: str = "", reason: str = "") -> Event:
    return Event(
        event_type=EXPORT_EVENT,
        action=action,
        happened_at=now,
        received_at=now,
        error_code=code,
        error_message=message,
        reason=reason,
    )


async def _told(
    settings: PublicationSettings, event: Event, ends: float, sleep: Sleep, clock: Callable[[], datetime]
) -> str:
    """Store the event's row; return why it was not stored, "" when it was."""
    async with (
        own_identity_credential(settings.own_identity_client_id) as own,
        LogsEndpoint(settings, own, patience=Patience(deadline=ends, sleep=sleep)) as endpoint,
    ):
        try:
            await store_events([event], endpoint, settings.events_stream, now=clock(), deadline=ends)
        except EventsNotStored as untold:
            _LOGGER.error("%s", untold)  # noqa: TRY400 - the message says it all
            return str(untold)
    return ""
