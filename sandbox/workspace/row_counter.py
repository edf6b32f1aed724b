"""Counts uploaded rows instead of storing them, for runs with millions of rows."""

from __future__ import annotations

import threading
import zlib
from collections import Counter
from typing import Any, Protocol

import orjson


class RowSink(Protocol):
    """Where accepted rows go: the workspace, or a counter."""

    def insert(self, table: str, rows: list[dict[str, Any]]) -> object:
        """Takes the rows of one accepted upload; called from the servers' thread."""
        ...


class RowCounter:
    """Counts rows by table, with a checksum that does not depend on their order. Thread-safe."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._checksums: Counter[str] = Counter()
        self._lock = threading.Lock()

    def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        """See RowSink."""
        checksum = sum(zlib.crc32(orjson.dumps(row, option=orjson.OPT_SORT_KEYS)) for row in rows)
        with self._lock:
            self._rows[table] += len(rows)
            self._checksums[table] += checksum

    def clear(self) -> None:
        """Starts counting again."""
        with self._lock:
            self._rows.clear()
            self._checksums.clear()

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        with self._lock:
            return dict(self._rows)

    def checksums(self) -> dict[str, int]:
        """The sum of the rows' CRC-32, by table: equal for the same rows in any order."""
        with self._lock:
            return dict(self._checksums)
