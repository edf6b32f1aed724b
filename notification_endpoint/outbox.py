"""The queue that the webhook sends to, with one client for all requests of a warm instance."""

import asyncio
from typing import Final

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
        self._opened_for: tuple[asyncio.AbstractEventLoop, NotificationSettings, Sleep] | None = None
        self._queue: Queue | None = None

    async def open(self, settings: NotificationSettings, sleep: Sleep = asyncio.sleep) -> Queue:
        """Return the queue that these settings name; `sleep` waits between attempts to send."""
        wanted = asyncio.get_running_loop(), settings, sleep
        if self._queue is not None and self._opened_for == wanted:
            return self._queue
        former, queue = (
            self._queue,
            Queue(settings.queue, NOTIFICATIONS_QUEUE, patience=Patience(_ATTEMPTS, sleep=sleep)),
        )
        # Both at once, without waiting in between: a request that comes meanwhile finds the queue open.
        self._queue, self._opened_for = queue, wanted
        if former is not None:
            await former.close()
        return queue

    async def close(self) -> None:
        """Close the queue, unless none is open."""
        queue, self._queue, self._opened_for = self._queue, None, None
        if queue is not None:
            await queue.close()


OUTBOX: Final = Outbox()


async def enqueue(
    notification: Notification, settings: NotificationSettings, *, deadline: float, sleep: Sleep = asyncio.sleep
) -> None:
    """Put the message about a notification on the queue; raise the AzureFailure when it is not there by `deadline`.

    `deadline` is in seconds of `time.monotonic`; `sleep` waits between attempts. Raises MalformedMessage for a
    notification that no message can hold.
    """
    message = message_of(notification)
    queue = await OUTBOX.open(settings, sleep)
    await queue.send(message, deadline=deadline)
