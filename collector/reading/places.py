"""How many applications are read at once: in all, and per customer subscription, whose reads Azure limits.

An application that has to wait for Azure gives its place to another customer's, so that a throttled subscription slows
down nobody else; collector.reading.pace decides how long it waits.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.reading.pace import Pace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from publisher.retry import Sleep


class Place:
    """One of the places in all, which an application holds while it is read."""

    def __init__(self, places: asyncio.Semaphore, sleep: Sleep, pace: Pace) -> None:
        self._places = places
        self._sleep = sleep
        self._held = False
        self.pace = pace
        """The pace of the application's subscription."""

    async def occupy(self) -> None:
        """Wait for the place."""
        await self._places.acquire()
        self._held = True

    def leave(self) -> None:
        """Give the place back; does nothing when it is not held."""
        if self._held:
            self._held = False
            self._places.release()

    async def pause(self, seconds: float) -> None:
        """Wait so many seconds while another application uses the place."""
        self.leave()
        await self._sleep(seconds)
        await self.occupy()


class ReadingSlots:
    """Places for applications that are read: ``total`` in all, ``per_subscription`` in each subscription."""

    def __init__(self, total: int, per_subscription: int, sleep: Sleep) -> None:
        self._sleep = sleep
        self._total = asyncio.Semaphore(total)
        self._per_subscription = per_subscription
        self._subscriptions: dict[str, _Subscription] = {}

    @asynccontextmanager
    async def reading(self, subscription_id: str) -> AsyncIterator[Place]:
        """Hold a place for one application of the subscription."""
        key = subscription_id.lower()
        if key not in self._subscriptions:
            self._subscriptions[key] = _Subscription(asyncio.Semaphore(self._per_subscription), Pace())
        subscription = self._subscriptions[key]
        subscription.users += 1
        place = Place(self._total, self._sleep, subscription.pace)
        try:
            async with subscription.slots:
                await place.occupy()
                yield place
        finally:
            place.leave()
            subscription.users -= 1
            if subscription.users == 0:
                del self._subscriptions[key]


@dataclass(slots=True)
class _Subscription:
    """One subscription's places and pace, kept only while an application of it is read."""

    slots: asyncio.Semaphore
    pace: Pace
    users: int = 0
