"""A cache for answers of the workspace: many callers at once cost one query."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from typing import Any, Final, TypeVar

T = TypeVar("T")
_MOST_ENTRIES: Final = 32
"""Answers can be megabytes each; the least recently used goes first."""


class Cache:
    """One value per key, for `lifetime`; concurrent callers of a key wait for one fetch.

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
        if kept is not None and self._is_fresh(kept[0]):
            self._values.move_to_end(key)
            value: T = kept[1]
            return value
        task: asyncio.Task[T] | None = self._fetches.get(key)
        if task is None:
            task = asyncio.ensure_future(self._fetched(key, fetch))
            self._fetches[key] = task
        # A caller who hangs up must not cancel the fetch that others wait for.
        return await asyncio.shield(task)

    async def _fetched(self, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
        try:
            started = self._clock()
            value = await fetch()
        finally:
            del self._fetches[key]
        self._values = OrderedDict((k, kept) for k, kept in self._values.items() if self._is_fresh(kept[0]))
        self._values[key] = (started, value)
        while len(self._values) > _MOST_ENTRIES:
            self._values.popitem(last=False)
        return value

    def _is_fresh(self, kept_at: float) -> bool:
        return self._clock() - kept_at < self._lifetime
