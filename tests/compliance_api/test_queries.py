"""Queries over HTTP: the published sample's callers, refusals, and what an engine says about bad KQL."""

import logging
from typing import Any

import pytest

from sandbox.faults.effects import Status
from sandbox.faults.operations import LogQuery
from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import Api

RUNS = "PolicyCollectionRuns_CL"


pytestmark = pytest.mark.usefixtures("two_runs")


async def test_a_query_is_answered_as_the_published_sample_answers_it(api: Api) -> None:
    reply = await api.query({"query": f"{RUNS} | project Run_id, Applications", "timespan": "P7D"})

    assert reply.status == 200
    assert {name: reply.json[name] for name in ("status", "row_count", "results")} == {
        "status": "success",
        "row_count": 2,
        "results": [{"Run_id": "run-1", "Applications": 1}, {"Run_id": "run-2", "Applications": 1}],
    }
    assert reply.json["columns"] == [{"name": "Run_id", "type": "string"}, {"name": "Applications", "type": "int"}]


async def test_a_query_without_a_time_span_looks_back_an_hour(api: Api) -> None:
    assert (await api.query({"query": f"{RUNS} | project Run_id"})).json["results"] == [{"Run_id": "run-2"}]


async def test_the_tables_are_listed_as_the_published_sample_lists_them(api: Api) -> None:
    told = (await api.get("list_tables")).json

    assert told["status"] == "success"
    assert told["table_count"] == len(told["tables"]) == 4
    assert {"name": RUNS, "row_count_24h": 1} in told["tables"]


@pytest.mark.parametrize("timespan", ["PT1H", "pt24h", "P1D", "P60D", "P93D", "24h", "7d", "90m", "P1M", "P2M", "p1m1d", "P1DT2H", "PT90M", "P2W", "2026-03-09/P2D",
                                      "2026-03-09T00:00:00Z/2026-03-10T12:00:00Z", "P2D/2026-03-10"])  # fmt: skip
async def test_time_spans_are_iso_8601(api: Api, timespan: str) -> None:
    assert (await api.query({"query": RUNS, "timespan": timespan})).status == 200


@pytest.mark.parametrize(
    "timespan",
    ["P94D", "P4M", "P99999D", "2020-01-01/2026-01-01", "1H", "24", "24M", "-1h", "0h", "P", "PT", "P1Y", "PT0S", "P1D/P1D", "2026-03-10/2026-03-09", 24,
     ["P1D"], "P1D" * 50, "/", "P1D/", "9999-12-31/P90D", "P93D/0001-01-02", "0001-01-01T00:00:00+14:00/P1D", "9999-12-31T23:59:59-14:00/P1D", "1999-12-31/P1D"],
)  # fmt: skip
async def test_a_bad_time_span_is_refused(api: Api, timespan: Any) -> None:
    reply = await api.query({"query": RUNS, "timespan": timespan})

    assert (reply.status, reply.json["field"]) == (400, "timespan")


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (b"{", 400, "body"),
        (b"\xff", 400, "body"),
        ([], 400, "body"),
        ({}, 400, "query"),
        ({"query": ""}, 400, "query"),
        ({"query": "  "}, 400, "query"),
        ({"query": 1}, 400, "query"),
        ({"query": "x" * 33_000}, 400, "query"),
        ({"query": "x" * 140_000}, 413, None),
    ],
)
async def test_a_bad_body_is_refused(api: Api, content: Any, status: int, field: str | None) -> None:
    reply = await api.query(content)

    assert (reply.status, reply.json.get("field")) == (status, field)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_what_a_form_can_send_is_no_query(api: Api, media_type: str) -> None:
    assert (await api.query({"query": "print 1"}, media_type=media_type)).status == 415


