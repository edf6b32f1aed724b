"""Queries the Log Analytics workspace with the app's own identity.

The client, authentication and pipeline are those of azure-monitor-query. Its models are not used: an answer is read as
a stream, which bounds its size in memory and takes a fraction of the time. Retries come from publisher.retry.
Source: learn.microsoft.com/azure/azure-monitor/logs/api (request format, response format, errors, timeouts).
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from azure.core.pipeline.policies import AsyncRetryPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.monitor.query.aio import LogsQueryClient

from compliance_api.settings import WorkspaceSettings
from publisher.credentials import own_identity_credential
from publisher.errors.answers import as_failure, failure_of_status
from publisher.errors.bodies import reasons_in
from publisher.errors.kinds import AzureFailure, MalformedAnswer
from publisher.errors.reasons import reasons_of
from publisher.lenient_json import LARGEST_BYTES, Members, NotJson, has_member, json_of, json_with_repeats, member
from publisher.retry import with_retries
from publisher.texts import printable
from publisher.transport import Transport

_ATTEMPTS: Final = 2
_CONNECTIONS: Final = 8
_REFUSED: Final = "The query was refused."
_GRACE_SECONDS: Final = 5
"""What an answer may take beyond the time that the workspace is given for the query: tokens, connection, download."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query, with its time span and limits.

    Args:
        timespan: bounds TimeGenerated; an ISO 8601 duration or interval.
        seconds: how long the workspace may work on it.
        largest_answer_bytes: an answer that is longer is not read to its end.
    """

    query: str
    timespan: str
    seconds: int
    largest_answer_bytes: int


@dataclass(frozen=True, slots=True)
class Table:
    """An answer: column names, their KQL types, and rows of JSON values. `incomplete` says why rows may be missing."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[list[Any]]
    incomplete: str | None = None

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return every row by column name; asked for a column that is not there, a row raises MalformedAnswer."""
        return [_ByColumn(zip(self.columns, row, strict=True)) for row in self.rows]

    def column(self, name: str) -> list[Any]:
        """Return the values of a column; raise MalformedAnswer when it is not there."""
        if name not in self.columns:
            raise _malformed(f"has no column {name}")
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def complete(self, *columns: str) -> Self:
        """Return the table; raise MalformedAnswer when rows, or one of these columns, may be missing.

        They would look as if there were none.
        """
        for column in columns:
            if column not in self.columns:
                raise _malformed(f"has no column {column}")
        if self.incomplete:
            raise MalformedAnswer(f"the workspace answered in part only: {self.incomplete}", code="PartialAnswer")
        return self


class _ByColumn(dict[str, Any]):
    """A row by column name."""

    def __missing__(self, column: str) -> Any:
        raise _malformed(f"has no column {column}")


class BadQuery(AzureFailure):
    """The workspace refuses the query itself. `line` and `position` say where, counted from 1, when it tells."""

    def __init__(self, message: str, *, code: str, line: int | None, position: int | None) -> None:
        super().__init__(message, code=code, status=400)
        self.line = line
        self.position = position


class TooLarge(AzureFailure):
    """The answer is longer than it may be."""


@dataclass(slots=True)
class _Lease:
    """The shared client, what closes it, and how many questions use it now."""

    client: LogsQueryClient
    clients: AsyncExitStack
    users: int = 0


class Workspace:
    """One workspace. Questions that run at the same time share one client and its token."""

    def __init__(self, settings: WorkspaceSettings) -> None:
        self._settings = settings
        self._lease: _Lease | None = None

    async def ask(self, question: Question) -> Table:
        """Return the answer's first table; raise BadQuery, TooLarge or another AzureFailure."""
        deadline = time.monotonic() + question.seconds + _GRACE_SECONDS
        async with self._shared_client() as client:
            return await with_retries(lambda: self._attempt(client, question), deadline=deadline, attempts=_ATTEMPTS)

    @asynccontextmanager
    async def _shared_client(self) -> AsyncIterator[LogsQueryClient]:
        """Yield the shared client; the last of its users closes it, so that an idle process holds no connection."""
        lease = self._lease = self._lease or self._open()
        lease.users += 1
        try:
            yield lease.client
        finally:
            lease.users -= 1
            if not lease.users:
                self._lease = None
                await asyncio.shield(lease.clients.aclose())

    def _open(self) -> "_Lease":
        credential = own_identity_credential(self._settings.own_identity_client_id)
        client = LogsQueryClient(
            credential,
            endpoint=self._settings.query_endpoint,
            audience=self._settings.query_audience,
            transport=Transport(connections=_CONNECTIONS),
            retry_policy=AsyncRetryPolicy.no_retries(),
        )
        clients = AsyncExitStack()
        clients.push_async_exit(credential)
        clients.push_async_exit(client)
        return _Lease(client, clients)

    async def _attempt(self, client: LogsQueryClient, question: Question) -> Table:
        request = HttpRequest(
            "POST",
            f"/workspaces/{self._settings.workspace_id}/query",
            json={"query": question.query, "timespan": question.timespan},
            headers={"Prefer": f"wait={question.seconds}"},
        )
        try:
            response = await client.send_request(request, stream=True)
            async with response:
                body = await _bounded_body(response, min(question.largest_answer_bytes, LARGEST_BYTES))
        except Exception as error:
            failure = as_failure(error)
            if failure is None or failure is error:
                raise
            raise failure from error
        if response.status_code == 400:  # noqa: PLR2004
            raise _bad_query(body.decode("utf-8", "replace"))
        if response.status_code != 200:  # noqa: PLR2004
            raise failure_of_status(response.status_code, response.headers, body.decode("utf-8", "replace"))
        return _table(body)


