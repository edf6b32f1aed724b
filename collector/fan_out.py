"""COLLECTION_MODE=fan-out: one invocation cuts the registry into shards, the platform scales out over the queue.

The same collection code works on each shard, and rows come out as if one process had done it: result rows once for
each application, and one run row when the last shard is done.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from collector.collection import ReportRefusedError
from collector.outcomes import ApplicationResult, Outcome, Run, RunSummary
from collector.queues import SHARDS_QUEUE
from collector.run import open_collection
from collector.shard_queue import ShardQueue
from collector.shard_records import KEPT, Claim, ClaimLostError, NoClaim, RunRecords
from collector.shards import APPLICATIONS_IN_A_SHARD, Shard, cut
from publisher.errors import AzureFailure
from publisher.registry import MalformedRow, Patience, Registry

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AbstractAsyncContextManager

    from collector.collection import Collection
    from collector.slots import Sleep
    from publisher.registry import ManagedApplication
    from publisher.settings import CollectorSettings

logger = logging.getLogger(__name__)


async def send_shards(
    settings: CollectorSettings,
    *,
    trigger: str,
    most: int = APPLICATIONS_IN_A_SHARD,
    sleep: Sleep = asyncio.sleep,
) -> list[Shard]:
    """Begin a run: cut the registry into shards of at most ``most`` applications, and send each to the queue.

    Raises:
        AzureFailure: the registry could not be listed to its end, or a shard could not be sent. The run then never
            completes, and alerts keep judging the last one that did.
    """
    run = Run(str(uuid.uuid4()), _to_milliseconds(datetime.now(UTC)), trigger)
    patience = Patience(sleep=sleep)
    own = settings.own_identity_client_id
    async with (
        Registry.open(settings.storage, settings.table_name, own, patience=patience) as registry,
        RunRecords.open(settings, patience) as records,
        ShardQueue.open(settings, SHARDS_QUEUE, sleep=sleep) as queue,
    ):
        ranges = await cut(registry.partitions(), most)
        shards = [Shard(run, number, len(ranges), within) for number, within in enumerate(ranges, start=1)]
        await records.begin(run, len(shards))
        await queue.send(shard.message() for shard in shards)
        try:
            await records.forget_runs_before(run.started_at - KEPT)
        except AzureFailure as failure:
            logger.warning("old records of runs were not deleted: %s", failure)
    return shards


class ShardWork:
    """What one delivery of a shard's message sets off.

    Args:
        settings: the collector's settings.
        shard: from the message.
        message_id: the queue's id of the message, the same for every delivery of it.
        time_limit: how long it may take; the host's functionTimeout by default.
        sleep: waits between the attempts of a call.
    """

    def __init__(
        self,
        settings: CollectorSettings,
        shard: Shard,
        message_id: str,
        *,
        time_limit: timedelta | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._shard = shard
        self._message_id = message_id
        self._time_limit = time_limit
        self._sleep = sleep

    async def collect(self) -> RunSummary | None:
        """Collect the shard and, when it is the run's last one, complete the run.

        Returns the totals, of the shard or of the run that it completed; None when there was nothing left to do.

        Raises:
            AzureFailure, ReportRefusedError: the work is not done; the message must come again.
        """
        return await self._work(give_up=False)

    async def give_up(self) -> RunSummary | None:
        """Report every application of the shard as Failed, because collecting it failed as often as the queue allows.

        Otherwise like ``collect``. A shard that was done in the end keeps its results.
        """
        return await self._work(give_up=True)

    async def _work(self, *, give_up: bool) -> RunSummary | None:
        async with RunRecords.open(self._settings, Patience(sleep=self._sleep)) as records:
            claim = await records.claim_shard(self._shard, self._message_id, forced=give_up)
            summary = None
            try:
                if isinstance(claim, Claim):
                    summary = await self._do_shard(records, claim, give_up=give_up)
                elif claim is not NoClaim.DONE:
                    logger.info("%s: nothing to do: %s", self._shard, claim.name)
                    return None
                return await self._complete_run(records, forced=give_up) or summary
            except ClaimLostError:
                logger.warning("%s was taken over by another delivery", self._shard)
                return None

    async def _do_shard(self, records: RunRecords, claim: Claim, *, give_up: bool) -> RunSummary:
        async with self._open() as (collection, registry):
            registered = registry.applications(within=self._shard.within)
            if give_up:
                results = [collection.settle(self._failed(entry)) async for entry in registered]
            else:
                results = await collection.read(registered)
            await records.confirm(claim)
            # From here to the end of `finish`, which is two calls, a crash makes the results appear twice: ingestion
            # knows no idempotency key. A cancellation waits for it.
            await _uninterrupted(self._report(collection, records, claim, results))
        return collection.summary

    @staticmethod
    async def _report(collection: Collection, records: RunRecords, claim: Claim, results: list[bytes]) -> None:
        await collection.report(results)
        await records.finish(claim, collection.summary.totals()["totals"])

    async def _complete_run(self, records: RunRecords, *, forced: bool) -> RunSummary | None:
        claimed = await records.claim_run(self._shard, self._message_id, forced=forced)
        if isinstance(claimed, NoClaim):
            return None
        claim, totals = claimed
        async with self._open() as (collection, _):
            summary = collection.summary
            for one in totals:
                summary.add_totals(one)
            duration = datetime.now(UTC) - self._shard.run.started_at
            summary.duration_ms = max(0, round(duration.total_seconds() * 1000))
            await records.confirm(claim)
            await _uninterrupted(self._report_run(collection, records, claim))
        return summary

    @staticmethod
    async def _report_run(collection: Collection, records: RunRecords, claim: Claim) -> None:
        await collection.complete()
        if not collection.summary.completed:
            raise ReportRefusedError("the run row was not stored, so queries do not count this run as completed")
        await records.finish(claim, collection.summary.totals()["totals"])

    def _open(self) -> AbstractAsyncContextManager[tuple[Collection, Registry]]:
        return open_collection(self._settings, self._shard.run, time_limit=self._time_limit, sleep=self._sleep)

    @staticmethod
    def _failed(entry: ManagedApplication | MalformedRow) -> ApplicationResult:
        if isinstance(entry, MalformedRow):
            return ApplicationResult.of_malformed(entry)
        result = ApplicationResult.of(entry)
        result.conclude(
            Outcome.FAILED, "ShardFailed", "collecting this application's shard ended without a result again and again"
        )
        return result


async def _uninterrupted(work: Coroutine[None, None, None]) -> None:
    """Do a short piece of work to its end, also when it is cancelled meanwhile; the cancellation follows."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _to_milliseconds(moment: datetime) -> datetime:
    """Return the moment as rows and messages carry it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