@pytest.mark.parametrize(
    "query",
    [
        ".drop table PolicyCollectionRuns_CL",
        "  .show tables",
        "// harmless\n.set-or-append T <| print 1",
        "print 1; .show tables",
        "workspace('other').Heartbeat",
        'WorkSpace ( "other" ).Heartbeat',
        "workspace // comment\n('other').Heartbeat",
        "union Heartbeat, app('other').requests",
        "cluster('help').database('Samples').StormEvents",
        "alias database d = cluster('help').database('Samples'); d.StormEvents",
        "arg('').Resources",
        "adx('https://x/db').T",
        "resource('/subscriptions/x').T",
        "external_table('x')",
        "externaldata(a: string)['https://evil.example/x.csv']",
        "externaldata (a: string) [h@'https://evil.example/x.csv']",
        "T | evaluate http_request('https://evil.example')",
        "evaluate hint.distribution = per_node http_request_post('https://evil.example')",
        "T | evaluate python(typeof(*), 'x')",
        "T | evaluate sql_request('x', 'y')",
        "T | evaluate",
        'print "a\\""; workspace("x").T',
        "print @'\\'; workspace('x').T",
        "print ```\"``` | union workspace('x').T",
        "['workspace']('x').T",
    ],
)
async def test_a_query_that_leaves_the_workspace_is_refused_before_it_is_asked(
    api: Api, sandbox: Sandbox, query: str
) -> None:
    fault = sandbox.faults.add(LogQuery(), Status(500))

    reply = await api.query({"query": query})

    assert (reply.status, reply.json["field"]) == (400, "query")
    assert fault.seen == 0


@pytest.mark.parametrize(
    "query",
    [
        f"{RUNS} | where Trigger != 'workspace(\"x\")' // cluster('y')",
        f"{RUNS} | extend app = 'x' | where app in ('x')",
        "print resource = 1, database = 2",
        "print x = '.drop table'",
    ],
)
async def test_words_that_only_look_dangerous_are_no_reason(api: Api, query: str) -> None:
    assert (await api.query({"query": query})).status == 200


@pytest.mark.parametrize(
    ("query", "place"),
    [(f"{RUNS} | wher Applications > 1", (1, 25)), (f"{RUNS}\n| where Run_id == 'x", (2, 19)), (f"{RUNS} | where Nothing == 1", None)],
)  # fmt: skip
async def test_bad_kql_gets_the_engine_s_message_and_position(
    api: Api, query: str, place: tuple[int, int] | None
) -> None:
    reply = await api.query({"query": query})

    assert (reply.status, reply.json["field"]) == (400, "query")
    assert reply.json["engine"]["message"]
    assert reply.json["error"] == reply.json["detail"]
    if place:
        assert (reply.json["engine"]["line"], reply.json["engine"]["position"]) == place


@pytest.mark.parametrize(
    ("timespan", "asked"),
    [("24h", "PT24H"), ("P1M", "P31D"), ("2026-03-01/P1M", "2026-03-01T00:00:00Z/2026-04-01T00:00:00Z")],
)
async def test_a_time_span_is_passed_on_as_every_version_of_the_workspace_understands_it(
    api: Api, timespan: str, asked: str
) -> None:
    assert (await api.query({"query": RUNS, "timespan": timespan})).json["timespan"] == asked


@pytest.mark.parametrize("member", ["limit", "Query", "", "workspace"])
async def test_an_unknown_member_of_the_body_is_refused_by_its_name(api: Api, member: str) -> None:
    reply = await api.query({"query": RUNS, member: 1})

    assert reply.status == 400
    assert (reply.json.get("field") or "") == member
    assert "query, timespan" in reply.json["detail"]


async def test_saved_queries_are_there_for_every_reader(api: Api) -> None:
    listed = (await api.get("saved_queries")).json["queries"]
    reply = await api.get("saved_queries/fleet_summary")

    assert {"fleet_summary", "applications", "application_noncompliant"} <= {one["name"] for one in listed}
    assert all(one["description"] for one in listed)
    assert reply.json["results"][0]["Applications"] == 1


@pytest.mark.parametrize("name", ["nothing", "..\\README", "..", "fleet_summary.kql", "FLEET_SUMMARY", " "])
async def test_an_unknown_saved_query_is_not_found(api: Api, name: str) -> None:
    reply = await api.get(f"saved_queries/{name}")

    assert (reply.status, reply.json["field"]) == (404, "name")


async def test_a_query_is_logged_with_who_asked_and_without_what(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="compliance_api"):
        await api.query({"query": "print secret = 'hush'"})

    assert "1 rows" in caplog.text
    assert "hush" not in caplog.text
