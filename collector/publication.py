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
from collector.reporting.serialised import encoded
from publisher.credentials import own_identity_credential
from publisher.logs_endpoint import LogsEndpoint
from publisher.retry import Patience
from verdicts.ledger import Entry, Ledger
from verdicts.publication import Publication
from verdicts.rows import heartbeat_rows, result_row_of_ledger, verdict_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from publisher.retry import Sleep
    from publisher.settings import PublicationSettings

UPLOADS_IN_FLIGHT: Final = 2


class PublicationFailedError(Exception):
    """Rows were not stored, or a row of the ledger cannot be read; the message says how many."""


@dataclass(slots=True)
class Published:
    """How many rows a publication stored, and how many it could not store; `unreadable` counts rows of the ledger."""

    verdict_rows: int = 0
    result_rows: int = 0
    rejected_rows: int = 0
    unreadable: int = 0


async def publish_ledger(
    settings: PublicationSettings,
    *,
    time_limit: timedelta,
    sleep: Sleep = asyncio.sleep,
    clock: Callable[[], datetime] = utc_now,
) -> Published:
    """Upload the verdict rows and result rows that are due, and a heartbeat row for each table.

    Args:
        settings: where the ledger is, and where rows go.
        time_limit: how long it may take.
        sleep: waits between the attempts of a call.
        clock: aware UTC time.

    Raises:
        AzureFailure: the ledger cannot be read completely; what was read before is uploaded.
    """
    patience = Patience(deadline=time.monotonic() + time_limit.total_seconds(), sleep=sleep)
    async with (
        own_identity_credential(settings.own_identity_client_id) as own,
        LogsEndpoint(settings, own, patience=patience) as endpoint,
        Ledger(settings, patience=patience) as ledger,
    ):
        async with asyncio.TaskGroup() as uploads:
            publishing = _Publishing(settings, endpoint, ledger, uploads)
