"""One run as the settings say: open the clients, collect the registry's applications, close the clients."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collector.collection import Collection
from collector.judging import Judging
from collector.reading.application_reader import ApplicationReader
from collector.reading.check_reader import CheckReader
from collector.reading.closer_look import CloserLook
from collector.reporting.outcomes import Run, RunSummary, utc_now
from publisher.configuration.function_timeout import function_timeout
from publisher.configuration.version import VERSION
from publisher.credentials import own_identity_credential, service_principal_credential
from publisher.errors.kinds import AzureFailure
from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_manager import ResourceManager
from publisher.retry import Patience, with_retries
from publisher.table import EVERYTHING, KeyRange
from registry.registry import Registry
from verdicts.exports.loss import check_ledger_is_there
from verdicts.exports.remembered import LostRows
from verdicts.joined import Pair, joined
from verdicts.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime, timedelta

    from azure.core.credentials_async import AsyncTokenCredential

    from collector.reporting.outcomes import ApplicationResult
    from publisher.configuration.resource_settings import Storage
    from publisher.resource_ids import ApplicationId
    from publisher.retry import Sleep
    from publisher.settings import CollectorSettings


@dataclass(frozen=True, slots=True)
class Fleet:
    """The applications to collect, each with what the ledger remembers of it."""

    registry: Registry
    ledger: Ledger
    storage: Storage
    patience: Patience

    def pairs(self, within: KeyRange = EVERYTHING) -> AsyncIterator[Pair]:
        """Yield every application that the registry or the ledger knows in a range of partitions."""
        lost = LostRows(self.storage, within=within, patience=self.patience)
        return lost.noted(joined(self.registry, self.ledger, within=within))

    async def only(self, chosen: Mapping[ApplicationId, str]) -> AsyncIterator[Pair]:
        """Yield those of these applications that are known, each with the counts that brought its turn forward."""
        lost = LostRows(self.storage, patience=self.patience)
        for application_id, probed in chosen.items():
            async for pair in lost.noted(joined(self.registry, self.ledger, only=application_id)):
                yield pair._replace(probed=probed)


logger = logging.getLogger(__name__)

RESERVED_SHARE: Final = 0.1
"""Share of the host's functionTimeout that reading leaves to uploading."""

CHECKS_SHARE: Final = 0.6
"""Share of the time for reading in which checks of the publisher are read too; after that Azure's states alone are."""


class CollectionFailedError(Exception):
    """The run failed; raised so that the Functions host marks the invocation as failed."""


async def run_collection(
    settings: CollectorSettings,
    *,
    trigger: str,
    only: Mapping[ApplicationId, str] | None = None,
    on_result: Callable[[ApplicationResult], None] = lambda _: None,
    time_limit: timedelta | None = None,
    sleep: Sleep = asyncio.sleep,
    clock: Callable[[], datetime] = utc_now,
    shards: int = 1,
) -> RunSummary:
    """Collect once and return the totals.

    Args:
        settings: the collector's settings.
        trigger: what started the run: column Trigger of the run row.
        only: chosen applications, each with the counts of Azure Resource Graph that brought its turn forward, "" for
            one that a person asks for; the run is then partial and writes no run row.
        on_result: called with each application's final result.
        time_limit: how long the run may take; the host's functionTimeout by default.
        sleep: waits between the attempts of a call.
        clock: aware UTC time, which the run takes for its start, its rows and its verdicts.
        shards: with how many others this one shares the alarms of their own that a run may open.

    The summary's ``error`` says when there was no token for ingestion, so that nothing could be stored, or when the
    registry or the ledger could not be read completely.

    Raises:
        SettingsError: the certificate of the service principal cannot be used, or functionTimeout is no time span.
    """
    run = Run(str(uuid.uuid4()), clock(), trigger, partial=only is not None)
    async with AsyncExitStack() as stack:
        try:
            collection, fleet = await stack.enter_async_context(
                open_collection(
                    settings,
                    run,
                    on_result=on_result,
                    time_limit=time_limit,
                    sleep=sleep,
                    clock=clock,
                    shards=shards,
                )
            )
        except AzureFailure as failure:
            return RunSummary(run, error=failure)
        pairs = fleet.pairs() if only is None else fleet.only(only)
        await collection.collect(pairs)
    return collection.summary


