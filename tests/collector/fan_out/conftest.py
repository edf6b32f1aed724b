"""A run in shards: the queue between the timer and the shards is in the test's hand."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from collector.fan_out import SHARDS_QUEUE
from collector.fan_out.dispatch import send_shards
from collector.fan_out.shards import Shard
from collector.reporting.outcomes import RunSummary
from collector.shard_work import ShardWork
from tests.collector.conftest import (
    RESULTS_TABLE,
    Fleet,
)


@dataclass
class FanOut:
    """The queue between the timer and the shards, in the test's hand."""

    fleet: Fleet

    async def send(self, most: int = 250) -> list[tuple[str, Shard]]:
        """Send shards, and take their messages off the queue: the queue's id of each, and the shard."""
        clock = self.fleet.sandbox.clock
        await send_shards(self.fleet.settings, trigger="timer", most=most, sleep=_instantly, clock=clock)
        return await self.take()

    async def take(self) -> list[tuple[str, Shard]]:
        connection = self.fleet.sandbox.environment["AzureWebJobsStorage"]
        async with QueueClient.from_connection_string(
            connection, SHARDS_QUEUE, message_decode_policy=TextBase64DecodePolicy()
        ) as queue:
            return [(message.id, Shard.parse(message.content)) async for message in queue.receive_messages()]

    def work(self, message_id: str, shard: Shard, **settings: Any) -> ShardWork:
        changed = replace(self.fleet.settings, **settings)
        limit, clock = timedelta(minutes=1), self.fleet.sandbox.clock
        return ShardWork(changed, shard, message_id, time_limit=limit, sleep=_instantly, clock=clock)

    async def deliver(self, message_id: str, shard: Shard) -> RunSummary | None:
        return await self.work(message_id, shard).collect()

    def outcomes(self) -> Counter[str]:
        return Counter(row["Outcome"] for row in self.fleet.rows(RESULTS_TABLE))

    def assert_each_result_once(self, applications: int) -> None:
        results = Counter(row["Application_id"] for row in self.fleet.rows(RESULTS_TABLE))
        assert len(results) == applications
        assert set(results.values()) == {1}

    async def kill_when(self, message_id: str, shard: Shard, reached: Callable[[], bool]) -> None:
        """Begin a delivery, and end it in the middle of its work."""
        working = asyncio.create_task(self.deliver(message_id, shard))
        async with asyncio.timeout(30):
            while not reached():
                assert not working.done()
                await asyncio.sleep(0.005)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working


async def _instantly(_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
def fan_out(fleet: Fleet) -> FanOut:
    return FanOut(fleet)
