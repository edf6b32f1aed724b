"""Uploads the rows of one application's policy states: as they come when they are due, else only if they changed.

Whether they changed is known after the last page. Until then the states of the latest page wait as they were read, and
those of pages before as compressed rows, from a quarter of a megabyte on in a temporary file.
"""

from __future__ import annotations

import zlib
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Final

from collector.reporting.chunks import COMPRESSION_LEVEL
from collector.reporting.rows import resource_columns, state_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.reporting.chunks import Delivery
    from collector.reporting.ingestion import StreamUploader
    from collector.reporting.rows import PolicyRows
    from collector.reporting.states import Sighting

    StateOfPolicy = tuple[PolicyRows, Sighting, object, int]
    """A state: its policy, its resource and what is said of it, the time as it came, and how many states it is."""

LARGEST_IN_MEMORY: Final = 262_144
"""Compressed bytes: the rows of some ten thousand states."""

_LENGTH_BYTES: Final = 4


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

    def add(self, states: list[StateOfPolicy]) -> None:
        """Take the states of one page."""
        self.rows += len(states)
        if self._is_due:
            self._uploader.add(_rows_of(states), self._delivery)
            return
        if self._latest:
            self._put_away(self._latest)
        self._latest = states

    async def send(self) -> None:
        """Upload what waits."""
        for rows in self._put_away_before():
            await self._uploader.room()
            self._uploader.add(rows, self._delivery)
        self._uploader.add(_rows_of(self._latest), self._delivery)
        self._latest = []

    def close(self) -> None:
        """Drop what waits."""
        self._latest = []
        if self._earlier is not None:
            self._earlier.close()

    def _put_away(self, states: list[StateOfPolicy]) -> None:
        if self._earlier is None:
            self._earlier = SpooledTemporaryFile(LARGEST_IN_MEMORY)  # noqa: SIM115 - closed in `close`
        body = zlib.compress(b"\n".join(_rows_of(states)), COMPRESSION_LEVEL)
        self._earlier.write(len(body).to_bytes(_LENGTH_BYTES))
        self._earlier.write(body)

    def _put_away_before(self) -> Iterator[list[bytes]]:
        """Yield the rows of each page that was put away."""
        if self._earlier is None:
            return
        self._earlier.seek(0)
        while length := int.from_bytes(self._earlier.read(_LENGTH_BYTES)):
            yield zlib.decompress(self._earlier.read(length)).split(b"\n")


def _rows_of(states: list[StateOfPolicy]) -> list[bytes]:
    columns: dict[int, bytes] = {}
    rows = []
    for policy, sighting, timestamp, count in states:
        resource = columns.get(id(sighting))
        if resource is None:
            resource = columns[id(sighting)] = resource_columns(sighting)
        rows.append(state_row(policy, resource, timestamp, count))
    return rows
