"""Who asked the API for what: a row for each request, before the answer goes out, and what a row never has."""

import hashlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from compliance_api.trail import keeper
from sandbox.azure.identity.directory import AGENT, API_AUDIENCE, API_CLIENT_ID, OPERATOR
from sandbox.azure.site import Site
from sandbox.faults.effects import Slow, Status
from sandbox.faults.operations import LogQuery, Upload
from sandbox.functions.easy_auth import QUERY, READ, SETTINGS, EasyAuth
from sandbox.functions.process import FunctionsProcess, send
from sandbox.local_azure import Sandbox
from sandbox.roles import AUDIT_TABLE
from tests.compliance_api.agents.messages import post
from tests.compliance_api.conftest import OBJECT_ID, QUERIER, READER, Api, principal
from tests.queries.fleet import NOW, Fleet, application_id, bad, good

STREAM = f"Custom-{AUDIT_TABLE}"
ALPHA = application_id("alpha")
OF_ALPHA = f"compliance/applications{ALPHA}"
PERSON = principal("Compliance.Read", appid=None, aud=API_CLIENT_ID, preferred_username="ada@publisher.example")

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def fleet_of_two(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=0.5, alpha=[bad()], beta=[good()])


def trail(sandbox: Sandbox) -> list[Row]:
    """The rows of the audit table, as they came in."""
    return sandbox.workspace.query(f"{AUDIT_TABLE} | order by Duration_ms asc")


def only(sandbox: Sandbox) -> Row:
    [row] = trail(sandbox)
    return row


def told(row: Row, **columns: Any) -> Row:
    """These columns of a row."""
    return {name: row[name] for name in columns}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


async def test_a_request_is_told_with_who_asked_and_what_became_of_it(api: Api, sandbox: Sandbox) -> None:
    trace = "01234567-89ab-4cde-8f01-23456789abcd"
    reply = await api.get("compliance/applications", caller=READER | {"x-ms-client-request-id": trace})

    assert reply.status == 200
    expected = {
        "TimeGenerated": NOW,
        "Writer": "api",
        "Kind": "request",
        "Actor_id": OBJECT_ID,
        "Actor_name": "",
        "Actor_kind": "application",
        "Client_id": AGENT.client_id,
        "Route": "/compliance/applications",
        "Operation": "listApplications",
        "Method": "GET",
        "Status": 200,
        "Outcome": "answered",
        "Reason": "",
        "Application_id": "",
        "Is_fleet_wide": True,
        "Query_hash": "",
        "Rows": 2,
        "Correlation_id": trace,
        "Command": "",
        "Exit_status": None,
    }
    row = only(sandbox)
    assert told(row, **expected) == expected
    assert row["Duration_ms"] >= 0


async def test_a_person_on_the_page_has_a_name(api: Api, sandbox: Sandbox) -> None:
    await api.get("compliance", caller=PERSON)

    expected = {"Actor_kind": "user", "Actor_name": "ada@publisher.example", "Client_id": API_CLIENT_ID}
    assert told(only(sandbox), **expected) == expected


@pytest.mark.parametrize(
    "path", [OF_ALPHA, f"{OF_ALPHA}/history", f"{OF_ALPHA}/report", f"compliance/applications{ALPHA.upper()}"]
)
async def test_who_asks_about_one_application_is_found_by_it(api: Api, sandbox: Sandbox, path: str) -> None:
    assert (await api.get(path)).status == 200

    row = only(sandbox)
    assert (row["Application_id"].lower(), row["Is_fleet_wide"]) == (ALPHA.lower(), False)
    assert "{id}" in row["Route"]


async def test_a_file_for_spreadsheets_is_counted_by_its_lines(api: Api, sandbox: Sandbox) -> None:
    await api.get("compliance/applications", format="csv")

    assert told(only(sandbox), Rows=2, Is_fleet_wide=True) == {"Rows": 2, "Is_fleet_wide": True}


