"""A workspace that cannot be asked: 503 and when to come again, never an answer without data."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.faults.effects import Body, CutHalfWay, Dropped, Effect, Rewritten, Status, TruncatedJson, html
from sandbox.faults.operations import IdentityTokenRequest, LogQuery
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.compliance_api.conftest import Api, Reply
from tests.queries.fleet import Fleet, application_id, bad

PATHS = (
    "compliance",
    "compliance/applications",
    "compliance/history",
    "compliance/runs",
    f"compliance/applications{application_id('alpha')}",
    "saved_queries/applications",
    "list_tables",
)


@pytest.fixture(autouse=True)
def rows(api: Api, fleet: Fleet) -> None:
    fleet.run(alpha=[bad()])


def assert_unavailable(reply: Reply) -> None:
    assert reply.status == 503
    assert reply.headers["content-type"] == "application/problem+json"
    assert int(reply.headers["retry-after"]) >= 1
    assert not {"applications", "runs", "history", "results", "tables"} & reply.json.keys()


async def test_an_unreachable_workspace_is_503_everywhere(api: Api, sandbox: Sandbox) -> None:
    with sandbox.offline(Service.LOG_ANALYTICS):
        for path in PATHS:
            assert_unavailable(await api.get(path))
        assert_unavailable(await api.query({"query": "print 1"}))


@pytest.mark.parametrize(
    "effect",
    [
        Status(500),
        Status(502),
        Status(503),
        Status(403, code="InsufficientAccessError"),
        Status(401),
        Status(404, code="WorkspaceNotFoundError"),
        Dropped(),
        CutHalfWay(),
        TruncatedJson(),
        html(),
        html(403),
        html(404),
        html(407),
        Body(b"", status=414),
        Body(b"{}"),
        Body(b'{"tables": []}'),
        Body(b'{"tables": [{"columns": [{"name": "a", "type": "int"}], "rows": [[1, 2]]}]}'),
        Body(b'{"tables": [{"columns": [{"name": "a", "type": "int"}], "rows": [[1]]}]}'),
        Body(b'{"tables": [{"columns": [{"name": "a", "type": "int"}], "rows": []}]}'),
    ],
    ids=str,
)
async def test_every_failure_is_503(api: Api, sandbox: Sandbox, effect: Effect) -> None:
    sandbox.faults.add(LogQuery(), effect)

    for path in PATHS[:5]:
        assert_unavailable(await api.get(path))


@pytest.mark.parametrize(("said", "instead"), [(b"-", b"?"), (b"Run_id", b"Run_ld"), (b"Application_id", b"Id")])
async def test_a_damaged_answer_about_the_fleet_is_none(
    api: Api, sandbox: Sandbox, said: bytes, instead: bytes
) -> None:
    sandbox.faults.add(LogQuery(), Rewritten(lambda body: body.replace(said, instead)))

    assert_unavailable(await api.get("compliance"))


async def test_half_an_answer_about_the_fleet_is_none(api: Api, sandbox: Sandbox) -> None:
    table = {
        "columns": [{"name": "Run_id", "type": "string"}, {"name": "TimeGenerated", "type": "datetime"}],
        "rows": [],
    }
    body = {"tables": [table], "error": {"code": "PartialError", "message": "Too much."}}
    sandbox.faults.add(LogQuery(), Body(json.dumps(body).encode()))

    assert_unavailable(await api.get("compliance"))


async def test_the_workspace_s_own_wish_is_passed_on(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(LogQuery(), Status(429, retry_after=120))

    reply = await api.get("compliance")

    assert_unavailable(reply)
    assert reply.headers["retry-after"] == "120"


async def test_a_closed_workspace_is_explained(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(LogQuery(), Status(403, code="InsufficientAccessError"))

    assert "closed to public networks" in (await api.get("compliance")).json["detail"]


async def test_one_hiccup_is_not_shown_to_anybody(api: Api, sandbox: Sandbox) -> None:
    fault = sandbox.faults.add(LogQuery(), Status(503), times=1)

    assert (await api.get("compliance")).status == 200
    assert fault.played == 1


async def test_without_a_token_there_is_no_data(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(IdentityTokenRequest(), Status(400))

    assert_unavailable(await api.get("compliance"))


async def test_a_failure_is_not_kept(api: Api, sandbox: Sandbox) -> None:
    fault = sandbox.faults.add(LogQuery(), Status(403))
    assert_unavailable(await api.get("compliance"))

    sandbox.faults.remove(fault)

    assert (await api.get("compliance")).status == 200


@pytest.mark.parametrize("name", ["API_CLIENT_ID", "LOG_ANALYTICS_WORKSPACE_ID", "AZURE_TENANT_ID"])
async def test_a_missing_setting_is_named_in_the_log_and_not_to_the_caller(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    monkeypatch.delenv(name)

    with caplog.at_level(logging.ERROR):
        reply = await api.get("compliance")

    assert reply.status == 500
    assert name in caplog.text
    assert name not in reply.body.decode()


async def test_no_failure_tells_about_the_inside(api: Api, sandbox: Sandbox, environment: dict[str, str]) -> None:
    secrets: list[Callable[[], Any]] = [
        lambda: sandbox.url(Service.LOG_ANALYTICS),
        lambda: environment["IDENTITY_HEADER"],
        lambda: environment["LOG_ANALYTICS_WORKSPACE_ID"],
    ]
    with sandbox.offline(Service.LOG_ANALYTICS):
        body = (await api.get("compliance")).body.decode()

    assert "Traceback" not in body
    assert not [secret() for secret in secrets if secret().removeprefix("https://") in body]
