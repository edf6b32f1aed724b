"""Plays the resource provider Microsoft.PolicyInsights: the latest policy states of a resource group, page by page.

Source: Microsoft.PolicyInsights 2019-10-01, `PolicyStates_ListQueryResultsForResourceGroup`:
`POST .../policyStates/latest/queryResults` with a filter, a selection, a time window and paging.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from sandbox.errors import RefusedError, not_implemented
from sandbox.faults.operations import PolicyQuery
from sandbox.world.customers import Access
from sandbox.world.odata import parse_filter, parse_select
from sandbox.world.state_documents import FIELD_SPELLING, metadata_context
from sandbox.world.state_sources import StateQuery

if TYPE_CHECKING:
    from sandbox.azure.resource_manager import ArmRequest, PathParameters, ResourceManager

VERSIONS = frozenset({"2018-07-01-preview", "2019-10-01", "2024-10-01"})
DEFAULT_WINDOW = dt.timedelta(days=1)
LARGEST_TOP = 1000
"""Above about this Azure answers 400 ResponseTooLarge; it does not document where the limit is."""
_NOT_IMPLEMENTED = ("$apply", "$orderby", "$expand")
_PATH = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.PolicyInsights"
    "/policyStates/{resource}/queryResults"
)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where an answer stands: the query, how many states were sent already, and the number of the page."""

    query: StateQuery
    offset: int = 0
    page: int = 1
    top: int | None = None


class PolicyStates:
    """The policy query of Resource Manager."""

    def __init__(self, arm: ResourceManager) -> None:
        self._arm = arm
        arm.serve("POST", _PATH, VERSIONS, self._operation, self._query_results)

    def _operation(self, request: web.Request, path: PathParameters) -> PolicyQuery:
        try:
            page = self._cursor(request, path["resource"]).page
        except RefusedError:
            page = 1  # a query that is wrong is refused after the caller's rights were checked
        return PolicyQuery(self._arm.customer_at(path), page)

    def _query_results(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.STATES)
        cursor = self._cursor(request.http, request.path["resource"])
        size = self._arm.page_size
        if cursor.top is not None:
            size = min(size, cursor.top - cursor.offset)
        owner.honour_expiry()
        owner.remediation.honour_evaluation()
        page = owner.source.page(cursor.query, cursor.offset, size)
        sent = cursor.offset + page.count
        more = page.more and (cursor.top is None or sent < cursor.top)
        head: dict[str, Any] = {
            "@odata.context": metadata_context(owner.managed_resource_group_id),
            "@odata.count": page.count,
            "@odata.nextLink": None,
        }
        if more:
            following = replace(cursor, offset=sent, page=cursor.page + 1)
            head["@odata.nextLink"] = f"{request.http.url.with_query(None)}?{_link_query(following)}"
        body = b"".join((orjson.dumps(head)[:-1], b',"value":[', page.states, b"]}"))
        return web.Response(body=body, content_type="application/json")

    def _cursor(self, request: web.Request, resource: str) -> _Cursor:
        parameters = _system_parameters(request)
        if resource.lower() != "latest":
            raise not_implemented(f"policyStates/{resource[:50]}")
        if "$skiptoken" in parameters:
            if len(parameters) > 1:
                others = sorted(parameters.keys() - {"$skiptoken"})
                raise RefusedError(400, "InvalidSkipToken", f"$skiptoken does not go with {', '.join(others)}.")
            return _decoded(parameters["$skiptoken"])
        for name in _NOT_IMPLEMENTED:
            if name in parameters:
                raise not_implemented(f"{name} in policy queries")
        until = _moment(parameters, "$to") or self._arm.now()
        query = StateQuery(
            parameters.get("$filter"),
            parse_select(parameters["$select"], FIELD_SPELLING) if "$select" in parameters else None,
            _moment(parameters, "$from") or until - DEFAULT_WINDOW,
            until,
            self._arm.filter_ignores_case,
        )
        if query.filter is not None:
            parse_filter(query.filter, FIELD_SPELLING, ignore_case=query.ignore_case)
        return _Cursor(query, top=_top(parameters))


def _system_parameters(request: web.Request) -> dict[str, str]:
    known = {"$top", "$filter", "$select", "$from", "$to", "$skiptoken", *_NOT_IMPLEMENTED}
    parameters: dict[str, str] = {}
    for name, value in request.query.items():
        if not name.startswith("$"):
            continue
        if name.lower() not in known or name.lower() in parameters:
            raise RefusedError(400, "InvalidQueryParameter", f"Unknown or repeated query parameter '{name[:50]}'.")
        parameters[name.lower()] = value
    return parameters


def _moment(parameters: dict[str, str], name: str) -> dt.datetime | None:
    if name not in parameters:
        return None
    try:
        moment = dt.datetime.fromisoformat(parameters[name])
    except ValueError as error:
        raise RefusedError(400, "InvalidQueryParameter", f"{name} is no ISO 8601 date and time.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _top(parameters: dict[str, str]) -> int | None:
    if "$top" not in parameters:
        return None
    try:
        top = int(parameters["$top"])
    except ValueError as error:
        raise RefusedError(400, "InvalidQueryParameter", "$top is no number.") from error
    if top < 0:
        raise RefusedError(400, "InvalidQueryParameter", "$top must not be negative.")
    if top > LARGEST_TOP:
        raise RefusedError(400, "ResponseTooLarge", "The response is too large. Ask for fewer states.")
    return top


def _link_query(cursor: _Cursor) -> str:
    """The query of a nextLink: an API version of its own, and everything else hidden in the token."""
    query = cursor.query
    token = [
        query.filter,
        sorted(query.select) if query.select is not None else None,
        query.since.isoformat(),
        query.until.isoformat(),
        query.ignore_case,
        cursor.offset,
        cursor.page,
        cursor.top,
    ]
    encoded = base64.urlsafe_b64encode(orjson.dumps(token)).decode().rstrip("=")
    return f"api-version=2019-10-01&$skiptoken={encoded}"


def _decoded(token: str) -> _Cursor:
    try:
        text, select, since, until, ignore_case, offset, page, top = orjson.loads(
            base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        )
    except (ValueError, binascii.Error) as error:
        raise RefusedError(400, "InvalidSkipToken", "The skip token is invalid.") from error
    query = StateQuery(
        text,
        frozenset(select) if select is not None else None,
        dt.datetime.fromisoformat(since),
        dt.datetime.fromisoformat(until),
        ignore_case,
    )
    return _Cursor(query, offset, page, top)
