"""How many pages are between their request and their rows: as many as the processor keeps up with.

A page that waits is a megabyte. With answers that are slow to come, all places ask at the same time and pages are
worked on as they come; with answers that come at once they would pile up, one for each place, and gain nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FEWEST_PAGES: Final = 6
"""Pages that may always be on their way: enough to keep the processor busy."""

_BACKLOG: Final = 2
"""Pages waiting to be worked on above which no more are asked for."""


class Intake:
    """Lets up to ``most`` pages be on their way, and fewer while pages wait to be worked on, one by one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = min(most, FEWEST_PAGES)
        self._free = asyncio.Semaphore(self._allowed)
        self._desk = asyncio.Lock()
        self._waiting = 0

    @asynccontextmanager
    async def page(self) -> AsyncIterator[PageOnItsWay]:
        """One page, from before its request is sent until it is parsed, or given up."""
        page = PageOnItsWay(self._free)
        try:
            yield page
        finally:
            if page.is_let_in:
                self._leave()

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[None]:
        """The place where a page is parsed: a page is several times larger then, so one at a time."""
        self._waiting += 1
        try:
            await self._desk.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._desk.release()

    def _leave(self) -> None:
        if self._waiting > _BACKLOG:
            if self._allowed > min(self._most, FEWEST_PAGES):
                self._allowed -= 1
                return
        elif self._allowed < self._most:
            self._allowed += 1
            self._free.release()
        self._free.release()


class PageOnItsWay:
    """A page that is asked for."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self.is_let_in = False
        """Whether the request may be sent, or was."""

    async def let_in(self) -> None:
        """Wait until the request may be sent; does nothing the second time."""
        if not self.is_let_in:
            await self._free.acquire()
            self.is_let_in = True
