"""How much a query over HTTP may ask for: rows, bytes, seconds, and how many queries at once."""

import asyncio
import json
from typing import Any

import pytest

from sandbox.faults.effects import Body, Status
from sandbox.faults.operations import LogQuery
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.compliance_api.conftest import QUERY, Api, principal

RUNS = "PolicyCollectionRuns_CL"

pytestmark = pytest.mark.usefixtures("two_runs")


async def test_more_rows_than_allowed_are_a_partial_answer(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUERY_MAX_ROWS", "5")

    reply = await api.query({"query": "PolicyComplianceStates_CL"})

    assert reply.status == 206
    assert (reply.json["status"], reply.json["row_count"], len(reply.json["results"])) == ("partial", 5, 5)
    assert reply.json["error"] == "Only the first 5 of 20 rows are here."


def answer_of(*rows: list[Any], **more: Any) -> Body:
    table = {"name": "PrimaryResult", "columns": [{"name": "x", "type": "string"}], "rows": rows}
    return Body(json.dumps({"tables": [table], **more}).encode())


async def test_more_bytes_than_allowed_are_a_partial_answer(
    api: Api, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUERY_MAX_MEGABYTES", "1")
    sandbox.faults.add(LogQuery(), answer_of(*[["x" * 30_000]] * 50))

    reply = await api.query({"query": "T"})

    assert (reply.status, reply.json["status"], reply.json["row_count"]) == (206, "partial", 33)
    assert reply.json["error"] == "Only the first 33 of 50 rows are here: the answer would be too large."
    assert len(reply.body) < 1_010_000


async def test_an_answer_that_is_far_too_long_is_not_read_to_its_end(
    api: Api, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUERY_MAX_MEGABYTES", "1")
    sandbox.faults.add(LogQuery(), answer_of(*[["x" * 30_000]] * 200))

    reply = await api.query({"query": "T"})

    assert (reply.status, reply.json["field"]) == (400, "query")
    assert "too large" in reply.json["detail"]


async def test_part_of_an_answer_is_called_that(api: Api, sandbox: Sandbox) -> None:
    details = [{"code": "EngineError", "message": "The results of this query exceed the set limit of 64000000 bytes."}]
    error = {
        "code": "PartialError",
        "message": "There were some errors when processing your query.",
        "details": details,
    }
    sandbox.faults.add(LogQuery(), answer_of(["1"], error=error))

    for reply in (await api.query({"query": "T"}), await api.get("saved_queries/applications")):
        assert (reply.status, reply.json["status"], reply.json["results"]) == (206, "partial", [{"x": "1"}])
        assert "exceed the set limit" in reply.json["error"]


async def test_a_caller_has_two_queries_at_once_and_the_last_place_is_for_somebody_without_any(api: Api) -> None:
    people = [principal(QUERY, oid=f"00000000-0000-4000-8000-0000000000{number:02}") for number in range(4)]
    for person in people:
        del person["X-MS-CLIENT-PRINCIPAL-ID"]
    order = [0, 0, 0, 1, 1, 2, 3]

    replies = await asyncio.gather(
        *(api.query({"query": f"print x = {place}"}, caller=people[who]) for place, who in enumerate(order))
    )

    assert [reply.status for reply in replies] == [200, 200, 429, 200, 429, 200, 429]
    assert {reply.headers["retry-after"] for reply in replies if reply.status == 429} == {"5"}
    assert "of yours" in replies[2].json["detail"]
    assert (await api.query({"query": "print 1"})).status == 200


async def test_a_query_that_takes_too_long_is_told(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(LogQuery(), Status(504, code="GatewayTimeout"))

    reply = await api.query({"query": RUNS})

    assert (reply.status, reply.json["field"]) == (504, "query")
    assert "50 seconds" in reply.json["detail"]


async def test_the_workspace_is_told_how_long_a_query_may_take(
    api: Api, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUERY_MAX_SECONDS", "7")

    await api.query({"query": RUNS})

    # Ours about the latest run is asked before it, with a time of its own.
    asked = [request.headers["prefer"] for request in sandbox.requests.of(Service.LOG_ANALYTICS)]
    assert asked.count("wait=7") == 1
