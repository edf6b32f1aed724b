"""COLLECTION_MODE=fan-out: one invocation cuts the registry into shards and sends them to a queue.

The platform scales out over the queue; collector.shard_work collects each shard with the same code as a single run, and
the rows are the same.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING

from collector.fan_out.shard_queue import ShardQueue
from collector.fan_out.shard_records import KEPT, RunRecords
from collector.fan_out.shards import APPLICATIONS_IN_A_SHARD, Shard, cut
from collector.reporting.outcomes import Run, utc_now
from publisher.errors.kinds import AzureFailure
from publisher.retry import Patience
from registry.registry import Registry
from verdicts.exports.loss import check_ledger_is_there
from verdicts.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from publisher.retry import Sleep
    from publisher.settings import CollectorSettings

logger = logging.getLogger(__name__)


async def send_shards(
    settings: CollectorSettings,
    *,
    trigger: str,
    most: int = APPLICATIONS_IN_A_SHARD,
    sleep: Sleep = asyncio.sleep,
    clock: Callable[[], datetime] = utc_now,
) -> list[Shard]:
    """Begin a run: cut the registry into shards of at most ``most`` applications, and send each to the queue.

    Raises:
        AzureFailure: the registry could not be listed completely, the ledger was lost, or a shard could not be sent.
            The run is then never completed, and alerts use the last completed run.
    """
    run = Run(str(uuid.uuid4()), _to_milliseconds(clock()), trigger)
    patience = Patience(sleep=sleep)
    async with (
        Registry(settings, patience=patience) as registry,
        Ledger(settings, patience=patience) as ledger,
        RunRecords(settings.storage, patience) as records,
        ShardQueue(settings.storage, patience) as queue,
    ):
        await check_ledger_is_there(settings.storage, ledger, await ledger.control(), patience=patience)
        ranges = await cut(registry.partitions(), most)
        shards = [Shard(run, number, len(ranges), within) for number, within in enumerate(ranges, start=1)]
        await records.begin(run, len(shards))
        await queue.send_all(shard.message() for shard in shards)
        try:
            await records.forget_runs_before(run.started_at - KEPT)
        except AzureFailure as failure:
            logger.warning("old records of runs were not deleted: %s", failure)
    return shards


def _to_milliseconds(moment: datetime) -> datetime:
    """Return a time without fractions of a millisecond, as it is in rows and messages."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
