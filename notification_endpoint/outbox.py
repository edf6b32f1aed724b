"""The queue that the webhook sends to, with one client for all requests of a warm instance."""

import asyncio
import time
from typing import Final

from publisher.errors import DeadlineExceeded
from publisher.notifications import NOTIFICATIONS_QUEUE, Notification, message_of
from publisher.queue import Queue
from publisher.retry import Patience, Sleep
from publisher.settings import NotificationSettings

_ATTEMPTS: Final = 3
"""Azure repeats a notification by itself: a few quick attempts are enough."""


class Outbox:
    """The open queue: its connections and its token are reused as long as the instance is warm.

    A process has one event loop and one set of settings; for others than those of the open queue it is opened anew.
    """

    def __init__(self) -> None:
        self._key: tuple[asyncio.AbstractEventLoop, NotificationSettings, Sleep] | None = None
        self._queue: Queue | None = None

    async def open(self, settings: NotificationSettings, sleep: Sleep) -> Queue:
        """Return the queue that these settings name."""
        key = asyncio.get_running_loop(), settings, sleep
        if self._queue is None or self._key != key:
            await self.close()
            self._queue = Queue(settings.queue, NOTIFICATIONS_QUEUE, patience=Patience(_ATTEMPTS, sleep=sleep))
            self._key = key
        return self._queue

    async def close(self) -> None:
        """Close the queue that is open, if any."""
        queue, self._queue, self._key = self._queue, None, None
        if queue is not None:
            await queue.close()


OUTBOX: Final = Outbox()


async def enqueue(
    notification: Notification, settings: NotificationSettings, *, deadline: float, sleep: Sleep = asyncio.sleep
) -> None:
    """Put the message about a notification on the queue; raise the AzureFailure when it is not there by `deadline`.

    `deadline` is in seconds of `time.monotonic`; `sleep` waits between attempts.
    """
    message = message_of(notification)
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            queue = await OUTBOX.open(settings, sleep)
            await queue.send(message)
    except TimeoutError as error:
        raise DeadlineExceeded("the time for the answer ran out", code="Timeout") from error
