"""Publishes what stands in the ledger again, whatever the collection does: no window of a query ends an open verdict.

It asks nothing of Azure Resource Manager and needs no credential of the publisher, which may have expired.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collector.reporting.ingestion import StreamUploader
from collector.reporting.outcomes import utc_now
from collector.reporting.serialised import encoded
from collector.unreadable import UnreadableRows
from publisher.configuration.function_timeout import function_timeout
from publisher.credentials import own_identity_credential
from publisher.errors.kinds import AzureFailure
from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_ids import ApplicationId, InvalidResourceId
from publisher.retry import Patience
from registry.registry import Registry
from verdicts.exports.loss import check_ledger_is_there
from verdicts.ledger import Entry, Ledger
from verdicts.publication import Publication
from verdicts.rows import heartbeat_rows, result_row_of_ledger, verdict_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from publisher.retry import Sleep
    from publisher.settings import PublicationSettings
    from registry.managed_application import MalformedRow, ManagedApplication
    from verdicts.ledger import UnreadableEntry

logger = logging.getLogger(__name__)

UPLOADS_IN_FLIGHT: Final = 2


class PublicationFailedError(Exception):
    """Rows were not stored, or rows of the ledger cannot be read; raised so that the host marks the invocation."""


@dataclass(slots=True)
class Published:
    """How many rows a publication stored, and how many it could not; `unreadable` counts rows of the ledger.

    `unreadable_control` says of control rows why they cannot be read.
    """

    verdict_rows: int = 0
    result_rows: int = 0
    rejected_rows: int = 0
    unreadable: int = 0
    unreadable_control: tuple[str, ...] = ()

    @property
    def failure(self) -> PublicationFailedError | None:
        """Why the publication counts as failed, or None."""
        reasons = [f"{self.rejected_rows} rows were not stored"] if self.rejected_rows else []
        reasons += [f"{self.unreadable} rows of the ledger cannot be read"] if self.unreadable else []
        reasons += self.unreadable_control
        return PublicationFailedError("; ".join(reasons)) if reasons else None


async def publish_ledger(
    settings: PublicationSettings,
    *,
    time_limit: timedelta | None = None,
    sleep: Sleep = asyncio.sleep,
    clock: Callable[[], datetime] = utc_now,
) -> Published:
    """Upload the verdict rows and result rows that are due, and a heartbeat row for each table.

    Args:
        settings: where the ledger is, and where rows go.
        time_limit: how long it may take; the host's functionTimeout by default.
        sleep: waits between the attempts of a call.
        clock: aware UTC time.

    Raises:
        AzureFailure: the ledger cannot be read completely, or was lost; what was read before is uploaded.
        SettingsError: functionTimeout is no time span.
    """
    limit = (time_limit or function_timeout()).total_seconds()
    patience = Patience(deadline=time.monotonic() + limit, sleep=sleep)
    async with (
        own_identity_credential(settings.own_identity_client_id) as own,
        LogsEndpoint(settings, own, patience=patience) as endpoint,
        Ledger(settings, patience=patience) as ledger,
        Registry(settings, patience=patience) as registry,
    ):
        failure = None
        async with asyncio.TaskGroup() as uploads:
            publishing = _Publishing(settings, endpoint, uploads)
            try:
                # Rows must not look newer than those of a run that writes the ledger meanwhile.
                await publishing.publish(ledger, registry, now=clock())
            except AzureFailure as error:
                failure = error
            published = await publishing.finish()
    if failure is not None:
        raise failure
    return published


class _Publishing:
    """One publication of the ledger."""

    def __init__(self, settings: PublicationSettings, endpoint: LogsEndpoint, uploads: asyncio.TaskGroup) -> None:
        self._verdicts, self._results, self._events = self._uploaders = tuple(
            StreamUploader(endpoint, stream, uploads, UPLOADS_IN_FLIGHT)
            for stream in (settings.verdicts_stream, settings.results_stream, settings.events_stream)
        )
        self._storage = settings.storage
        self._unreadable = 0
        self._unreadable_control: tuple[str, ...] = ()

    async def publish(self, ledger: Ledger, registry: Registry, *, now: datetime) -> None:
        """Queue the rows that are due; raise AzureFailure when the ledger cannot be read completely, or was lost."""
        run_id = str(uuid.uuid4())
        heartbeats = heartbeat_rows(Publication(run_id, now, None))
        for uploader, heartbeat in zip(self._uploaders, heartbeats.values(), strict=True):
            uploader.add([encoded(heartbeat)])
        control = await ledger.control()
        await check_ledger_is_there(self._storage, ledger, control)
        self._unreadable_control = tuple(map(str, control.unreadable))
        publication = Publication(
            run_id,
            now,
            control.latest_run.started_at if control.latest_run else None,
            record=control.latest_run,
            snoozes=control.snoozes,
            plans=control.plans,
        )
        unreadable = UnreadableRows(run_id, now)
        async for entry in ledger.entries():
            await self._verdicts.room()
            await self._results.room()
            if isinstance(entry, Entry):
                facts = entry.facts
            else:
                try:
                    facts = unreadable.facts_of(entry, await _registered(registry, entry))
                except AzureFailure as failure:
                    # Its alarm would be another one without what the registry calls it; what was told before stands.
                    logger.warning("%s is not published: %s", entry.application_id, failure)
                    unreadable.count += 1
                    continue
            self._verdicts.add([encoded(row) for row in verdict_rows(facts, publication)])
            if (row := result_row_of_ledger(facts, publication)) is not None:
                self._results.add([encoded(row)])
        self._unreadable = unreadable.count

    async def finish(self) -> Published:
        """Wait until every row is stored or refused, and return how many."""
        for uploader in self._uploaders:
            await uploader.flush()
        return Published(
            verdict_rows=self._verdicts.uploaded_rows,
            result_rows=self._results.uploaded_rows,
            rejected_rows=sum(uploader.rejected_rows for uploader in self._uploaders),
            unreadable=self._unreadable,
            unreadable_control=self._unreadable_control,
        )


async def _registered(registry: Registry, entry: UnreadableEntry) -> ManagedApplication | MalformedRow | None:
    """Return what the registry says of an application whose ledger row cannot be read; None when it has no such one.

    Raises the AzureFailure when the registry cannot be read.
    """
    try:
        identity = ApplicationId.parse(entry.application_id)
    except InvalidResourceId:
        return None  # a row under keys of no application
    async for application in registry.applications(identity):
        return application
    return None
