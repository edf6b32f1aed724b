"""Lets requests that come at the same time share an upload: a thousand people on the page are no thousand uploads."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from publisher.audit.row import AuditRow
from publisher.audit.store import NotRecorded

MOST_IN_FLIGHT: Final = 4
"""Uploads at the same time; whose row comes then waits for the next one, with all others that wait."""

MOST_ROWS: Final = 200
"""Rows of one upload: a row takes three kilobytes at most, and a request may have 1 MB (FACTS 3.2)."""

_Waiting = tuple[Sequence[AuditRow], "asyncio.Future[None]"]


class Batches:
    """The rows that wait for an upload, in one event loop.

    Args:
        send: stores rows in one request; raises NotRecorded.
    """

    def __init__(self, send: Callable[[Sequence[AuditRow]], Awaitable[None]]) -> None:
        self._send = send
        self._waiting: list[_Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def store(self, rows: Sequence[AuditRow], *, seconds: float) -> None:
        """Return when these rows are stored; raise NotRecorded when they are not, or not within so many seconds."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, stored))
        self._start()
        try:
            await asyncio.wait_for(stored, seconds)
        except TimeoutError as error:
            raise NotRecorded(f"it took longer than {seconds:g} seconds") from error

    def _start(self) -> None:
        while self._waiting and len(self._tasks) < MOST_IN_FLIGHT:
            task = asyncio.create_task(self._upload(self._next()))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._start()

    def _next(self) -> list[_Waiting]:
        """Return the first that wait, as many as an upload holds; nobody waits any more for a row that is given up."""
        taken, count = list[_Waiting](), 0
        while self._waiting and (not taken or count + len(self._waiting[0][0]) <= MOST_ROWS):
            rows, stored = self._waiting.pop(0)
            if not stored.done():
                taken.append((rows, stored))
                count += len(rows)
        return taken

    async def _upload(self, batch: list[_Waiting]) -> None:
        """Store the rows of a batch, and tell each that waits for some what became of them."""
        failure: Exception | None = None
        try:
            if batch:
                await self._send([row for rows, _ in batch for row in rows])
        except Exception as error:  # noqa: BLE001 - each of those that wait raises it
            failure = error
        for _, stored in batch:
            if stored.done():
                continue
            if failure is None:
                stored.set_result(None)
            else:
                stored.set_exception(failure)
