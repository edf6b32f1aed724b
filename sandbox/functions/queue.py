"""Queue triggers of the Functions host: at-least-once delivery, visibility, retries and poison queues.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue (host.json settings, poison
messages) and the WebJobs SDK's QueueListener and QueueProcessor, which the real host runs: a message is hidden for ten
minutes while its function runs, and longer as long as it runs; a failed one shows again after `visibilityTimeout`; one
that failed `maxDequeueCount` times moves to the poison queue, which itself has none.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.functions.queue import QueueMessage
from azure.identity.aio import ManagedIdentityCredential
from azure.storage.queue import TextBase64DecodePolicy, TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from sandbox.functions.index import IndexingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.storage.queue import QueueMessage as StoredMessage

    from sandbox.functions.index import UserFunction

HIDDEN_SECONDS: Final = 600.0
"""How long the real host hides a message that it works on; when the host dies, it shows again after so long."""

_KNOWN_OPTIONS: Final = frozenset(
    ("maxPollingInterval", "visibilityTimeout", "batchSize", "newBatchThreshold", "maxDequeueCount", "messageEncoding")
)
_POISON: Final = "-poison"
_SHORTEST_POLL_SECONDS: Final = 0.1
_TIME: Final = re.compile(r"(\d+):(\d\d):(\d\d)(?:\.(\d{1,7}))?")

logger = logging.getLogger("sandbox.functions.host")


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """host.json, extensions.queues, with the real host's defaults; times in seconds."""

    longest_poll: float = 60.0
    visibility_timeout: float = 0.0
    batch_size: int = 16
    new_batch_threshold: int = 8
    most_dequeues: int = 5
    hidden: float = HIDDEN_SECONDS

    @classmethod
    def of(cls, host_json: Mapping[str, Any], hidden: float) -> Self:
        """Return what host.json sets; raise IndexingError for what this host cannot play."""
        found = host_json.get("extensions", {}).get("queues", {})
        if unknown := found.keys() - _KNOWN_OPTIONS:
            raise IndexingError(f"host.json: this host has no extensions.queues.{min(unknown)}")
        if found.get("messageEncoding", "base64") != "base64":
            raise IndexingError("host.json: this host has no extensions.queues.messageEncoding but base64")
        batch_size = int(found.get("batchSize", 16))
        return cls(
            longest_poll=_seconds(found.get("maxPollingInterval", "00:01:00")),
            visibility_timeout=_seconds(found.get("visibilityTimeout", "00:00:00")),
            batch_size=batch_size,
            new_batch_threshold=int(found.get("newBatchThreshold", batch_size // 2)),
            most_dequeues=int(found.get("maxDequeueCount", 5)),
            hidden=hidden,
        )


class QueueFunction:
    """One function with a queue trigger.

    Args:
        function: what to run.
        options: from host.json.
        variables: the app settings, in which the trigger's connection is.
    """

    def __init__(self, function: UserFunction, options: QueueOptions, variables: Mapping[str, str]) -> None:
        self.name = function.name
        self._function = function
        self._options = options
        self._variables = variables
        self._queue_name: str = function.trigger["queueName"]
        self._connection: str = function.trigger.get("connection") or "AzureWebJobsStorage"
        self._running = set[asyncio.Task[None]]()

    async def listen(self) -> None:
        """Take messages until cancelled; those in work at that moment become visible again later."""
        options, pause = self._options, _SHORTEST_POLL_SECONDS
        credential = self._credential()
        queue, poison = self._client(self._queue_name, credential), self._client(self._queue_name + _POISON, credential)
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    room = options.batch_size + options.new_batch_threshold - len(self._running)
                    messages = await self._receive(queue, min(options.batch_size, room, 32))
                    for message in messages:
                        task = tasks.create_task(self._work(queue, poison, message))
                        self._running.add(task)
                        task.add_done_callback(self._running.discard)
                    # The real host also slows down while its queue is empty.
                    pause = _SHORTEST_POLL_SECONDS if messages else min(2 * pause, options.longest_poll)
                    if self._running:
                        await asyncio.wait(self._running, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                    elif not messages:
                        await asyncio.sleep(pause)
                    while len(self._running) > options.new_batch_threshold:
                        await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await queue.close()
            await poison.close()
            if credential is not None:
                await credential.close()

    async def _receive(self, queue: QueueClient, most: int) -> list[StoredMessage]:
        try:
            page = queue.receive_messages(max_messages=most, messages_per_page=most, visibility_timeout=self._hidden)
            return [message async for message in page]
        except ResourceNotFoundError:
            return []  # nobody has sent anything yet
        except AzureError as error:
            logger.warning("%s: the queue %s cannot be read: %s", self.name, self._queue_name, type(error).__name__)
            return []

    async def _work(self, queue: QueueClient, poison: QueueClient, message: StoredMessage) -> None:
        """Deliver one message, then delete it, show it again or move it; when that fails, it is delivered again."""
        try:
            if self._is_worn_out(message, self._options.most_dequeues + 1):  # the host died while working on it
                await self._give_up(queue, poison, message)
            elif await self._succeeds(queue, message):
                await queue.delete_message(message)
            elif self._is_worn_out(message, self._options.most_dequeues):
                await self._give_up(queue, poison, message)
            else:
                await queue.update_message(message, visibility_timeout=int(self._options.visibility_timeout))
        except AzureError as error:
            logger.warning("%s: a message could not be put away: %s", self.name, type(error).__name__)

    def _is_worn_out(self, message: StoredMessage, dequeues: int) -> bool:
        return not self._queue_name.endswith(_POISON) and (message.dequeue_count or 0) >= dequeues

    async def _succeeds(self, queue: QueueClient, message: StoredMessage) -> bool:
        hiding = asyncio.create_task(self._keep_hidden(queue, message))
        try:
            await self._function.invoke(_delivered(message))
        except Exception:  # noqa: BLE001 - no failure of a function ends the host, which has logged it
            return False
        finally:
            hiding.cancel()
        return True

    async def _keep_hidden(self, queue: QueueClient, message: StoredMessage) -> None:
        with suppress(AzureError):  # then the message becomes visible, and is delivered a second time
            while True:
                await asyncio.sleep(self._hidden / 2)
                message.pop_receipt = (await queue.update_message(message, visibility_timeout=self._hidden)).pop_receipt

    async def _give_up(self, queue: QueueClient, poison: QueueClient, message: StoredMessage) -> None:
        logger.error("%s: a message failed too often and moves to the queue %s", self.name, poison.queue_name)
        with suppress(ResourceExistsError):
            await poison.create_queue()
        await poison.send_message(message.content, time_to_live=-1)
        await queue.delete_message(message)

    @property
    def _hidden(self) -> int:
        return max(1, round(self._options.hidden))

    def _credential(self) -> ManagedIdentityCredential | None:
        if self._variables.get(self._connection):
            return None
        return ManagedIdentityCredential(client_id=self._variables.get(f"{self._connection}__clientId"))

    def _client(self, name: str, credential: ManagedIdentityCredential | None) -> QueueClient:
        options: dict[str, Any] = {
            "message_encode_policy": TextBase64EncodePolicy(),
            "message_decode_policy": TextBase64DecodePolicy(),
        }
        if credential is None:
            return QueueClient.from_connection_string(self._variables[self._connection], name, **options)
        uri = self._variables.get(f"{self._connection}__queueServiceUri")
        if not uri:
            raise IndexingError(f"{self.name}: the connection {self._connection} names no queue service")
        return QueueClient(uri, name, credential=credential, **options)


def _delivered(message: StoredMessage) -> QueueMessage:
    return QueueMessage(  # type: ignore[no-untyped-call]
        id=message.id,
        body=message.content,
        dequeue_count=message.dequeue_count,
        expiration_time=message.expires_on,
        insertion_time=message.inserted_on,
        time_next_visible=message.next_visible_on,
        pop_receipt=message.pop_receipt,
    )


def _seconds(text: str) -> float:
    match = _TIME.fullmatch(text)
    if match is None:
        raise IndexingError(f"host.json: {text[:30]!r} is no time span (hh:mm:ss)")
    hours, minutes, seconds, fraction = match.groups()
    span = dt.timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    return span.total_seconds() + float(f"0.{fraction or 0}")
