"""Plays the Log Analytics query API, which azure-monitor-query's LogsQueryClient talks to.

Implements POST and GET /v1/workspaces/{id}/query with Azure's answers and errors; anything else under /v1 answers 501.
Source: learn.microsoft.com/azure/azure-monitor/logs/api/overview (request format, response format, errors).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson

from sandbox.errors import json_response
from sandbox.workspace.iso8601 import parse_timespan
from sandbox.workspace.workspace import QueryError, QueryResult, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

_PLACE: Final = re.compile(r"\bat (?P<line>\d+):(?P<column>\d+)\b")
"""Where duckdb-kql says that a query is wrong; its columns count from 0."""


@dataclass(frozen=True, slots=True)
class LogAnalyticsApi:
    """Serves one workspace.

    Args:
        workspace: what is queried.
        workspace_id: the workspace's GUID, the only one that is found.
        access: 200 for a request of somebody who may query, 401 for one without a valid token for the API, and 403.
        clock: aware UTC time; a time span that is only a duration ends here.
        hidden_from: the tables that the rights of a request's caller leave out.
    """

    workspace: Workspace
    workspace_id: str
    access: Callable[[web.Request], int]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    hidden_from: Callable[[web.Request], frozenset[str]] = lambda _: frozenset()

    def add_routes(self, app: web.Application) -> None:
        """Mount the API under /v1 of an application."""
        app.router.add_post("/v1/workspaces/{workspace}/query", self._post)
        app.router.add_get("/v1/workspaces/{workspace}/query", self._get, allow_head=False)
        app.router.add_route("*", "/v1/{rest:.*}", self._not_implemented)

    async def _post(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return _bad_argument("The request body is not valid JSON")
        if not isinstance(body, dict):
            return _bad_argument("The request body is not a JSON object")
        if body.get("workspaces"):
            return _error(501, "NotImplemented", "The sandbox has one workspace and does not query across workspaces")
        return await self._answer(body.get("query"), body.get("timespan"), self.hidden_from(request))

    async def _get(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        return await self._answer(request.query.get("query"), request.query.get("timespan"), self.hidden_from(request))

    async def _not_implemented(self, _: web.Request) -> web.Response:
        return _error(501, "NotImplemented", "The sandbox implements /v1/workspaces/{id}/query only")

    def _refusal(self, request: web.Request) -> web.Response | None:
        access = self.access(request)
        if access == HTTPStatus.UNAUTHORIZED:
            return _error(access, "AuthorizationRequiredError", "Valid authentication was not provided")
        if access == HTTPStatus.FORBIDDEN:
            return _insufficient_access()
        if request.match_info["workspace"].lower() != self.workspace_id.lower():
            return _error(404, "WorkspaceNotFoundError", "The workspace could not be found")
        return None

    async def _answer(self, query: object, timespan: object, hidden: frozenset[str]) -> web.Response:
        if not isinstance(query, str) or not query.strip():
            return _bad_argument("The query is missing or empty")
        if not isinstance(timespan, str | None):
            return _bad_argument("The timespan is not a string")
        try:
            span = parse_timespan(timespan, self.clock()) if timespan else None
        except ValueError as error:
            return _bad_argument(f"The timespan is not valid: {error}")
        try:
            result = await asyncio.to_thread(self.workspace.run, query, timespan=span, hidden=hidden)
        except QueryError as error:
            return _bad_query(error)
        return json_response(_tables(result))


def _tables(result: QueryResult) -> dict[str, Any]:
    columns = [{"name": column.name, "type": column.type} for column in result.columns]
    rows = [[_cell(value) for value in row] for row in result.rows]
    return {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]}


def _cell(value: Any) -> Any:
    """Spell a value as the API does: times with Z, time spans as d.hh:mm:ss, dynamic values as JSON text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, timedelta):
        return _timespan(value)
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return value


def _timespan(value: timedelta) -> str:
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    days = f"{value.days}." if value.days else ""
    ticks = f".{value.microseconds:06d}0" if value.microseconds else ""
    return f"{sign}{days}{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{ticks}"


def _bad_query(error: QueryError) -> web.Response:
    if error.kind == "Forbidden":
        return _insufficient_access()
    if error.kind == "Unsupported":
        return _error(501, "NotImplemented", f"The sandbox's KQL engine does not support this query: {error}")
    explanations = {
        "SyntaxError": "A recognition error occurred in the query.",
        "SemanticError": "A semantic error occurred.",
    }
    engine: dict[str, Any] = {"code": error.kind, "message": str(error)}
    if place := _PLACE.search(str(error)):
        engine |= {"line": int(place["line"]), "pos": int(place["column"]) + 1}
    inner = {"code": error.kind, "message": explanations[error.kind], "innererror": engine}
    return _bad_argument("The request had some invalid properties", innererror=inner)


def _insufficient_access() -> web.Response:
    message = "The provided credentials have insufficient access to perform the requested operation"
    return _error(403, "InsufficientAccessError", message)


def _bad_argument(message: str, **more: Any) -> web.Response:
    return _error(400, "BadArgumentError", message, **more)


def _error(status: int, code: str, message: str, **more: Any) -> web.Response:
    body = {"error": {"message": message, "code": code, "correlationId": str(uuid4()), **more}}
    return json_response(body, status=status)
