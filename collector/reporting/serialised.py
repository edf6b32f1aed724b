"""Rows as JSON: valid UTF-8, and short enough for a request."""

from __future__ import annotations

from typing import Any, Final

import orjson

from publisher.texts import well_formed

CHUNK_LIMIT_BYTES: Final = 900_000
"""Largest uncompressed body; Azure refuses more than 1 MB, compressed or not (FACTS 3.2)."""

LARGEST_ROW_BYTES: Final = CHUNK_LIMIT_BYTES - 2
"""The largest row that fits into a chunk, between its brackets."""

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
    """Return the row with its longest texts shortened until it fits into a chunk."""
    columns = orjson.loads(row)
    while (excess := len(row) - LARGEST_ROW_BYTES) > 0:
        column = max((name for name in columns if isinstance(columns[name], str)), key=lambda name: len(columns[name]))
        # A character takes at most six bytes in JSON, so this never cuts more than needed by one sixth at a time.
        columns[column] = columns[column][: -max(1, excess // 6)]
        row = orjson.dumps(columns)
    return row
