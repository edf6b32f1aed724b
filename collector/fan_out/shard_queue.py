"""The queue that hands shards to the platform."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from collector.fan_out import SHARDS_QUEUE
from publisher.errors.kinds import NotFound
from publisher.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.configuration.resource_settings import Storage
    from publisher.retry import Patience

TIME_TO_LIVE: Final = timedelta(days=1)
"""After a day without a worker, later runs have collected the shard's applications."""

_SENT_AT_ONCE: Final = 16


class ShardQueue(Queue):
    """The queue of shards. An asynchronous context manager; methods raise the AzureFailures of `publisher.errors`."""

    def __init__(self, storage: Storage, patience: Patience) -> None:
        super().__init__(storage, SHARDS_QUEUE, patience=patience)

    async def send_all(self, messages: Iterable[str]) -> None:
        """Send messages; the first of them creates a queue that does not exist."""
        waiting = iter(messages)

        async def work() -> None:
            for message in waiting:
                await self.send(message, time_to_live=TIME_TO_LIVE)

        for message in itertools.islice(waiting, 1):
            try:
                await self.send(message, time_to_live=TIME_TO_LIVE)
            except NotFound:
                await self.create()
                await self.send(message, time_to_live=TIME_TO_LIVE)
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(_SENT_AT_ONCE):
                    tasks.create_task(work())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
