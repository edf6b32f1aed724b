"""Plays the queries of Microsoft.ResourceGraph: `POST /providers/Microsoft.ResourceGraph/resources`.

Sources: Microsoft.ResourceGraph 2022-10-01, and learn.microsoft.com/azure/governance/resource-graph/concepts:
work-with-data (pages) and guidance-for-throttled-requests (the quota of a principal). As in Azure, what the caller may
not read is left out without a word, and a query none of whose subscriptions can be read is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.errors import RefusedError, json_response, not_implemented
from sandbox.faults.operations import GraphQuery
from sandbox.world.customers import Access

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from sandbox.azure.resource_manager import ArmRequest, ResourceManager
    from sandbox.world.customers import Customer

VERSIONS = frozenset({"2021-03-01", "2022-10-01", "2024-04-01"})
MOST_SUBSCRIPTIONS = 1000
MOST_ROWS = 1000
QUOTA, QUOTA_SECONDS = 15, 5
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BODY = {"subscriptions", "query", "options"}
_OPTIONS = {"$skipToken", "$top", "$skip", "resultFormat"}


class ResourceGraphProvider:
    """Queries over `policyresources`, made from the states that Policy Insights would tell, and over `resources`.

    Switches make it as unreliable as Azure says it may be: `hide` and `hide_application` leave out rows without a word,
    `fall_behind` keeps telling what was true at that moment, and `limit` throttles. Faults are scripted for
    `GraphQuery`.
    """

    def __init__(self, arm: ResourceManager, clock: Callable[[], float] = time.monotonic) -> None:
        self._arm = arm
        self._clock = clock
        self.page_size = MOST_ROWS
        """Most rows of a page, whatever the query asks for."""
        self.reset()
        arm.serve(
            "POST", "/providers/Microsoft.ResourceGraph/resources", VERSIONS, lambda *_: GraphQuery(), self._query
        )

    def reset(self) -> None:
        """Up to date, complete, and without a limit."""
        self.page_size = MOST_ROWS
        self._hidden: Callable[[Customer, dict[str, Any]], bool] = lambda *_: False
        self._hidden_applications: set[str] = set()
        self._old: dict[str, list[dict[str, Any]]] | None = None
        self._old_applications: dict[str, dict[str, Any]] | None = None
        self._quota: int | None = None
        self._windows: dict[str, tuple[float, int]] = {}

    def hide(self, is_hidden: Callable[[Customer, dict[str, Any]], bool]) -> None:
        """From now on leave out the states (as documents) for which this is true, without saying so."""
        self._hidden = is_hidden

    def hide_application(self, *customers: Customer) -> None:
        """From now on leave out these customers' applications, without saying so."""
        self._hidden_applications |= {one.application_id for one in customers}

    def fall_behind(self) -> None:
        """Tell what is true now until `catch_up`, whatever happens meanwhile; who comes later is not there at all."""
        from sandbox.azure.resource_graph.table import application_row  # noqa: PLC0415 - DuckDB is heavy

        everybody = self._arm.customers.all()
        self._old = {one.managed_resource_group_id: self._rows(one) for one in everybody}
        self._old_applications = {one.application_id: application_row(one) for one in everybody if not one.deleted}

    def catch_up(self) -> None:
        """Tell the truth again."""
        self._old = self._old_applications = None

    def limit(self, queries: int = QUOTA) -> None:
        """From now on refuse a principal's further queries within five seconds."""
        self._quota = queries
        self._windows.clear()

    def _query(self, request: ArmRequest) -> web.Response:
        headers = self._metered(request.token.object_id)
        body = _body(request.body)
        options = _options(body.get("options") or {})
        rows = self._answer(body["query"], self._readable(request, _subscriptions(body)))
        digest = hashlib.sha256(orjson.dumps([body["query"], body["subscriptions"]])).hexdigest()[:16]
        offset = _offset(options["$skipToken"], digest) if "$skipToken" in options else options.get("$skip", 0)
        top = min(options.get("$top", MOST_ROWS), self.page_size)
        page = rows[offset : offset + top]
        is_more = offset + len(page) < len(rows)
        can_go_on = is_more and all("id" in row for row in page)
        answer: dict[str, Any] = {
            "totalRecords": len(rows),
            "count": len(page),
            "data": page,
            "facets": [],
            "resultTruncated": "true" if is_more and not can_go_on else "false",
        }
        if can_go_on:
            answer["$skipToken"] = base64.b64encode(orjson.dumps([digest, offset + len(page)])).decode()
        response = json_response(answer)
        response.headers.update(headers)
        return response

    def _answer(self, kql: str, owners: list[Customer]) -> list[dict[str, Any]]:
        from sandbox.azure.resource_graph.table import RESOURCES, STATES, run, tables_of  # noqa: PLC0415 - DuckDB is heavy
        from sandbox.workspace.workspace import QueryError  # noqa: PLC0415

        named, tables = tables_of(kql), dict[str, list[dict[str, Any]]]()
        if RESOURCES in named and "microsoft.solutions/applications" not in kql.lower():
            raise not_implemented("other resources than managed applications in Resource Graph")
        if STATES in named:
            tables[STATES] = [
                row
                for one in owners
                if Access.STATES in one.access and not one.deleted
                for row in self._told(one)
                if not self._hidden(one, row["properties"])
            ]
        if RESOURCES in named:
            tables[RESOURCES] = [row for one in owners for row in self._application(one)]
        try:
            return run(kql, tables)
        except QueryError as error:
            raise _bad_request("InvalidQuery", f"Query is invalid: {error}") from error

    def _told(self, owner: Customer) -> list[dict[str, Any]]:
        return self._rows(owner) if self._old is None else self._old.get(owner.managed_resource_group_id, [])

    @staticmethod
    def _rows(owner: Customer) -> list[dict[str, Any]]:
        from sandbox.azure.resource_graph.table import state_rows  # noqa: PLC0415 - DuckDB is heavy

        return state_rows(owner)

    def _application(self, owner: Customer) -> list[dict[str, Any]]:
        from sandbox.azure.resource_graph.table import application_row  # noqa: PLC0415 - DuckDB is heavy

        if Access.APPLICATION not in owner.access or owner.application_id in self._hidden_applications:
            return []
        if self._old_applications is not None:
            row = self._old_applications.get(owner.application_id)
            return [] if row is None else [row]
        return [] if owner.deleted else [application_row(owner)]

    def _readable(self, request: ArmRequest, subscriptions: list[str]) -> list[Customer]:
        """The customers in these subscriptions who let the caller read anything."""
        is_ours = request.token.object_id in self._arm.authorized_object_ids
        readable = [
            customer
            for subscription in dict.fromkeys(subscriptions)
            for customer in self._arm.customers.in_subscription(subscription)
            if is_ours and customer.visible and customer.access and (self._old_applications or not customer.deleted)
        ]
        if not readable:
            raise _bad_request(
                "NoValidSubscriptionsInQueryRequest",
                "There must be at least one subscription that is eligible to contain resources.",
            )
        return readable

    def _metered(self, principal: str) -> dict[str, str]:
        """Take one query out of the quota; raises RefusedError 429 when none is left."""
        if self._quota is None:
            return {"x-ms-user-quota-remaining": str(QUOTA - 1), "x-ms-user-quota-resets-after": "00:00:05"}
        now = self._clock()
        since, used = self._windows.get(principal, (now, 0))
        if now - since >= QUOTA_SECONDS:
            since, used = now, 0
        seconds = max(1, round(QUOTA_SECONDS - (now - since)))
        headers = {"x-ms-user-quota-resets-after": f"00:00:{seconds:02}"}
        if used >= self._quota:
            raise RefusedError(
                429,
                "RateLimiting",
                "Please provide below info when asking for support.",
                {"Retry-After": str(seconds), "x-ms-user-quota-remaining": "0", **headers},
            )
        self._windows[principal] = (since, used + 1)
        return {"x-ms-user-quota-remaining": str(self._quota - used - 1), **headers}


