"""The queue that hands shards to the platform.

Messages are sent with the SDK's client and not through an output binding: so they get a time to live, are sent again
after a lost answer, and fail the timer's invocation when they cannot be sent. A binding leaves all of that to the host.
They are base64, which is the default of the host's `messageEncoding`.
"""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from collector.fan_out import SHARDS_QUEUE
from publisher.errors import NotFound, RequestRefused
from publisher.storage import StorageClient

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.configuration.resource_settings import Storage
    from publisher.retry import Patience

TIME_TO_LIVE: Final = timedelta(days=1)
"""After a day without a worker, later runs have collected the shard's applications."""

_SENT_AT_ONCE: Final = 16


class ShardQueue(StorageClient[QueueClient]):
    """The queue of shards. An asynchronous context manager; methods raise the AzureFailures of `publisher.errors`."""

    def __init__(self, storage: Storage, patience: Patience) -> None:
        super().__init__(
            QueueClient,
            storage,
            storage.queue_service_uri,
            SHARDS_QUEUE,
            patience=patience,
            what=f"queue {SHARDS_QUEUE}",
            message_encode_policy=TextBase64EncodePolicy(),
        )

    async def send(self, messages: Iterable[str]) -> None:
        """Send messages; the first of them creates a queue that does not exist.

        A message whose answer was lost is sent again, and may then be in the queue twice.
        """
        waiting = iter(messages)

        async def work() -> None:
            for message in waiting:
                await self._send(message)

        for message in itertools.islice(waiting, 1):
            await self._send(message)
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(_SENT_AT_ONCE):
                    tasks.create_task(work())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def _send(self, message: str) -> None:
        seconds = int(TIME_TO_LIVE.total_seconds())
        try:
            await self._repeated(lambda: self._client.send_message(message, time_to_live=seconds))
        except NotFound:
            await self._create()
            await self._repeated(lambda: self._client.send_message(message, time_to_live=seconds))

    async def _create(self) -> None:
        try:
            await self._repeated(self._client.create_queue)
        except RequestRefused as error:
            if error.code != "QueueAlreadyExists":
                raise