@asynccontextmanager
async def open_collection(
    settings: CollectorSettings,
    run: Run,
    *,
    on_result: Callable[[ApplicationResult], None] = lambda _: None,
    time_limit: timedelta | None = None,
    sleep: Sleep = asyncio.sleep,
    clock: Callable[[], datetime] = utc_now,
    shards: int = 1,
) -> AsyncIterator[tuple[Collection, Fleet]]:
    """Yield a collection with open clients, and the applications to collect; there is one client for each service.

    `shards` is in how many parts the run is done, of which this is one.

    Raises:
        AzureFailure: there is no token for ingestion, so that nothing could be stored, or the ledger cannot be read, or
            was lost.
        SettingsError: the certificate of the service principal cannot be used, or functionTimeout is no time span.
    """
    cloud = settings.cloud
    limit = (time_limit or function_timeout()).total_seconds()
    started = time.monotonic()
    reading = Patience(deadline=started + limit * (1 - RESERVED_SHARE), sleep=sleep)
    uploading = Patience(deadline=started + limit * (1 - RESERVED_SHARE / 2), sleep=sleep)
    async with (
        service_principal_credential(settings.service_principal, cloud) as publisher,
        own_identity_credential(settings.own_identity_client_id) as own,
        ResourceManager(
            publisher, cloud, connections=settings.max_concurrent_applications, patience=reading
        ) as resource_manager,
        LogsEndpoint(settings, own, patience=uploading) as endpoint,
        Registry(settings, patience=uploading) as registry,
        Ledger(settings, patience=uploading) as ledger,
    ):
        await _fetch_token(own, cloud.monitor_audience, uploading)
        control = await ledger.control()
        await check_ledger_is_there(settings.storage, ledger, control, patience=uploading)
        for unreadable in control.unreadable:
            logger.error("%s", unreadable)
        judging = Judging(run, ledger, control, interval=settings.interval, clock=clock, shards=shards)
        closer_look = CloserLook(resource_manager, clock=clock, deadline=reading.deadline)
        checks_until = started + limit * (1 - RESERVED_SHARE) * CHECKS_SHARE
        check_reader = CheckReader(run, settings, resource_manager, deadline=checks_until)
        reader = ApplicationReader(
            run,
            settings,
            resource_manager,
            reading,
            check_reader=check_reader,
            closer_look=closer_look,
            version=VERSION,
        )
        try:
            await _fetch_token(publisher, cloud.resource_manager_audience, reading)
        except AzureFailure as failure:
            reader.unreadable = failure
        collection = Collection(run, settings, reader, endpoint, judging, on_result=on_result)
        collection.summary.unreadable_control = tuple(map(str, control.unreadable))
        yield collection, Fleet(registry, ledger, settings.storage, uploading)


async def _fetch_token(credential: AsyncTokenCredential, audience: str, patience: Patience) -> None:
    """Fetch and cache a token before many need it, so that a broken identity is found once and not per application."""
    await with_retries(
        lambda: credential.get_token(f"{audience}/.default"), deadline=patience.deadline, sleep=patience.sleep
    )


def failure_of(summary: RunSummary) -> CollectionFailedError | None:
    """Return why a run counts as failed, or None.

    Applications with one of CUSTOMER_OUTCOMES (AccessDenied, NotFound, Blocked, Vanished) do not fail it, because they
    have an alert of their own. Every other outcome of an application that was not read does.
    """
    reasons = [] if summary.error is None else [str(summary.error)]
    if summary.failed_by_us_or_azure:
        counts = ", ".join(f"{count} {outcome.value}" for outcome, count in sorted(summary.outcomes.items()))
        reasons.append(f"{summary.failed_by_us_or_azure} of {summary.applications} applications failed ({counts})")
    reasons += summary.unreadable_control
    if not summary.run.partial and not summary.completed:
        reasons.append("the run row was not stored, so queries do not count this run as completed")
    return CollectionFailedError(f"Run {summary.run.run_id}: {'; '.join(reasons)}") if reasons else None
