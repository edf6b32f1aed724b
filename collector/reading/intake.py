"""Limits how many pages are requested or wait to be parsed: as many as the processor keeps up with.

A page that waits takes a megabyte, or ten where Azure puts more states into one. When answers are slow, every place may
have a request under way. When they are fast, pages would pile up, one for each place, without being parsed any sooner;
so fewer are requested then.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

FEWEST_PAGES: Final = 6
"""Pages that may be requested however many wait, unless they are large: enough to keep the processor busy."""

FEWEST_LARGE_PAGES: Final = 1
"""Pages that may be requested however large they are, and as long as that is not known."""

MOST_BYTES: Final = 16_000_000
"""Of the pages that are requested, if they are as large as the largest one lately."""

_FADING: Final = 0.98
"""What a page's size counts when the next one was smaller."""

_BACKLOG: Final = 2
"""With more pages than this waiting to be parsed, fewer are requested."""


class Intake:
    """Lets up to ``most`` pages be requested at once, and fewer while pages wait to be parsed, one at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = min(most, FEWEST_LARGE_PAGES)
        self._free = asyncio.Semaphore(self._allowed)
        self._desk = _Desk()
        self._largest = 0.0

    @asynccontextmanager
    async def page(self) -> AsyncIterator[PageOnItsWay]:
        """Yield a page, which counts from ``let_in`` until the context ends: parsed, or failed."""
        page = PageOnItsWay(self._free)
        try:
            yield page
        finally:
            if page.is_let_in:
                self._leave(page.size)

    @contextmanager
    def desk(self) -> Iterator[PlaceAtTheDesk]:
        """Yield an application's place at the desk, which is free again when the context ends."""
        place = PlaceAtTheDesk(self._desk)
        try:
            yield place
        finally:
            place.leave()

    def _leave(self, size: int) -> None:
        """Count one page as finished, and allow other ones in its place: more of them, or one less."""
        self._largest = max(size, self._largest * _FADING)
        most = self._most
        if self._largest:
            most = min(most, max(FEWEST_LARGE_PAGES, int(MOST_BYTES / self._largest)))
        if self._desk.waiting > _BACKLOG:
            wanted = min(self._allowed, max(self._allowed - 1, FEWEST_PAGES))
        else:
            wanted = self._allowed + (1 if self._desk.waiting else 2)
        wanted = max(min(wanted, most), self._allowed - 1)
        for _ in range(1 + wanted - self._allowed):
            self._free.release()
        self._allowed = wanted


class PageOnItsWay:
    """A page that counts once its request may be sent."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self.is_let_in = False
        """Whether the request may be sent, or was sent."""
        self.size = 0
        """Bytes of the answer, once it is there."""

    async def let_in(self) -> None:
        """Wait until the request may be sent; does nothing the second time."""
        if not self.is_let_in:
            await self._free.acquire()
            self.is_let_in = True


class _Desk(asyncio.Lock):
    """Where pages are parsed and turned into rows, one at a time: a parsed page is several times larger."""

    waiting = 0
    """Pages that wait for it."""


class PlaceAtTheDesk:
    """Held from before a page is parsed until its rows are queued, however long they wait for room."""

    def __init__(self, desk: _Desk) -> None:
        self._desk = desk
        self._is_held = False

    async def take(self) -> None:
        """Wait until it is free."""
        self._desk.waiting += 1
        try:
            await self._desk.acquire()
        finally:
            self._desk.waiting -= 1
        self._is_held = True

    def leave(self) -> None:
        """Let the next page have it; does nothing when it is not held."""
        if self._is_held:
            self._is_held = False
            self._desk.release()