async def test_of_a_callers_query_the_hash_is_stored_and_never_the_text(
    api: Api, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    query = 'PolicyVerdicts_CL | where Customer_name == "Fabrikam the secret customer" | summarize N = count()'
    assert (await api.query({"query": query})).status == 200
    assert (await api.query({"query": f"{query} |"})).status == 400
    assert (await api.query({"query": query}, caller=READER)).status == 403

    rows = trail(sandbox)
    hashes = {row["Query_hash"] for row in rows if row["Status"] != 400}
    assert hashes == {hashlib.sha256(query.encode()).hexdigest()}
    assert {row["Status"]: row["Outcome"] for row in rows} == {200: "answered", 400: "refused", 403: "refused"}
    assert "Fabrikam" not in json.dumps(rows, default=str)


async def test_each_call_of_a_tool_is_a_row_of_its_own(api: Api, sandbox: Sandbox) -> None:
    query = {"query": "PolicyCollectionRuns_CL"}
    for message, caller in (
        (call("getApplication", id=ALPHA), QUERIER),
        (call("queryLogs", **query), QUERIER),
        (call("queryLogs", **query), READER),
        (call("getFleet", colour="blue"), QUERIER),
    ):
        assert (await post(api, message, caller)).status == 200

    rows = [row for row in trail(sandbox) if row["Operation"] != "callTools"]
    found = sorted((row["Operation"], row["Status"], bool(row["Application_id"]), row["Is_fleet_wide"]) for row in rows)
    assert found == [
        ("getApplication", 200, True, False),
        ("getFleet", 400, False, False),
        ("queryLogs", 200, False, True),
        ("queryLogs", 403, False, False),
    ]
    assert {row["Route"] for row in rows} == {"/mcp"}
    [asked] = {row["Query_hash"] for row in rows if row["Operation"] == "queryLogs"}
    assert asked == hashlib.sha256(query["query"].encode()).hexdigest()
    pairs = [row["Correlation_id"] for row in trail(sandbox)]
    assert sorted(pairs.count(one) for one in set(pairs)) == [2, 2, 2, 2], "the request, and the call in it"


async def test_whoever_is_refused_is_told_as_far_as_the_sign_in_knows_them(api: Api, sandbox: Sandbox) -> None:
    await api.get("compliance", caller=principal())
    await api.get("compliance", caller=principal("Compliance.Read", tid="00000000-0000-4000-8000-0000000000bb"))
    await api.get("nowhere/at/all")
    await api.get("compliance/applications", status="unhappy")
    await api.get("dashboard/nothing.js", caller=PERSON)

    rows = trail(sandbox)
    assert sorted((row["Status"], row["Actor_id"], row["Route"]) for row in rows) == [
        (400, OBJECT_ID, "/compliance/applications"),
        (403, OBJECT_ID, "/compliance"),
        (403, OBJECT_ID, "/compliance"),
        (404, OBJECT_ID, ""),
        (404, OBJECT_ID, "/dashboard"),
    ]
    assert {row["Outcome"] for row in rows} == {"refused"}
    assert all(row["Reason"] for row in rows)
    assert "nowhere" not in json.dumps(rows, default=str)


async def test_forged_headers_pin_nothing_on_anybody(
    api: Api, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.get("compliance", caller=READER | {"X-MS-CLIENT-PRINCIPAL-ID": OPERATOR.object_id})
    await api.get("compliance", caller={"X-MS-CLIENT-PRINCIPAL": "no principal at all"})
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED")
    await api.get("compliance", caller=READER | {"Client-IP": "203.0.113.1"})

    rows = trail(sandbox)
    assert sorted(row["Status"] for row in rows) == [401, 401, 503]
    assert {row["Actor_id"] + row["Client_id"] + row["Actor_name"] + row["Address"] for row in rows} == {""}
    assert {row["Actor_kind"] for row in rows} == {"unknown"}


async def test_files_of_the_page_have_no_row_and_everything_else_has(api: Api, sandbox: Sandbox) -> None:
    for path in ("dashboard", "dashboard/app.js"):
        assert (await api.get(path, caller=PERSON)).status == 200
    assert trail(sandbox) == []

    for path in ("openapi.json", "saved_queries", "list_tables", "metrics", "saved_queries/latest_run"):
        assert (await api.get(path)).status in {200, 404}
    await post(api, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert len(trail(sandbox)) == 6


async def test_what_is_not_modified_since_is_told_too(api: Api, sandbox: Sandbox) -> None:
    tag = (await api.get("compliance")).headers["etag"]
    assert (await api.get("compliance", caller=READER | {"If-None-Match": tag})).status == 304

    assert sorted(row["Status"] for row in trail(sandbox)) == [200, 304]


async def test_a_workspace_that_fails_is_told(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(LogQuery(), Status(403), times=None)

    assert (await api.get("compliance")).status == 503
    expected = {"Status": 503, "Outcome": "failed", "Is_fleet_wide": False, "Rows": None}
    assert told(only(sandbox), **expected) == expected


@pytest.mark.parametrize("path", ["compliance", OF_ALPHA, "compliance%2Fapplications", "openapi.json", "list_tables"])
async def test_nobody_gets_data_without_a_row(
    api: Api, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    sandbox.audit_rule.authorized_object_ids.clear()

    reply = await api.get(path)

    assert (reply.status, reply.headers["retry-after"]) == (503, "30")
    assert "audit row" in reply.json["detail"]
    assert b"alpha" not in reply.body
    [line] = [record.getMessage() for record in caplog.records if "audit row not stored" in record.getMessage()]
    row = json.loads(line.partition("): ")[2])
    assert (row["Status"], row["Outcome"], row["Actor_id"]) == (503, "failed", OBJECT_ID)
    assert trail(sandbox) == []


async def test_a_call_of_a_tool_is_not_answered_without_its_row_either(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Upload(STREAM), Status(503), times=None)

    reply = await post(api, call("getFleet"))

    assert (reply.status, b"structuredContent" in reply.body) == (503, False)


async def test_who_is_refused_is_refused_all_the_same_and_the_page_opens(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Upload(STREAM), Status(503), times=None)

    assert (await api.get("compliance", caller=principal())).status == 403
    assert (await api.get("dashboard", caller=PERSON)).status == 200


async def test_an_endpoint_that_does_not_answer_does_not_hang_the_page(
    api: Api, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "SECONDS", 0.3)
    sandbox.faults.add(Upload(STREAM), Slow(20), times=None)

    assert (await api.get("compliance")).status == 503


async def test_a_setting_of_the_trail_that_is_missing_is_named(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AUDIT_IMMUTABLE_ID")

    assert (await api.get("compliance")).status == 500
    assert "AUDIT_IMMUTABLE_ID: is not set" in caplog.text


@pytest.mark.parametrize(
    "query", [AUDIT_TABLE, f"union PolicyCollectionRuns_CL, {AUDIT_TABLE}", f"let T = {AUDIT_TABLE}; T | count"]
)
async def test_the_trail_is_not_read_through_the_api(api: Api, sandbox: Sandbox, query: str) -> None:
    await api.get("compliance")

    reply = await api.query({"query": query})
    assert (reply.status, reply.json["field"]) == (400, "query")
    assert reply.json["detail"] == f"{AUDIT_TABLE} is not read through the API."
    everything = await api.query({"query": "union withsource=T Managed* | distinct T"})
    assert AUDIT_TABLE not in everything.body.decode()
    assert AUDIT_TABLE not in (await api.get("list_tables")).body.decode()


async def test_also_by_another_spelling_the_rights_of_the_api_hide_it(api: Api, sandbox: Sandbox) -> None:
    await api.get("compliance")

    assert (await api.query({"query": f"['{AUDIT_TABLE}'] | count"})).status == 503
    assert trail(sandbox), "an operator sees it"


@pytest.fixture
def door(sandbox: Sandbox, environment: dict[str, str]) -> Iterator[tuple[str, EasyAuth]]:
    """The api as a process of its own, behind the platform's sign-in."""
    sandbox.clock.reset()
    with FunctionsProcess({**environment, **SETTINGS}) as host:
        sign_in = EasyAuth(sandbox.directory.issuer, host.url)
        with Site(sign_in.add_routes) as site:
            yield site.url, sign_in


def test_through_the_sign_in_a_row_names_who_it_was_and_from_where(
    sandbox: Sandbox, door: tuple[str, EasyAuth]
) -> None:
    url, sign_in = door
    bearer = {"Authorization": f"Bearer {sandbox.directory.issuer.issue(AGENT, API_AUDIENCE, 600)}"}
    forged = {
        "X-MS-CLIENT-PRINCIPAL-ID": OBJECT_ID,
        "X-MS-CLIENT-PRINCIPAL-NAME": "mallory",
        "Client-IP": "203.0.113.1",
    }

    sign_in.app_roles[AGENT.object_id] = (READ, QUERY)
    assert send(url, "GET", "/api/list_tables", headers=bearer | forged).status == 200
    sign_in.app_roles[AGENT.object_id] = ()
    assert send(url, "GET", "/api/compliance", headers=bearer | forged).status == 403
    assert send(url, "GET", "/api/compliance", headers=forged).status == 401

    rows = trail(sandbox)
    assert {(row["Status"], row["Actor_id"], row["Address"]) for row in rows} == {
        (200, AGENT.object_id, "127.0.0.1"),
        (403, AGENT.object_id, "127.0.0.1"),
    }, "and whom the platform refuses, no code sees"


async def test_a_row_says_who_wrote_it_whatever_was_sent(api: Api, sandbox: Sandbox) -> None:
    """The rule stamps it: the sandbox does as the template's transformation says."""
    await api.get("compliance")

    assert only(sandbox)["Writer"] == "api"
