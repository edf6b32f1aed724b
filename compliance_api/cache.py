"""Answers of the workspace, kept for a short while, so that a page full of people is not a storm of queries."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from typing import Any, Final, TypeVar

T = TypeVar("T")
_MOST_ENTRIES: Final = 256


class Cache:
    """One value per key, for `lifetime`; who asks while a value is fetched waits for the same one.

    A fetch that fails is not kept: the next caller tries again, and those who waited see the same failure. Belongs to
    one event loop.
    """

    def __init__(self, lifetime: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime = lifetime.total_seconds()
        self._clock = clock
        self._values: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._fetches: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
        """Return the value of a key, from the last `lifetime` or from `fetch`; raise what `fetch` raises."""
        kept = self._values.get(key)
        if kept is not None and self._clock() - kept[0] < self._lifetime:
            value: T = kept[1]
            return value
        task: asyncio.Task[T] | None = self._fetches.get(key)
        if task is None:
            task = asyncio.ensure_future(self._fetched(key, fetch))
            self._fetches[key] = task
        # A caller who hangs up must not take the answer away from the others.
        return await asyncio.shield(task)

    def forget(self, key: Hashable) -> None:
        """Drop the value of a key, so that the next caller fetches it."""
        self._values.pop(key, None)

    async def _fetched(self, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
        try:
            started = self._clock()
            value = await fetch()
        finally:
            del self._fetches[key]
        self._values[key] = (started, value)
        self._values.move_to_end(key)
        while len(self._values) > _MOST_ENTRIES:
            self._values.popitem(last=False)
        return value
