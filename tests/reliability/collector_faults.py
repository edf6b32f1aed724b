"""What the collector depends on, and what can go wrong there: the rows and columns of its fault matrix."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.faults import effects
from sandbox.faults.effects import (
    Call,
    CutHalfWay,
    Dropped,
    Effect,
    NextLink,
    Slow,
    Status,
    TruncatedJson,
    WithoutValue,
)
from sandbox.faults.operations import IdentityTokenRequest, Operation, PolicyQuery, TableRequest, TokenRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.collector.conftest import RESULTS_STREAM, RUNS_STREAM, STATES_STREAM


@dataclass(frozen=True)
class Dependency:
    """Something that a run needs: which service, and which of its answers, given the customer who is affected."""

    name: str
    service: Service
    operation: Callable[[Customer], Operation]
    not_applicable: dict[str, str] = field(default_factory=dict)
    """Faults that make no sense here, and why."""


NO_PAGES = {
    "repeated nextLink": "its answer has no pages",
    "nextLink to a foreign host": "its answer has no pages",
}
NO_LIST = NO_PAGES | {"`value` missing": "its answer is no list"}
NO_TIMES = {"clock skew": "no time in its answer is used"}
NO_BODY = (
    NO_LIST
    | NO_TIMES
    | {
        "truncated JSON": "its answer of 204 has no body",
        "empty body": "its answer of 204 has no body: this is how it answers",
    }
)

DEPENDENCIES = {
    one.name: one
    for one in (
        Dependency("Entra ID token", Service.ENTRA_ID, lambda _: TokenRequest(), NO_LIST | NO_TIMES),
        Dependency(
            "managed identity token",
            Service.MANAGED_IDENTITY,
            lambda _: IdentityTokenRequest(),
            NO_LIST | NO_TIMES | {"TLS failure": "App Service offers it without TLS, on the machine itself"},
        ),
        Dependency(
            "table listing",
            Service.TABLES,
            lambda _: TableRequest("GET"),
            NO_TIMES | {"nextLink to a foreign host": "the next page is named by keys, not by a link"},
        ),
        Dependency(
            "policy query, first page", Service.RESOURCE_MANAGER, lambda customer: PolicyQuery(customer, page=1)
        ),
        Dependency(
            "policy query, later page", Service.RESOURCE_MANAGER, lambda customer: PolicyQuery(customer, page=2)
        ),
        Dependency("ingestion of states", Service.LOGS_INGESTION, lambda _: Upload(STATES_STREAM), NO_BODY),
        Dependency("ingestion of results", Service.LOGS_INGESTION, lambda _: Upload(RESULTS_STREAM), NO_BODY),
        Dependency("ingestion of the run row", Service.LOGS_INGESTION, lambda _: Upload(RUNS_STREAM), NO_BODY),
    )
}


@dataclass(frozen=True)
class SameContinuation:
    """A page of a table that names the same next page again and again."""

    async def __call__(self, call: Call) -> web.StreamResponse:
        page = await call.answer()
        page.headers["x-ms-continuation-NextPartitionKey"] = "again"
        page.headers["x-ms-continuation-NextRowKey"] = "and again"
        return page


class NewPageEveryTime:
    """A page that always names another next page: the same states again and again, without end."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    async def __call__(self, call: Call) -> web.StreamResponse:
        link = f"{call.request.url.with_query(None)}?api-version=2019-10-01&number={next(self._numbers)}"
        return await NextLink(link)(call)


REPEATED = "repeated nextLink"

FAULTS: dict[str, Effect] = {
    "connection refused": Dropped(),
    "reset before the answer": Dropped(),
    "reset half way": CutHalfWay(),
    "TLS failure": Dropped(),
    "time-out": Slow(3600),
    "401": Status(401),
    "403": Status(403),
    "404": Status(404),
    "408": Status(408),
    "413": Status(413),
    "429": Status(429),
    "429, Retry-After": Status(429, retry_after=5),
    "429, absurd Retry-After": Status(429, retry_after=10_000_000),
    "500": Status(500),
    "502": Status(502),
    "503": Status(503),
    "truncated JSON": TruncatedJson(),
    "HTML": effects.html(),
    "empty body": effects.empty(),
    "`value` missing": WithoutValue(),
    REPEATED: NextLink(),
    "nextLink to a foreign host": NextLink("https://attacker.invalid/next"),
    "clock skew": effects.SkewedClock(dt.timedelta(days=-400)),
}


OF_A_SERVICE: dict[str, Callable[[Sandbox, Service], AbstractContextManager[None]]] = {
    "connection refused": lambda sandbox, service: sandbox.offline(service),
    "TLS failure": lambda sandbox, service: sandbox.untrusted(service),
}
"""Faults of a whole service: the first request is cut off, and before the second one the service is switched."""


def effect_of(fault: str, dependency: Dependency) -> Effect:
    """What a fault does to an answer of a dependency."""
    return SameContinuation() if (fault, dependency.service) == (REPEATED, Service.TABLES) else FAULTS[fault]
