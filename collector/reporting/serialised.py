"""A row as JSON: text that UTF-8 can carry, and no longer than a request may be."""

from __future__ import annotations

from typing import Any, Final

import orjson

from collector.reporting.states import well_formed

CHUNK_LIMIT_BYTES: Final = 900_000
"""Largest uncompressed body; Azure refuses more than 1 MB, compressed or not (FACTS 3.2)."""

LARGEST_ROW_BYTES: Final = CHUNK_LIMIT_BYTES - 2
"""A row that is alone in its chunk, between brackets."""

Row = dict[str, Any]


def encoded(row: Row) -> bytes:
    """Return the row as JSON. Lone surrogates, which JSON can spell and UTF-8 cannot carry, become U+FFFD."""
    try:
        serialised = orjson.dumps(row)
    except TypeError:
        serialised = orjson.dumps(
            row | {name: well_formed(text) for name, text in row.items() if isinstance(text, str)}
        )
    return bytes(memoryview(serialised))  # a copy of its own size: orjson's keeps a buffer many times as large


def cut_to_fit(row: bytes) -> bytes:
    """Shorten the longest text of a row until it fits into a chunk; every other column stays whole."""
    columns = orjson.loads(row)
    while (excess := len(row) - LARGEST_ROW_BYTES) > 0:
        column = max((name for name in columns if isinstance(columns[name], str)), key=lambda name: len(columns[name]))
        # A character takes at most six bytes in JSON, so this never cuts more than needed by one sixth at a time.
        columns[column] = columns[column][: -max(1, excess // 6)]
        row = orjson.dumps(columns)
    return row
