"""Plays the Logs Ingestion API of a data collection endpoint, with its data collection rules.

Source: https://learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview and the service limits for
custom logs. Error codes that Microsoft does not document are plausible ones; statuses are the documented ones.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from sandbox.azure.identity.directory import MONITOR_AUDIENCE
from sandbox.azure.identity.tokens import TokenIssuer, bearer_token
from sandbox.errors import RefusedError
from sandbox.faults.operations import Upload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.faults.faults import Faults
    from sandbox.workspace.row_counter import RowSink

API_VERSION = "2023-01-01"
LARGEST_CALL_BYTES = 1_000_000
"""1 MB; whether that means 1,000,000 or 1,048,576 bytes is not documented, so the smaller number counts here."""
WIDEST_TIME_RANGE = dt.timedelta(minutes=30)

_RULE_ID = re.compile(r"dcr-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class AcceptedUpload:
    """One call that was answered with 204: the stream, how many rows, and the bytes sent and inflated."""

    stream: str
    rows: int
    sent_bytes: int
    inflated_bytes: int


@dataclass(slots=True)
class Rule:
    """A data collection rule.

    Args:
        id: its immutable id.
        streams: table by the name of the stream.
        stamps: by table, the columns that its transformation writes, over whatever was sent.
        authorized_object_ids: the principals with the role Monitoring Metrics Publisher on it.
    """

    id: str
    streams: Mapping[str, str]
    stamps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    authorized_object_ids: set[str] = field(default_factory=set)


class LogsIngestion:
    """Takes rows for the streams of its rules and hands them to a sink."""

    def __init__(self, issuer: TokenIssuer, faults: Faults, rules: Sequence[Rule], sink: RowSink) -> None:
        self.rules = {rule.id: rule for rule in rules}
        self.sink = sink
        self._issuer = issuer
        self._faults = faults
        self._accepted: list[AcceptedUpload] = []
        self._lock = threading.Lock()

    def add_routes(self, app: web.Application) -> None:
        """Adds the one route of the endpoint."""
        app.router.add_post("/dataCollectionRules/{rule}/streams/{stream}", self._upload)

    @property
    def accepted(self) -> list[AcceptedUpload]:
        """The calls that were accepted since the last `clear`, in order."""
        with self._lock:
            return list(self._accepted)

    def clear(self) -> None:
        """Forgets which calls were accepted."""
        with self._lock:
            self._accepted.clear()

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def answer() -> web.Response:
            rule, stream = self._check(request)
            content = _inflated(request, body)
            table = rule.streams[stream]
            rows = [{**row, **rule.stamps.get(table, {})} for row in _rows(content)]
            self.sink.insert(table, rows)
            with self._lock:
                self._accepted.append(AcceptedUpload(stream, len(rows), len(body), len(content)))
            return web.Response(status=204)

        return await self._faults.answer(Upload(request.match_info["stream"]), request, answer)

    def _check(self, request: web.Request) -> tuple[Rule, str]:
        """Refuses a wrong version, token, rule, role or stream; returns the rule and the stream."""
        if request.query.get("api-version") != API_VERSION:
            raise RefusedError(400, "UnsupportedApiVersion", f"The api-version must be {API_VERSION}.")
        token = bearer_token(request, self._issuer, frozenset({MONITOR_AUDIENCE}))
        rule_id, stream = request.match_info["rule"], request.match_info["stream"]
        rule = self.rules.get(rule_id)
        if not _RULE_ID.fullmatch(rule_id) or rule is None:
            raise RefusedError(404, "NotFound", f"Data collection rule with immutable Id '{rule_id[:60]}' not found.")
        if token.object_id not in rule.authorized_object_ids:
            raise RefusedError(
                403,
                "OperationFailed",
                "The authentication token provided does not have access to ingest data for the data collection rule "
                f"with immutable Id '{rule_id}'.",
            )
        if stream not in rule.streams:
            raise RefusedError(
                400, "InvalidStream", f"The stream '{stream[:100]}' is not defined in the data collection rule."
            )
        if request.content_type != "application/json":
            raise RefusedError(415, "UnsupportedMediaType", "The Content-Type must be application/json.")
        return rule, stream


def _inflated(request: web.Request, body: bytes) -> bytes:
    """The body without its gzip encoding; both forms must stay within the limit."""
    if len(body) > LARGEST_CALL_BYTES:
        raise _too_large("Compressed" if "Content-Encoding" in request.headers else "Uncompressed")
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise RefusedError(400, "UnsupportedContentEncoding", "The Content-Encoding must be gzip.")
    inflater = zlib.decompressobj(wbits=31)
    try:
        content = inflater.decompress(body, LARGEST_CALL_BYTES + 1)
    except zlib.error as error:
        raise RefusedError(400, "InvalidGzip", "The body is no gzip data.") from error
    if len(content) > LARGEST_CALL_BYTES:
        raise _too_large("Uncompressed")
    if not inflater.eof:
        raise RefusedError(400, "InvalidGzip", "The gzip data ends too early.")
    return content


def _rows(content: bytes) -> list[dict[str, Any]]:
    try:
        rows = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _bad_payload("The body is no JSON.") from error
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise _bad_payload("The body must be an array of objects.")
    _check_time_range(rows)
    return rows


def _check_time_range(rows: list[dict[str, Any]]) -> None:
    distinct = {row["TimeGenerated"] for row in rows if isinstance(row.get("TimeGenerated"), str)}
    if len(distinct) < 2:  # noqa: PLR2004 - one moment has no range
        return
    try:
        moments = [dt.datetime.fromisoformat(text) for text in distinct]
        wide = max(moments) - min(moments) > WIDEST_TIME_RANGE
    except (ValueError, TypeError):
        return  # unreadable times are the table's business, not the endpoint's
    if wide:
        raise RefusedError(
            400, "RecordsTimeRangeIsMoreThan30Minutes", "All records of a call must lie within 30 minutes."
        )


def _too_large(form: str) -> RefusedError:
    return RefusedError(413, "ContentLengthLimitExceeded", f"{form} data exceeds the maximum of 1 MB per call.")


def _bad_payload(why: str) -> RefusedError:
    return RefusedError(400, "InvalidPayload", why)
