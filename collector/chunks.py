"""Rows of many applications packed into bodies for the Logs Ingestion API, each row still knowing its owner."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.rows import Row

CHUNK_LIMIT_BYTES: Final = 900_000
"""Largest uncompressed body; Azure refuses more than 1 MB, compressed or not (FACTS 3.2)."""

COMPRESSION_LEVEL: Final = 1
"""The rows repeat each other: level 1 already shrinks them more than tenfold, at a fraction of the processor time."""


class Delivery:
    """The way of one application's rows to the tables: knows when the last of them was accepted or refused.

    ``on_complete`` is called once, after ``close`` and after every chunk that carries a row of it is settled, with the
    reason of the first refusal or None.
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
        """Count one more chunk that carries rows of this delivery."""
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

    rows: list[bytes] = field(default_factory=list)
    owners: list[Delivery | None] = field(default_factory=list)
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    """Each owner once, by its identity."""
    size: int = 2
    """Exact bytes of the JSON array: brackets, rows and the commas between them."""

    def fits(self, row: bytes) -> bool:
        """Tell whether the chunk stays within the limit with one more row."""
        return self.size + len(row) + bool(self.rows) <= CHUNK_LIMIT_BYTES

    def add(self, row: bytes, owner: Delivery | None) -> None:
        """Append one serialised row."""
        self.size += len(row) + bool(self.rows)
        self.rows.append(row)
        self.owners.append(owner)
        if owner is not None:
            self.deliveries[id(owner)] = owner

    def halves(self) -> tuple[Chunk, Chunk]:
        """Return the rows in two chunks of about half the rows each."""
        middle = len(self.rows) // 2
        return _chunk_of(self, slice(None, middle)), _chunk_of(self, slice(middle, None))

    def compressed(self) -> bytes:
        """Return the gzip-compressed JSON array. Releases the interpreter lock: meant for a thread."""
        body = b"".join((b"[", b",".join(self.rows), b"]"))
        return gzip.compress(body, compresslevel=COMPRESSION_LEVEL, mtime=0)


def _chunk_of(chunk: Chunk, rows: slice) -> Chunk:
    part = Chunk()
    for row, owner in zip(chunk.rows[rows], chunk.owners[rows], strict=True):
        part.add(row, owner)
    return part


def serialise(row: Row) -> tuple[bytes, bool]:
    """Return the row as JSON bytes, and whether text had to be cut to make it fit into a request.

    Lone surrogates, which JSON can spell and UTF-8 cannot carry, become U+FFFD.
    """
    try:
        encoded = orjson.dumps(row)
    except TypeError:
        row = {name: _encodable(value) for name, value in row.items()}
        encoded = orjson.dumps(row)
    if len(encoded) + 2 <= CHUNK_LIMIT_BYTES:
        return encoded, False
    return _cut_to_fit(row), True


def _encodable(value: Any) -> Any:
    return (
        value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if isinstance(value, str) else value
    )


def _cut_to_fit(row: Row) -> bytes:
    """Shorten the longest text until the row fits; every other column stays whole."""
    row = dict(row)
    while len(encoded := orjson.dumps(row)) + 2 > CHUNK_LIMIT_BYTES:
        column = max((name for name in row if isinstance(row[name], str)), key=lambda name: len(row[name]))
        excess = len(encoded) + 2 - CHUNK_LIMIT_BYTES
        # A character takes at most six bytes in JSON, so this never cuts more than needed by one sixth at a time.
        row[column] = row[column][: -max(1, excess // 6)]
    return encoded
