"""POST /api/mcp: the API's answers as tools of the Model Context Protocol, with the decisions of the API itself."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from compliance_api.agents.server import INSTRUCTIONS
from compliance_api.agents.tools import HANDLERS, NOT_TOOLS, tools
from compliance_api.audit import report_of_application
from compliance_api.correlation import HEADER
from compliance_api.description import operations
from compliance_api.operations import application, application_or_history
from compliance_api.reports import history_of_application
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.compliance_api.agents.messages import post
from tests.compliance_api.conftest import QUERIER, READER, Api, functions, principal
from tests.queries.fleet import Fleet, application_id, bad, good

DOCUMENT = Path(__file__).parents[3] / "docs" / "agents.md"


@pytest.fixture(autouse=True)
def rows(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=1, alpha=[bad()], beta=[good()], gamma="AccessDenied")


async def asked(api: Api, method: str, params: Any = None, caller: dict[str, str] = READER) -> Any:
    reply = await post(api, {"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}, caller)
    assert reply.status == 200, reply.body
    assert (reply.json["jsonrpc"], reply.json["id"]) == ("2.0", 7)
    return reply.json


async def called(api: Api, name: str, caller: dict[str, str] = READER, /, **arguments: Any) -> Any:
    return (await asked(api, "tools/call", {"name": name, "arguments": arguments}, caller))["result"]


def test_every_operation_is_a_tool_or_is_for_programs() -> None:
    names = {one.id for one in operations()}

    assert names == HANDLERS.keys() | NOT_TOOLS
    assert not HANDLERS.keys() & NOT_TOOLS


def test_a_tool_is_answered_by_what_answers_its_route() -> None:
    sources = {
        name: Path(function.__code__.co_filename).read_text(encoding="utf-8") for _, name, _, function in functions()
    }
    blueprint = next(iter(sources.values()))
    behind_one_route = {application, history_of_application, report_of_application}

    for handler, _ in HANDLERS.values():
        name = (application_or_history if handler in behind_one_route else handler).__name__
        assert re.search(rf"_answered\(req, (?:queries\.)?{name}\b", blueprint)
    assert [name for name, (_, check) in HANDLERS.items() if check.__name__ == "require_querier"] == ["queryLogs"]


async def test_tools_are_listed_to_who_may_call_them(api: Api) -> None:
    reader = {one["name"]: one for one in (await asked(api, "tools/list"))["result"]["tools"]}
    querier = {one["name"] for one in (await asked(api, "tools/list", caller=QUERIER))["result"]["tools"]}

    assert querier == tools().keys()
    assert querier - reader.keys() == {"queryLogs"}
    listing = reader["listApplications"]
    assert listing["description"].startswith("Customers' applications, worst first. Which customers")
    assert listing["inputSchema"]["properties"]["status"]["items"]["enum"] == [
        "noncompliant",
        "unread",
        "not_evaluated",
        "compliant",
    ]
    assert "format" not in listing["inputSchema"]["properties"]
    assert listing["annotations"]["readOnlyHint"] is True
    assert reader["getApplication"]["inputSchema"]["required"] == ["id"]
    assert "$ref" not in json.dumps(list(reader.values()))


async def test_the_answer_of_a_tool_is_that_of_its_address(api: Api) -> None:
    alpha = application_id("alpha")
    cases: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
        ("getFleet", {}, "compliance", {}),
        ("listApplications", {"status": ["noncompliant", "unread"], "page_size": 1, "unread": "count"}, "compliance/applications",
         {"status": "noncompliant,unread", "page_size": 1, "unread": "count"}),
        ("getApplication", {"id": alpha, "fields": "application.name"}, f"compliance/applications{alpha}", {"fields": "application.name"}),
        ("getHistory", {"timespan": None}, "compliance/history", {}),
        ("listRuns", {"limit": 1}, "compliance/runs", {"limit": 1}),
        ("listTables", {}, "list_tables", {}),
        ("listSavedQueries", {}, "saved_queries", {}),
        ("runSavedQuery", {"name": "applications", "only": alpha}, "saved_queries/applications", {"only": alpha}),
    ]  # fmt: skip
    for name, arguments, path, parameters in cases:
        found = await called(api, name, **arguments)
        there = (await api.get(path, **parameters)).json
        assert not found["isError"], found
        assert json.loads(found["content"][0]["text"]) == found["structuredContent"]
        assert _ageless(found["structuredContent"]) == _ageless(there)


def _ageless(content: Any) -> Any:
    return json.loads(re.sub(r'"age_seconds": \d+', '"age_seconds": 0', json.dumps(content)))


async def test_a_query_of_one_s_own_needs_its_role_here_too(api: Api) -> None:
    refused = await called(api, "queryLogs", query="print 1")
    answered = await called(api, "queryLogs", QUERIER, query="print x = 1")
    leaving = await called(api, "queryLogs", QUERIER, query="cluster('x').T")

    assert (refused["isError"], refused["structuredContent"]["status"]) == (True, 403)
    assert answered["structuredContent"]["results"] == [{"x": 1}]
    assert (leaving["isError"], leaving["structuredContent"]["field"]) == (True, "query")


@pytest.mark.parametrize(
    ("caller", "status"),
    [({}, 401), (principal(), 403), (principal("Compliance.Read", tid=None), 403),
     ({**READER, "Origin": "https://evil.example"}, 403), ({**READER, "Sec-Fetch-Site": "cross-site"}, 403)],
)  # fmt: skip
async def test_who_is_refused_at_the_api_is_refused_here(api: Api, caller: dict[str, str], status: int) -> None:
    for method in ("initialize", "tools/list", "tools/call"):
        reply = await post(api, {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": "getFleet"}}, caller)
        assert reply.status == status
        assert b"alpha" not in reply.body


async def test_nothing_is_offered_while_the_sign_in_is_off(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED")

    assert (await post(api, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).status == 503


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"statuses": "x"}, "statuses"), ({"status": "x"}, "status"), ({"page_size": 0}, "page_size"), ({"search": {}}, "search"),
     ({"format": "csv"}, "format"), ({"page_token": "x"}, "page_token"), ({"fields": "secret"}, "fields")],
)  # fmt: skip
async def test_a_bad_argument_is_told_to_the_model_by_its_name(api: Api, arguments: Any, field: str) -> None:
    found = await called(api, "listApplications", **arguments)

    assert (found["isError"], found["structuredContent"]["status"], found["structuredContent"]["field"]) == (
        True,
        400,
        field,
    )


async def test_a_workspace_that_does_not_answer_is_an_error_with_the_time_to_wait(api: Api, sandbox: Sandbox) -> None:
    with sandbox.offline(Service.LOG_ANALYTICS):
        found = await called(api, "getFleet")

    assert (found["isError"], found["structuredContent"]["status"]) == (True, 503)
    assert found["structuredContent"]["retry_after_seconds"] >= 1


async def test_an_application_without_an_id_is_no_list(api: Api) -> None:
    for arguments in ({}, {"id": ""}, {"id": None}):
        found = await called(api, "getApplication", **arguments)
        assert (found["isError"], found["structuredContent"]["field"]) == (True, "id")


async def test_figures_come_as_the_text_that_they_are(api: Api) -> None:
    found = await called(api, "getMetrics")

    assert not found["isError"]
    assert found["content"][0]["text"] == (await api.get("metrics")).body.decode()


async def test_every_tool_takes_its_arguments_by_a_valid_schema(api: Api) -> None:
    for one in (await asked(api, "tools/list", caller=QUERIER))["result"]["tools"]:
        Draft202012Validator.check_schema(one["inputSchema"])
        assert re.fullmatch(r"\w{1,128}", one["name"])


async def test_a_call_is_logged_under_the_id_of_its_answer(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    reply = await post(
        api,
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "queryLogs", "arguments": {"query": "secret"}},
        },
    )

    assert reply.json["result"]["structuredContent"]["correlation_id"] == reply.headers[HEADER]
    assert reply.headers[HEADER] in caplog.text
    assert "secret" not in caplog.text


def test_the_documents_give_a_model_the_same_instructions() -> None:
    quoted = re.findall(r"^> ?(.*)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)

    assert " ".join(quoted) == INSTRUCTIONS
    assert all(f"`{name}`" in DOCUMENT.read_text(encoding="utf-8") for name in HANDLERS)
