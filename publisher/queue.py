"""Queue storage as far as this program needs it: sending messages. The Functions host takes them.

Messages are sent with the SDK's client and not through an output binding: so they get a time to live, are sent again
after a lost answer, and fail the invocation when they cannot be sent. A binding leaves all of that to the host. They
are base64, which is the default of the host's `messageEncoding`.
"""

import math
from datetime import datetime, timedelta
from typing import Final

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from publisher.configuration.resource_settings import Storage
from publisher.errors.kinds import RequestRefused
from publisher.retry import Patience
from publisher.storage import StorageClient, malformed

_NEVER: Final = -1
"""The time to live of a message that does not expire."""

_UNSEEN: Final = {"visibility_timeout": 60, "time_to_live": 1}
"""Of a message that would expire before anybody sees it, which Queue storage refuses."""


class Queue(StorageClient[QueueClient]):
    """One queue. An asynchronous context manager; methods raise the AzureFailures of `publisher.errors`."""

    def __init__(self, storage: Storage, name: str, *, patience: Patience) -> None:
        super().__init__(
            QueueClient,
            storage,
            storage.queue_service_uri,
            name,
            patience=patience,
            what=f"queue {name}",
            message_encode_policy=TextBase64EncodePolicy(),
        )

    async def send(self, message: str, *, time_to_live: timedelta | None = None, deadline: float = math.inf) -> None:
        """Send one message, which without `time_to_live` never expires; raise NotFound when there is no such queue.

        A message whose answer was lost is sent again, and may then be in the queue twice. The last attempt is over at
        `deadline`, in seconds of `time.monotonic`.
        """
        seconds = _NEVER if time_to_live is None else int(time_to_live.total_seconds())
        await self._repeated(lambda: self._client.send_message(message, time_to_live=seconds), deadline)

    async def offer(self) -> None:
        """Ask to send a message that Queue storage has to refuse; raise the failure that says why it did.

        RequestRefused is about the message. Where the message is taken all the same, nobody will ever see it.
        """
        await self._repeated(lambda: self._client.send_message("", **_UNSEEN))

    async def length(self) -> int:
        """Return about how many messages there are, those included that somebody has taken and not yet finished."""

        async def attempt() -> int:
            properties = await self._client.get_queue_properties()
            count = properties.approximate_message_count
            if not isinstance(count, int) or count < 0:
                raise malformed("the answer does not say how many messages there are")
            return count

        return await self._repeated(attempt)

    async def oldest(self) -> datetime | None:
        """Return when the first message came that nobody has taken, about; None when there is none to be seen."""

        async def attempt() -> datetime | None:
            messages = await self._client.peek_messages(max_messages=1)
            return messages[0].inserted_on if messages else None

        return await self._repeated(attempt)

    async def create(self) -> None:
        """Create the queue, unless it exists."""

        async def attempt() -> None:
            try:
                await self._client.create_queue()
            except ResourceExistsError:
                pass  # for the 204 with which Queue storage says that the very same queue is there
            except RequestRefused as error:
                if error.code != "QueueAlreadyExists":
                    raise

        await self._repeated(attempt)
