"""Handles one delivery of a shard's message: collects the shard, and completes the run after its last shard.

There is one result row for each application and one run row, also when messages are delivered twice or an instance
crashes: see collector.fan_out.shard_records.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import closing
from typing import TYPE_CHECKING, Any

from collector.fan_out.shard_records import Claim, ClaimLostError, NoClaim, RunRecords, uploaded_chunks
from collector.reporting.outcomes import utc_now
from collector.reporting.serialised import CHUNK_LIMIT_BYTES
from collector.run import open_collection
from publisher.retry import Patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime, timedelta

    from collector.collection import Collection
    from collector.fan_out.shards import Shard
    from collector.reporting.outcomes import RunSummary
    from collector.run import Fleet
    from publisher.retry import Sleep
    from publisher.settings import CollectorSettings
    from publisher.table import Row

logger = logging.getLogger(__name__)


class ShardWork:
    """Handles one delivery of a shard's message.

    Args:
        settings: the collector's settings.
        shard: from the message.
        message_id: the queue's id of the message, the same for every delivery of it.
        time_limit: how long it may take; the host's functionTimeout by default.
        sleep: waits between the attempts of a call.
        clock: aware UTC time.
    """

    def __init__(
        self,
        settings: CollectorSettings,
        shard: Shard,
        message_id: str,
        *,
        time_limit: timedelta | None = None,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._shard = shard
        self._message_id = message_id
        self._time_limit = time_limit
        self._sleep = sleep
        self._clock = clock

    async def collect(self) -> RunSummary | None:
        """Collect the shard and, when it is the run's last one, complete the run.

        Returns the totals of the shard, or of the run when it was completed; None when there was nothing to do.

        Raises:
            AzureFailure, ReportRefusedError: the work is not done; the message must be delivered again.
        """
        return await self._work(give_up=False)

    async def give_up(self) -> RunSummary | None:
        """Report every application of the shard as Failed: the message was delivered as often as the host allows.

        Otherwise like ``collect``. A shard that is done keeps its results.
        """
        return await self._work(give_up=True)

    async def _work(self, *, give_up: bool) -> RunSummary | None:
        async with RunRecords(self._settings.storage, Patience(sleep=self._sleep)) as records:
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
        """Collect the shard's applications, record their result rows, and return the shard's totals."""
        async with self._open() as (collection, fleet):
            pairs = fleet.pairs(self._shard.within)
            results = await (collection.give_up(pairs) if give_up else collection.read(pairs))
        await records.finish_shard(claim, collection.summary.totals()["totals"], results)
        return collection.summary

    async def _complete_run(self, records: RunRecords, *, forced: bool) -> RunSummary | None:
        """Upload the result rows of all shards and the run row; None when shards are missing or another does it."""
        claimed = await records.claim_run(self._shard, self._message_id, forced=forced)
        if isinstance(claimed, NoClaim):
            return None
        claim, totals = claimed
        async with self._open() as (collection, _):
            for one in totals:
                collection.summary.add_totals(one)
            row = await records.confirm(claim)
            uploaded = uploaded_chunks(row)
            async for number, results in _chunks(records.results(self._shard)):
                collection.summary.result_rows += len(results)
                if number > uploaded:
                    await _uninterrupted(collection.report(results), records.note_chunks(claim, row, number))
                    row = await records.confirm(claim)
            collection.summary.uploaded_rows += collection.summary.result_rows
            duration = self._clock() - self._shard.run.started_at
            collection.summary.duration_ms = max(0, round(duration.total_seconds() * 1000))
            await _uninterrupted(collection.complete(), self._finish_run(records, claim, row, collection))
        return collection.summary

    @staticmethod
    async def _finish_run(records: RunRecords, claim: Claim, row: Row, collection: Collection) -> None:
        await collection.note_run()
        await records.finish_run(claim, row)

    def _open(self) -> AbstractAsyncContextManager[tuple[Collection, Fleet]]:
        return open_collection(
            self._settings,
            self._shard.run,
            time_limit=self._time_limit,
            sleep=self._sleep,
            clock=self._clock,
            shards=self._shard.count,
        )


async def _chunks(results: AsyncIterator[list[bytes]]) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Yield numbered lists of rows, each for one request; the same lists for every delivery."""
    number, chunk, size = 1, list[bytes](), 2
    async for rows in results:
        for row in rows:
            if chunk and size + len(row) + 1 > CHUNK_LIMIT_BYTES:
                yield number, chunk
                number, chunk, size = number + 1, [], 2
            chunk.append(row)
            size += len(row) + 1
    if chunk:
        yield number, chunk


async def _uninterrupted(upload: Coroutine[Any, Any, None], record: Coroutine[Any, Any, None]) -> None:
    """Upload and record that it is done, also when cancelled in between; CancelledError is raised afterwards."""

    async def both() -> None:
        with closing(record):
            await upload
            await record

    task = asyncio.ensure_future(both())
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
