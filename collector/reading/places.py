"""How many applications are read at once: in all, and per customer subscription, where Azure meters reads.

A reading that has to wait for Azure gives its place in the whole to another customer's, so that a throttled
subscription slows nobody else; collector.reading.pace decides how long it waits.
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
    """One place in the whole, held by an application while it is being read."""

    def __init__(self, places: asyncio.Semaphore, sleep: Sleep, pace: Pace) -> None:
        self._places = places
        self._sleep = sleep
        self._held = False
        self.pace = pace
        """How fast the application's subscription is asked."""

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
        """Wait for Azure while somebody else uses the place."""
        self.leave()
        await self._sleep(seconds)
        await self.occupy()


class ReadingSlots:
    """Places for applications being read: ``total`` in all, ``per_subscription`` in each subscription."""

    def __init__(self, total: int, per_subscription: int, *, sleep: Sleep = asyncio.sleep) -> None:
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
    """One subscription's places and pace, kept only while somebody uses them."""

    slots: asyncio.Semaphore
    pace: Pace
    users: int = 0
