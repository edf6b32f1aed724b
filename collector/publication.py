"""Publishes what stands in the ledger again, whatever the collection does: no window of a query ends an open verdict.

It asks nothing of Azure Resource Manager and needs no credential of the publisher, which may have expired.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collector.reporting.ingestion import StreamUploader
from collector.reporting.outcomes import utc_now
from publisher.credentials import own_identity_credential
from publisher.logs_endpoint import LogsEndpoint
from publisher.retry import Patience
from verdicts.ledger import Ledger
from verdicts.publication import Publication

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from publisher.retry import Sleep
    from publisher.settings import PublicationSettings

UPLOADS_IN_FLIGHT: Final = 2


class PublicationFailedError(Exception):
    """Rows were not stored, or rows of the ledger cannot be read; raised so that the host marks the invocation."""


@dataclass(slots=True)
class Published:
    """How many rows a publication stored, and how many it could not; `unreadable` counts rows of the ledger."""

    verdict_rows: int = 0
    result_rows: int = 0
    rejected_rows: int = 0
    unreadable: int = 0

    @property
    def failure(self) -> PublicationFailedError | None:
        """Why the publication counts as failed, or None."""
        if not self.rejected_rows and not self.unreadable:
            return None
        return PublicationFailedError(
            f"{self.rejected_rows} rows were not stored, and {self.unreadable} rows of the ledger cannot be read"
        )


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
        AzureFailure: the ledger cannot be read completely; what was read before is uploaded.
    """
    limit = (time_limit or function_timeout()).total_seconds()
    patience = Patience(deadline=time.monotonic() + limit, sleep=sleep)
    async with (
        own_identity_credential(settings.own_identity_client_id) as own,
        LogsEndpoint(settings, own, patience=patience) as endpoint,
        Ledger(settings, patience=patience) as ledger,
    ):
        publishing = _Publishing(settings, endpoint)
        # Rows must not look newer than those of a run that writes the ledger meanwhile.
        await publishing.publish(ledger, now=clock())
        return publishing.published


class _Publishing:
    """One publication of the ledger."""

    def __init__(self, settings: PublicationSettings, endpoint: LogsEndpoint) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self.published = Published()

    async def publish(self, ledger: Ledger, *, now: datetime) -> None:
        """Upload what is due; raise AzureFailure after that when the ledger could not be read completely."""
        failure = None
        async with asyncio.TaskGroup() as uploads:
            verdicts, results, events = (
                StreamUploader(self._endpoint, stream, uploads, UPLOADS_IN_FLIGHT)
                for stream in (
                    self._settings.verdicts_stream,
                    self._settings.results_stream,
                    self._settings.events_stream,
                )
            )
            run_id = str(uuid.uuid4())
            try:
                control = await ledger.control()
                publication = Publication(
                    run_id=run_id,
                    published_at=now,
                    previous=control.latest_run.started_at if control.latest_run else None,
                    record=control.latest_run,
                    snoozes=control.snoozes,
                )
                async for entry in ledger.entries():
                    await verdicts.room()
                    await results.room()
                    self._add(entry, publication, verdicts, results)
            except AzureFailure as error:
                failure = error
            heartbeat = heartbeat_rows(run_id, now)
            for uploader in (verdicts, results, events):
                await uploader.flush()
                self.published.rejected_rows += uploader.rejected_rows
        self.published.verdict_rows = verdicts.uploaded_rows
        self.published.result_rows = results.uploaded_rows
        if failure is not None:
            raise failure
