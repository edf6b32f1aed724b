"""Packs rows of many applications into request bodies of the Logs Ingestion API, and tracks whose rows they are."""

from __future__ import annotations

import gzip
import zlib
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import orjson

from collector.reporting.serialised import CHUNK_LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable


COMPRESSION_LEVEL: Final = 1
"""Level 1 already shrinks rows, which are alike, more than tenfold, at a fraction of the processor time."""


GZIP: Final = zlib.MAX_WBITS + 16
"""What zlib calls the gzip format with its largest window."""


class Delivery:
    """Waits until all rows of one application are accepted or refused.

    ``on_complete`` is called once, after ``close`` and when every chunk with rows of the application is settled, with
    the reason of the first refusal or None.
    """

    def __init__(self, on_complete: Callable[[Exception | None], None]) -> None:
        self._on_complete = on_complete
        self._open_chunks = 0
        self._closed = False
        self._refusal: Exception | None = None

    def close(self) -> None:
        """Declare that no further row will come."""
        self._closed = True
        self._complete_if_settled()

    def enter_chunk(self) -> None:
        """Count one more chunk with rows of this application."""
        self._open_chunks += 1

    def settle_chunk(self, refusal: Exception | None) -> None:
        """Count one chunk as accepted (None) or refused."""
        self._open_chunks -= 1
        self._refusal = self._refusal or refusal
        self._complete_if_settled()

    def _complete_if_settled(self) -> None:
        if self._closed and self._open_chunks == 0:
            self._on_complete(self._refusal)


@dataclass(slots=True)
class Chunk:
    """Serialised rows of one future request, each with its owner."""

    parts: list[bytes] = field(default_factory=list)
    """Rows of one owner in each part, with commas between them."""
    owners: list[tuple[Delivery | None, int]] = field(default_factory=list)
    """The owner of each part, and how many rows the part has."""
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    """Each owner once, by its identity."""
    size: int = 2
    """Exact bytes of the JSON array: brackets, rows and the commas between them."""

    @property
    def rows(self) -> int:
        """How many rows the chunk holds."""
        return sum(count for _, count in self.owners)

    def take(self, rows: list[bytes], owner: Delivery | None) -> int:
        """Append as many of these rows of one owner as fit, in order; return how many."""
        ends = list(accumulate(map(len, rows)))
        room = CHUNK_LIMIT_BYTES - self.size - bool(self.parts)
        # The row at position k ends after k commas.
        count = bisect_right(range(len(rows)), room, key=lambda position: ends[position] + position)
        if count:
            self._append(b",".join(rows[:count]), owner, count)
            if owner is not None and id(owner) not in self.deliveries:
                self.deliveries[id(owner)] = owner
                owner.enter_chunk()
        return count

    def compress(self) -> bytes:
        """Return the gzip-compressed JSON array, and drop the rows, which take forty times as much memory.

        Meant for a thread: zlib releases the interpreter's lock.
        """
        compressor = zlib.compressobj(COMPRESSION_LEVEL, wbits=GZIP)
        pieces = [compressor.compress(b"[")]
        for position, part in enumerate(self.parts):
            if position:
                pieces.append(compressor.compress(b","))
            pieces.append(compressor.compress(part))
        self.parts.clear()
        return b"".join((*pieces, compressor.compress(b"]"), compressor.flush()))

    def halves(self, body: bytes) -> tuple[Chunk, Chunk]:
        """Return the rows of this chunk's compressed body in two chunks, which their owners do not count."""
        rows = [orjson.dumps(row) for row in orjson.loads(gzip.decompress(body))]
        owners = [owner for owner, count in self.owners for _ in range(count)]
        middle = len(rows) // 2
        return _chunk_of(rows[:middle], owners[:middle]), _chunk_of(rows[middle:], owners[middle:])

    def _append(self, part: bytes, owner: Delivery | None, count: int) -> None:
        self.size += len(part) + bool(self.parts)
        self.parts.append(part)
        self.owners.append((owner, count))


def _chunk_of(rows: list[bytes], owners: list[Delivery | None]) -> Chunk:
    chunk = Chunk(deliveries={id(owner): owner for owner in owners if owner is not None})
    for row, owner in zip(rows, owners, strict=True):
        chunk._append(row, owner, 1)  # noqa: SLF001 - `take` would make the owners count another chunk
    return chunk
