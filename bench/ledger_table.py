"""The table that the benchmark's server keeps the collector's ledger in: rows as they came, in memory."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTROL_PARTITION: Final = "~control"
_HEAD: Final = (
    "HTTP/1.1 {status}\r\nContent-Type: application/json;odata=minimalmetadata\r\nx-ms-version: 2019-02-02\r\n"
    "{more}Content-Length: {length}\r\n\r\n"
)
_ETAG: Final = "W/\"datetime'2026-01-01T00%3A00%3A00.0000000Z'\""
_MISSING: Final = {
    "odata.error": {"code": "ResourceNotFound", "message": {"lang": "en-US", "value": "It is not there."}}
}
_ROWS_IN_A_PAGE: Final = 1000


class LedgerTable:
    """Answers the calls of Table storage that the ledger makes; every write wins."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    def fill(self, rows: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        """Take rows in the form in which Table storage sends them, each after its keys."""
        for partition_key, row_key, row in rows:
            self._keep((partition_key, row_key), row)

    def answer(self, method: str, path: str, query: str, body: bytes) -> bytes:
        """Return the whole HTTP answer."""
        keys = _keys_in(path)
        if method in {"POST", "PUT"}:
            return self._written(body, keys)
        if keys is not None:
            with self._lock:
                row = self._rows.get(keys)
            return _answer("404 Not Found", json.dumps(_MISSING).encode()) if row is None else _answer("200 OK", row)
        return self._page(unquote(query))

    def _written(self, body: bytes, keys: tuple[str, str] | None) -> bytes:
        row: dict[str, Any] = json.loads(body)
        keys = keys or (row["PartitionKey"], row["RowKey"])
        self._keep(keys, row)
        return _answer("204 No Content", b"", f"ETag: {_ETAG}\r\n")

    def _keep(self, keys: tuple[str, str], row: dict[str, Any]) -> None:
        row |= {"odata.etag": _ETAG, "PartitionKey": keys[0], "RowKey": keys[1], "Timestamp": "2026-01-01T00:00:00Z"}
        with self._lock:
            self._rows[keys] = json.dumps(row).encode()

    def _page(self, query: str) -> bytes:
        parameters = dict(part.partition("=")[::2] for part in query.split("&"))
        is_control = f"eq '{CONTROL_PARTITION}'" in query
        first, size = int(parameters.get("NextPartitionKey", "0")), int(parameters.get("$top", _ROWS_IN_A_PAGE))
        with self._lock:
            rows = [self._rows[keys] for keys in sorted(self._rows) if (keys[0] == CONTROL_PARTITION) is is_control]
        page = rows[first : first + size]
        more = f"x-ms-continuation-NextPartitionKey: {first + size}\r\n" if first + size < len(rows) else ""
        return _answer("200 OK", b"".join((b'{"value":[', b",".join(page), b"]}")), more)


def _keys_in(path: str) -> tuple[str, str] | None:
    """Return the keys in `table(PartitionKey='…',RowKey='…')`, None in a path without them."""
    inside = unquote(path).partition("(PartitionKey='")[2].removesuffix("')")
    partition_key, separator, row_key = inside.partition("',RowKey='")
    return (partition_key, row_key) if separator else None


def _answer(status: str, content: bytes, more: str = "") -> bytes:
    return _HEAD.format(status=status, more=more, length=len(content)).encode() + content