async def _bounded_body(response: AsyncHttpResponse, longest: int) -> bytes:
    parts, size = [], 0
    async for part in response.iter_bytes():
        size += len(part)
        if size > longest:
            raise TooLarge("the answer is too long", code="AnswerTooLarge")
        parts.append(part)
    return b"".join(parts)


def _table(body: bytes) -> Table:
    """Return the first table of an answer; raise MalformedAnswer unless every row has a cell for every column."""
    try:
        content = json_of(body)
    except NotJson:
        raise _malformed("is not JSON") from None
    _refuse_doubled(body, content)
    tables = member(content, "tables")
    table = tables[0] if isinstance(tables, list) and tables else None
    columns, rows = member(table, "columns"), member(table, "rows")
    if not isinstance(columns, list) or not columns:
        raise _malformed("has no table with columns")
    names, types = ([member(column, name) for column in columns] for name in ("name", "type"))
    if not all(isinstance(word, str) and word for word in (*names, *types)):
        raise _malformed("has a column without name or type")
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        raise _malformed("has rows that do not fit its columns")
    problem = member(content, "error")
    incomplete = None if problem is None else printable(reasons_of(problem).message or _REFUSED)
    return Table(tuple(names), tuple(types), rows, incomplete)


def _refuse_doubled(body: bytes, content: Any) -> None:
    """Raise MalformedAnswer when tables, rows or an error come twice: the parser keeps the last ones.

    The reader that tells of it takes many times as long, so it has a look only when the body has these words otherwise
    than an answer with its tables.
    """
    tables = member(content, "tables")
    number = len(tables) if isinstance(tables, list) else 0
    expected = {b'"tables"': 1, b'"columns"': number, b'"rows"': number, b'"error"': int(has_member(content, "error"))}
    lowered = body.lower()
    if all(lowered.count(word) == times for word, times in expected.items()):
        return
    answer = json_with_repeats(body)
    listed = member(answer, "tables")
    parts = [answer, *(listed if isinstance(listed, list) else ())]
    doubled = set[str]().union(*(part.repeated for part in parts if isinstance(part, Members)))
    if doubled:
        raise _malformed(f"has a member twice: {', '.join(sorted(doubled))}")


def _malformed(problem: str) -> MalformedAnswer:
    return MalformedAnswer(f"the workspace's answer {problem}", code="MalformedAnswer")


def _bad_query(body: str) -> AzureFailure:
    """Return BadQuery for the innermost reason, which is the engine's own; a place may stand further out.

    An answer without an error code in JSON is not the workspace's.
    """
    reasons = reasons_in(body)
    if not reasons.codes or not any(reason.members for reason in reasons.chain):
        return failure_of_status(400, {}, body)
    members = [reason.members for reason in reversed(reasons.chain)]
    line, position = (
        next((place for one in members if (place := _whole(member(one, name)))), None) for name in ("line", "pos")
    )
    return BadQuery(reasons.message or _REFUSED, code=reasons.code, line=line, position=position)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
