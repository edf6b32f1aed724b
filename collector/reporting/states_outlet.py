"""Uploads the rows of one application's policy states: as they come when they are due, else only if they changed.

Whether they changed is known after the last page. Until then the states of the last page wait as they were read, and
those of pages before as compressed rows, from a quarter of a megabyte on in a temporary file.
"""

from __future__ import annotations

import zlib
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Final

from collector.reporting.chunks import COMPRESSION_LEVEL
from collector.reporting.rows import resource_columns, state_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from collector.reporting.chunks import Delivery
    from collector.reporting.ingestion import StreamUploader
    from collector.reporting.rows import PolicyRows
    from collector.reporting.states import Sighting

    StateOfPolicy = tuple[PolicyRows, Sighting, object, int]
    """A state: its policy, its resource and what is said of it, the time as it came, and how many states it is."""

LARGEST_IN_MEMORY: Final = 262_144
"""Compressed bytes: the rows of some ten thousand states."""

_LENGTH_BYTES: Final = 4
_ROWS_IN_A_PIECE: Final = 1000


class StatesOutlet:
    """Takes the states of one application.

    Args:
        uploader: of the stream of states.
        delivery: whose rows they are.
        is_due: the rows are uploaded in any case, and do not wait.
    """

    def __init__(self, uploader: StreamUploader, delivery: Delivery, *, is_due: bool) -> None:
        self._uploader = uploader
        self._delivery = delivery
        self._is_due = is_due
        self._latest: list[StateOfPolicy] = []
        self._earlier: SpooledTemporaryFile[bytes] | None = None
        self.rows = 0
        """How many rows the states make."""

    async def add(self, states: list[StateOfPolicy], *, is_last: bool) -> None:
        """Take the states of one page; those of the last page wait as they are."""
        self.rows += len(states)
        if self._is_due:
            await self._upload(_rows_of(states))
            return
        self._latest += states
        if not is_last:
            for rows in _rows_of(self._latest):
                self._put_away(rows)
            self._latest = []

    async def send(self) -> None:
        """Upload what waits."""
        await self._upload(self._put_away_before())
        await self._upload(_rows_of(self._latest))
        self._latest = []

    async def _upload(self, pieces: Iterable[list[bytes]]) -> None:
        for rows in pieces:
            await self._uploader.room()
            self._uploader.add(rows, self._delivery)

    def close(self) -> None:
        """Drop what waits."""
        self._latest = []
        if self._earlier is not None:
            self._earlier.close()

    def _put_away(self, rows: list[bytes]) -> None:
        if self._earlier is None:
            self._earlier = SpooledTemporaryFile(LARGEST_IN_MEMORY)  # noqa: SIM115 - closed in `close`
        body = zlib.compress(b"\n".join(rows), COMPRESSION_LEVEL)
        self._earlier.write(len(body).to_bytes(_LENGTH_BYTES))
        self._earlier.write(body)

    def _put_away_before(self) -> Iterator[list[bytes]]:
        """Yield the rows that were put away, piece by piece."""
        if self._earlier is None:
            return
        self._earlier.seek(0)
        while length := int.from_bytes(self._earlier.read(_LENGTH_BYTES)):
            yield zlib.decompress(self._earlier.read(length)).split(b"\n")


def _rows_of(states: list[StateOfPolicy]) -> Iterator[list[bytes]]:
    """Yield the rows of states in pieces: those of a large page would take more memory than the page."""
    columns: dict[int, bytes] = {}
    for start in range(0, len(states), _ROWS_IN_A_PIECE):
        rows = []
        for policy, sighting, timestamp, count in states[start : start + _ROWS_IN_A_PIECE]:
            resource = columns.get(id(sighting))
            if resource is None:
                resource = columns[id(sighting)] = resource_columns(sighting)
            rows.append(state_row(policy, resource, timestamp, count))
        yield rows