def _body(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _bad_request("InvalidRequestBody", "The request body is no JSON.") from error
    if not isinstance(document, dict) or not isinstance(document.get("query"), str):
        raise _bad_request("QueryEmpty", "The request has no query.")
    if unknown := document.keys() - _BODY:
        raise not_implemented(f"{', '.join(sorted(unknown))} in queries of Resource Graph")
    return document


def _subscriptions(body: dict[str, Any]) -> list[str]:
    subscriptions = body.get("subscriptions")
    if not isinstance(subscriptions, list):
        raise not_implemented("queries of a whole tenant")
    if len(subscriptions) > MOST_SUBSCRIPTIONS:
        raise _bad_request(
            "SubscriptionsLimitExceeded", f"At most {MOST_SUBSCRIPTIONS} subscriptions are allowed in a query."
        )
    if not all(isinstance(one, str) and _GUID.fullmatch(one) for one in subscriptions):
        raise _bad_request("InvalidSubscriptionId", "Subscription ids have to be valid GUIDs.")
    return subscriptions


def _options(options: dict[str, Any]) -> dict[str, Any]:
    if unknown := options.keys() - _OPTIONS:
        raise not_implemented(f"the options {', '.join(sorted(unknown))} of Resource Graph")
    if options.get("resultFormat", "objectArray") != "objectArray":
        raise not_implemented("answers of Resource Graph as tables")
    for name, highest in (("$top", MOST_ROWS), ("$skip", 10**9)):
        if name in options and not (type(options[name]) is int and 0 <= options[name] <= highest):
            raise _bad_request("InvalidQueryOptions", f"{name} must be a number up to {highest}.")
    return options


def _offset(token: Any, digest: str) -> int:
    try:
        whose, offset = orjson.loads(base64.b64decode(token))
    except (ValueError, TypeError, binascii.Error) as error:
        raise _bad_request("InvalidSkipToken", "The skip token is invalid.") from error
    if whose != digest:
        raise _bad_request("InvalidSkipToken", "The skip token is of another query.")
    return int(offset)


class _BadRequestError(RefusedError):
    """Resource Graph says BadRequest whatever is wrong, and tells what it is in the details."""

    def response(self) -> web.Response:
        """The answer that goes out on the wire."""
        details = [{"code": self.code, "message": self.message}]
        message = "Please provide below info when asking for support."
        body = {"error": {"code": "BadRequest", "message": message, "details": details}}
        return json_response(body, status=self.status)


def _bad_request(code: str, message: str) -> RefusedError:
    return _BadRequestError(400, code, message)
