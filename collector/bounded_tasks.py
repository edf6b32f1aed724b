"""Tasks of a task group, so many at once, with a wait for room before more are begun."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class BoundedTasks:
    """Runs work in a task group, `at_once` of them at a time.

    ``begin`` never waits, so that it can be called from where nothing may be awaited; callers wait in ``room`` before.
    """

    def __init__(self, tasks: asyncio.TaskGroup, at_once: int, most_waiting: int) -> None:
        self._tasks = tasks
        self._places = asyncio.Semaphore(at_once)
        self._most = at_once + most_waiting
        self._outstanding: set[asyncio.Task[None]] = set()

    def begin(self, work: Callable[[], Awaitable[None]]) -> None:
        """Begin a task, which waits until there is a place for it."""
        task = self._tasks.create_task(self._in_turn(work))
        self._outstanding.add(task)
        task.add_done_callback(self._outstanding.discard)

    async def room(self) -> None:
        """Wait until fewer tasks are outstanding than the bound."""
        while len(self._outstanding) >= self._most:
            await asyncio.wait(self._outstanding, return_when=asyncio.FIRST_COMPLETED)

    async def drain(self) -> None:
        """Wait until every task is done."""
        while self._outstanding:
            await asyncio.wait(self._outstanding)

    async def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        async with self._places:
            await work()
