"""Uploads rows in chunks to the Logs Ingestion API, several at once, and tells their owners of refusals."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from collector.reporting.chunks import Chunk
from collector.reporting.serialised import LARGEST_ROW_BYTES, cut_to_fit
from publisher.errors.kinds import AzureFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import datetime

    from collector.reporting.chunks import Delivery

COMPRESSING_THREADS: Final = 2
"""Chunks compressed at the same time: a thread compresses some hundred megabytes a second, and takes memory."""

MOST_UNCOMPRESSED: Final = 3
"""With so many chunks that are not compressed yet, which are a megabyte each, there is no room for more rows."""

LONGEST_TIME_RANGE: Final = timedelta(minutes=25)
"""Azure refuses a request whose rows' times are more than 30 minutes apart (FACTS 3.3)."""

LONGEST_WAIT: Final = 20.0
"""Seconds after which rows are sent although the request is not full: a small application waits for no large one."""

logger = logging.getLogger(__name__)


class Endpoint(Protocol):
    """What chunks are uploaded with."""

    async def upload(self, stream: str, body: bytes) -> None:
        """Store one gzip-compressed JSON array of rows in a stream.

        Raises:
            AzureFailure: the rows were not stored, also after retries.
        """


class RowSink(Protocol):
    """Takes the result rows of applications."""

    def add(self, rows: list[bytes]) -> None:
        """Take serialised rows."""

    async def room(self) -> None:
        """Wait until more rows may be added."""


class HeldRows:
    """Keeps a shard's result rows, about a kilobyte for each application, until they are recorded."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []

    def add(self, rows: list[bytes]) -> None:
        """Take serialised rows."""
        self.rows += rows

    async def room(self) -> None:
        """Return at once: the number of applications in a shard is bounded."""


class StreamUploader:
    """Packs the rows of one stream into chunks and uploads them, ``in_flight`` at a time.

    ``add`` never waits, so that a page is turned into rows without interruption; callers wait in ``room`` before. So
    memory is bounded by ``in_flight`` chunks, as many that wait compressed, and one page.
    """

    def __init__(self, endpoint: Endpoint, stream: str, tasks: asyncio.TaskGroup, in_flight: int) -> None:
        self._endpoint = endpoint
        self._stream = stream
        self._tasks = tasks
        self._owner = asyncio.current_task()
        self._slots = asyncio.Semaphore(in_flight)
        self._compressing = asyncio.Semaphore(COMPRESSING_THREADS)
        self._most_outstanding = 2 * in_flight
        self._outstanding: set[asyncio.Task[None]] = set()
        self._uncompressed: set[asyncio.Task[bytes]] = set()
        self._turn = asyncio.Lock()
        self._chunk = Chunk()
        self._earliest: datetime | None = None
        self._latest: datetime | None = None
        self._timer: asyncio.TimerHandle | None = None
        """Set while rows wait for a request to be full."""
        self.uploaded_rows = 0
        self.rejected_rows = 0
        self.truncated_rows = 0

    def add_made_at(self, rows: list[bytes], moment: datetime) -> None:
        """Queue serialised rows whose TimeGenerated is ``moment``, in a request without rows of far other times."""
        if not rows:
            return
        earliest, latest = min(self._earliest or moment, moment), max(self._latest or moment, moment)
        if latest - earliest > LONGEST_TIME_RANGE:
            if self._chunk.parts:
                self._send()
            earliest = latest = moment
        self._earliest, self._latest = earliest, latest
        self.add(rows)

    def add(self, rows: list[bytes], owner: Delivery | None = None) -> None:
        """Queue serialised rows of an owner; rows too long for a request are cut, and counted in ``truncated_rows``."""
        if rows and max(map(len, rows)) > LARGEST_ROW_BYTES:
            self.truncated_rows += sum(len(row) > LARGEST_ROW_BYTES for row in rows)
            rows = [cut_to_fit(row) if len(row) > LARGEST_ROW_BYTES else row for row in rows]
        while rows:
            rows = rows[self._chunk.take(rows, owner) :]
            if rows:
                self._send()
        if self._chunk.parts and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_WAIT, self._send_overdue)

    async def room(self) -> None:
        """Wait until fewer chunks are outstanding than the bounds; callers get room in the order in which they asked.

        Who waits holds rows, or the page that they are made of. So nobody who has neither yet may overtake.
        """
        async with self._turn:
            while len(self._uncompressed) >= MOST_UNCOMPRESSED:
                await asyncio.wait(self._uncompressed, return_when=asyncio.FIRST_COMPLETED)
            while len(self._outstanding) >= self._most_outstanding:
                await asyncio.wait(self._outstanding, return_when=asyncio.FIRST_COMPLETED)

    async def flush(self) -> None:
        """Send what is queued and wait until every chunk is settled."""
        if self._chunk.parts:
            self._send()
        while self._outstanding:
            await asyncio.wait(self._outstanding)

    def _send_overdue(self) -> None:
        self._timer = None
        if self._owner is None or not self._owner.done():  # else the run was cancelled meanwhile
            self._send()

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        chunk, self._chunk = self._chunk, Chunk()
        body = self._tasks.create_task(self._compressed(chunk))
        self._uncompressed.add(body)
        body.add_done_callback(self._uncompressed.discard)
        task = self._tasks.create_task(self._settle(chunk, body))
        self._outstanding.add(task)
        task.add_done_callback(self._outstanding.discard)

    async def _compressed(self, chunk: Chunk) -> bytes:
        async with self._compressing:
            return await asyncio.to_thread(chunk.compress)

    async def _settle(self, chunk: Chunk, body: Awaitable[bytes]) -> None:
        """Upload a chunk, and tell each owner of its rows whether they were accepted."""
        refusals = await self._upload(chunk, await body)
        for key, delivery in chunk.deliveries.items():
            delivery.settle_chunk(refusals.get(key))

    async def _upload(self, chunk: Chunk, body: bytes) -> dict[int, Exception]:
        """Upload a chunk, in halves where Azure finds it too large; return the refusal of each owner that has one."""
        try:
            async with self._slots:
                await self._endpoint.upload(self._stream, body)
        except AzureFailure as error:
            if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and chunk.rows > 1:
                halves = chunk.halves(body)
                refusals = [await self._upload(half, await self._compressed(half)) for half in halves]
                return refusals[0] | refusals[1]
            self.rejected_rows += chunk.rows
            # The refusal is told in each application's result; a stack trace would add nothing.
            logger.error("%d rows for %s were not stored: %s: %s", chunk.rows, self._stream, error.code, error)  # noqa: TRY400
            return dict.fromkeys(chunk.deliveries, error)
        self.uploaded_rows += chunk.rows
        return {}
