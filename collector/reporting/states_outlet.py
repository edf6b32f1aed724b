"""Uploads the rows of one application's policy states: as they come when they are due, else only if they changed.

No more than a ceiling, whatever the customer deploys: violations before what could not be decided, and that before what
is compliant; in each rank what was read first. What is above is counted, takes no memory, and is not uploaded.

Whether states changed, and how many of them are violations, is known after the last page. Until then the states of the
last page wait as they were read, and those of pages before as compressed rows, from a quarter of a megabyte on in a
temporary file. Only violations that are due never wait.
"""

from __future__ import annotations

import io
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

_ROWS_IN_A_PIECE: Final = 1000


class StatesOutlet:
    """Takes the states of one application.

    Args:
        uploader: of the stream of states.
        delivery: whose rows they are.
        is_due: the rows are uploaded in any case, and wait only for those that go before them.
        most_rows: the ceiling.
    """

    def __init__(self, uploader: StreamUploader, delivery: Delivery, *, is_due: bool, most_rows: int) -> None:
        self._uploader = uploader
        self._delivery = delivery
        self._is_due = is_due
        self._most = most_rows
        self._found = self._sent = 0
        self._put_away = _PutAway()
        self._ranks = tuple(_Rank(self._put_away) for _ in range(3))

    @property
    def rows(self) -> int:
        """How many rows the states make, up to the ceiling."""
        return min(self._found, self._most)

    @property
    def withheld(self) -> int:
        """How many rows more they would make."""
        return self._found - self.rows

    async def add(self, states: list[StateOfPolicy], *, is_last: bool, is_final: bool = False) -> None:
        """Take the states of one page.

        Those of the last page wait as they are. `is_final` says that no page can come after it: then what is due goes.
        """
        self._found += len(states)
        room = self._most
        for rank, chosen in zip(self._ranks, _by_rank(states), strict=True):
            rank.add(chosen[: max(room - rank.kept, 0)])
            room -= rank.kept
        if self._is_due:
            await self._upload(self._ranks[0])
            if is_final:
                await self.send()
        if not is_last:
            for rank in self._ranks:
                rank.put_away()

    async def send(self) -> None:
        """Upload what waits, as far as the ceiling allows."""
        for rank in self._ranks:
            await self._upload(rank)

    async def _upload(self, rank: _Rank) -> None:
        for rows in rank.take():
            allowed = rows[: self._most - self._sent]
            if not allowed:
                return
            await self._uploader.room()
            self._uploader.add(allowed, self._delivery)
            self._sent += len(allowed)

    def close(self) -> None:
        """Drop what waits."""
        for rank in self._ranks:
            rank.latest = []
        self._put_away.close()


class _Rank:
    """States that are equally worth a row: those of the last page, and what was put away before."""

    def __init__(self, put_away: _PutAway) -> None:
        self._put_away = put_away
        self._pieces: list[tuple[int, int]] = []
        self.latest: list[StateOfPolicy] = []
        self.kept = 0
        """How many were added, whatever became of them."""

    def add(self, states: list[StateOfPolicy]) -> None:
        self.latest += states
        self.kept += len(states)

    def put_away(self) -> None:
        """Keep the latest states as compressed rows."""
        self._pieces += [self._put_away.put(rows) for rows in _rows_of(self.latest)]
        self.latest = []

    def take(self) -> Iterator[list[bytes]]:
        """Yield the rows of what waits in the order in which it came, and forget it."""
        pieces, latest = self._pieces, self.latest
        self._pieces, self.latest = [], []
        for piece in pieces:
            yield self._put_away.rows_in(piece)
        yield from _rows_of(latest)


class _PutAway:
    """Compressed rows; the file is made for the first of them."""

    def __init__(self) -> None:
        self._file: SpooledTemporaryFile[bytes] | None = None

    def put(self, rows: list[bytes]) -> tuple[int, int]:
        """Keep some rows; return where they are, and their length."""
        if self._file is None:
            self._file = SpooledTemporaryFile(LARGEST_IN_MEMORY)  # noqa: SIM115 - closed in `close`
        body = zlib.compress(b"\n".join(rows), COMPRESSION_LEVEL)
        start = self._file.seek(0, io.SEEK_END)
        self._file.write(body)
        return start, len(body)

    def rows_in(self, piece: tuple[int, int]) -> list[bytes]:
        """Return rows that were put away."""
        assert self._file is not None  # noqa: S101 - for the type checker
        start, length = piece
        self._file.seek(start)
        return zlib.decompress(self._file.read(length)).split(b"\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _by_rank(states: list[StateOfPolicy]) -> tuple[list[StateOfPolicy], ...]:
    """Return the violations, what could not be decided, and what is well (Compliant, or exempt), each in its order."""
    ranks: tuple[list[StateOfPolicy], ...] = [], [], []
    for state in states:
        verdict = state[1].is_compliant
        ranks[0 if verdict is False else 2 if verdict else 1].append(state)
    return ranks


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
