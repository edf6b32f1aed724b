"""What the worker needs to take a notification in and to ask about it, and what can go wrong there: the rows and columns of the fault matrix."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.faults import effects
from sandbox.faults.effects import (
    AnswerLost,
    Body,
    CutHalfWay,
    Dropped,
    Effect,
    Slow,
    Status,
    TruncatedJson,
    WithoutValue,
)
from sandbox.faults.operations import (
    ApplicationRead,
    AssignmentList,
    IdentityTokenRequest,
    Operation,
    TableRequest,
    TokenRequest,
    Upload,
)
from sandbox.services import Service

EVENTS_TABLE = "ManagedApplicationEvents_CL"
EVENTS_STREAM = f"Custom-{EVENTS_TABLE}"

ANSWERED: dict[str, Effect] = {
    "reset before the answer": Dropped(),
    "reset half way": CutHalfWay(),
    "time-out": Slow(3600),
    "401": Status(401, retry_after=0),
    "403": Status(403, retry_after=0),
    "404": Status(404, retry_after=0),
    "408": Status(408, retry_after=0),
    "409": Status(409, retry_after=0),
    "412": Status(412, retry_after=0),
    "413": Status(413, retry_after=0),
    "429": Status(429, retry_after=0),
    "429, absurd Retry-After": Status(429, retry_after=10_000_000),
    "500": Status(500, retry_after=0),
    "502": Status(502, retry_after=0),
    "503": Status(503, retry_after=0),
    "HTML": effects.html(),
}
WITH_A_BODY: dict[str, Effect] = {"truncated JSON": TruncatedJson(), "empty body": effects.empty()}
WHOLE_SERVICE = ("connection refused", "TLS failure")


@dataclass(frozen=True)
class Dependency:
    """Something that is needed: the requests that fail, and how they can."""

    name: str
    operations: tuple[Operation, ...]
    faults: dict[str, Effect]
    whole: Service | None = None
    """The service that can also be away as a whole; None when another dependency stands for it."""


DEPENDENCIES = {
    one.name: one
    for one in (
        Dependency("Entra ID token", (TokenRequest(),), ANSWERED | WITH_A_BODY, Service.ENTRA_ID),
        Dependency(
            "managed identity token", (IdentityTokenRequest(),), ANSWERED | WITH_A_BODY, Service.MANAGED_IDENTITY
        ),
        Dependency("registry, reading", (TableRequest("GET"),), ANSWERED | WITH_A_BODY, Service.TABLES),
        Dependency(
            "registry, writing",
            (TableRequest("PUT"), TableRequest("POST")),
            ANSWERED
            | {
                "409": Status(409, code="EntityAlreadyExists"),
                "412": Status(412, code="UpdateConditionNotSatisfied"),
                "lost answer": AnswerLost(),
            },
        ),
        Dependency(
            "ARM, application",
            (ApplicationRead(),),
            ANSWERED | WITH_A_BODY | {"another application": Body(b'{"id": "/subscriptions"}')},
            Service.RESOURCE_MANAGER,
        ),
        Dependency(
            "ARM, assignments", (AssignmentList(),), ANSWERED | WITH_A_BODY | {"`value` missing": WithoutValue()}
        ),
        Dependency(
            "ingestion of events",
            (Upload(EVENTS_STREAM),),
            ANSWERED | {"lost answer": AnswerLost()},
            Service.LOGS_INGESTION,
        ),
    )
}


def faults_of(dependency: Dependency) -> list[str]:
    """Every fault that makes sense for a dependency."""
    away = list(WHOLE_SERVICE) if dependency.whole else []
    if dependency.whole in {Service.MANAGED_IDENTITY, Service.TABLES}:  # one has no TLS, the other none in this sandbox
        away.remove("TLS failure")
    return [*away, *dependency.faults]
