"""The queue that hands shards to the platform.

Messages are sent with the queue's own client and not through an output binding: they get a time to live, a lost answer
is repeated, and the timer's invocation fails when they could not be sent, all of which a binding leaves to the host.
They are base64, as the host's `messageEncoding` has it by default.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from publisher.credentials import own_identity_credential
from publisher.errors import AzureFailure, NotFound, RequestRefused
from publisher.retry import with_retries
from publisher.transport import Closing, Transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from azure.core.credentials_async import AsyncTokenCredential

    from publisher.retry import Sleep
    from publisher.settings import CollectorSettings

TIME_TO_LIVE: Final = timedelta(days=1)
"""A shard that nobody took for a day is history: later runs have collected its applications."""

_SENT_AT_ONCE: Final = 16
_CALL_SECONDS: Final = 60.0


class ShardQueue(Closing):
    """A queue to send to. An asynchronous context manager; methods raise the AzureFailures of `publisher.errors`."""

    def __init__(self, client: QueueClient, credential: AsyncTokenCredential | None, sleep: Sleep) -> None:
        self._client = client
        self._credential = credential
        self._sleep = sleep

    @classmethod
    def open(cls, settings: CollectorSettings, name: str, *, sleep: Sleep = asyncio.sleep) -> Self:
        """Return the queue of that name in the app's storage account; nothing is asked of the account yet."""
        storage = settings.storage
        options: dict[str, Any] = {
            "transport": Transport(connections=_SENT_AT_ONCE),
            "retry_total": 0,
            "message_encode_policy": TextBase64EncodePolicy(),
        }
        if storage.connection_string:
            return cls(QueueClient.from_connection_string(storage.connection_string, name, **options), None, sleep)
        credential = own_identity_credential(storage.identity_client_id or settings.own_identity_client_id)
        client = QueueClient(storage.queue_service_uri or "", name, credential=credential, **options)
        return cls(client, credential, sleep)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        if self._credential is not None:
            await self._credential.close()

    async def send(self, messages: Iterable[str]) -> None:
        """Send messages, and create the queue for the first of them if need be.

        A message whose answer was lost is sent again and may then be there twice.
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

    async def _repeated(self, call: Callable[[], Awaitable[Any]]) -> None:
        try:
            await with_retries(call, deadline=time.monotonic() + _CALL_SECONDS, sleep=self._sleep)
        except AzureFailure as failure:
            failure.prefixed(f"queue {self._client.queue_name}")
            raise
