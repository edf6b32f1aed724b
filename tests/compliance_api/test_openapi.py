"""The description that agents import: it is valid, complete, and true of every kind of answer."""

import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

from compliance_api import correlation, pages
from compliance_api.description import operations, resolved
from compliance_api.pages import openapi
from compliance_api.selection import VERSION
from compliance_api.workspace import saved_queries
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.compliance_api.conftest import QUERIER, READER, Api, functions
from tests.queries.fleet import Fleet, State, application_id, bad, good
from verdicts.facts import HeldReason
from verdicts.outcome import ENDED_OUTCOMES, Outcome

DESCRIPTION: Any = json.loads((Path(pages.__file__).parent / "openapi.json").read_text(encoding="utf-8"))


@functools.cache
def validator(name: str) -> OAS30Validator:
    schemas = {"components": DESCRIPTION["components"], "$ref": f"#/components/schemas/{name}"}
    return OAS30Validator(schemas)


def problems(content: Any, name: str) -> list[str]:
    return [f"{list(error.path)}: {error.message}" for error in validator(name).iter_errors(content)]


def described(path: str, status: int, method: str = "get") -> str:
    """The name of the schema that the description gives to an answer."""
    response = DESCRIPTION["paths"][path][method]["responses"][str(status)]
    if "$ref" in response:
        response = DESCRIPTION["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    [schema] = [one["schema"] for kind, one in response["content"].items() if kind.endswith("json")]
    whole = schema["anyOf"][0] if "anyOf" in schema else schema
    return str(whole["$ref"].rsplit("/", 1)[1])


def test_the_description_is_valid() -> None:
    validate(DESCRIPTION)


async def test_the_description_is_served(api: Api) -> None:
    assert (await api.get("openapi.json")).json == DESCRIPTION
    assert openapi.__doc__


def test_every_route_is_described_and_nothing_else() -> None:
    routes = {
        (method.lower(), "/" + re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern.pattern.replace("\\", "")))
        for method, name, pattern, _ in functions()
        if name != "any_other_address"
    }
    page = {("get", "/dashboard"), ("get", "/dashboard/{file}")}
    in_another = {("get", "/compliance/applications/{id}/history"), ("get", "/compliance/applications/{id}/report")}

    assert {
        (method, path) for path, one in DESCRIPTION["paths"].items() for method in one
    } == routes - page | in_another


def test_every_operation_has_a_name_of_its_own_and_says_whom_it_answers() -> None:
    operations = [operation for path in DESCRIPTION["paths"].values() for operation in path.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all({"401", "403", "503"} <= operation["responses"].keys() for operation in operations)


OPERATIONS = {one.id: one for one in operations()}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_answers_and_when_to_use_it(name: str) -> None:
    content = OPERATIONS[name].content

    assert 5 < len(content["summary"]) < 80
    assert not content["summary"].endswith(".")
    assert len(content["description"]) > 100
    assert re.search(r"Ask (this|runSavedQuery)|For a|For ed", content["description"])
    assert re.search(r"Needs the app role Compliance\.(Read|Query)\.$", content["description"])
    [answer] = content["responses"]["200"]["content"].keys() - {"text/csv"}
    assert "example" in content["responses"]["200"]["content"][answer]
    assert all(one["description"] and "schema" in one for one in OPERATIONS[name].parameters.values())


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_has_an_example_a_default_or_its_values(name: str) -> None:
    for parameter in OPERATIONS[name].parameters.values():
        schema = parameter["schema"]
        assert "example" in parameter or {"default", "enum"} & schema.keys() or parameter["name"] == "page_token"


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_example_is_as_described(name: str) -> None:
    for response in OPERATIONS[name].content["responses"].values():
        for kind, content in response.get("content", {}).items():
            schema = content["schema"].get("anyOf", [content["schema"]])[0]
            if kind == "application/json" and "$ref" in schema and "example" in content:
                assert problems(content["example"], schema["$ref"].rsplit("/", 1)[1]) == []


def test_the_queries_in_an_example_are_those_that_are_answered() -> None:
    example = DESCRIPTION["paths"]["/compliance/applications/{id}/report"]["get"]["responses"]["200"]["content"]
    report = example["application/json"]["example"]
    for one in report["evidence"]:
        assert one["kql"] == saved_queries.text_for(one["name"], report["application"]["id"]), one["name"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_tells_its_headers_and_how_long_to_wait(name: str) -> None:
    responses = {code: resolved(one) for code, one in OPERATIONS[name].content["responses"].items()}

    assert "400" in responses
    assert all(correlation.HEADER in one["headers"] for one in responses.values())
    for code in {"429", "503"} & responses.keys():
        assert "Retry-After" in responses[code]["headers"]
    if OPERATIONS[name].method == "GET":
        assert "304" in responses
        assert "ETag" in responses["200"]["headers"]


def test_the_version_in_the_description_is_the_one_that_requests_may_name() -> None:
    assert DESCRIPTION["info"]["version"] == VERSION
    assert DESCRIPTION["components"]["parameters"]["ApiVersion"]["schema"]["enum"] == [VERSION]
    assert all("api-version" in one.parameters for one in operations())


def test_enumerations_are_those_of_the_code() -> None:
    schemas = DESCRIPTION["components"]["schemas"]

    assert set(schemas["Held"]["properties"]["reason"]["enum"]) == {reason.value for reason in HeldReason}
    outcomes = set(schemas["Application"]["properties"]["reading"]["properties"]["outcome"]["enum"])
    assert outcomes == {"", *(one.value for one in Outcome if one not in ENDED_OUTCOMES)}


@pytest.fixture
def rows(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=2, alpha=[bad(), good("x")], lost=[good()], gamma="Failed")
    fleet.run(
        hours_ago=1, registered=5, alpha=[bad(), State("Unknown", "y")], beta="AccessDenied", delta=[], gamma="Failed"
    )


ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    ("/compliance", "compliance", {}),
    ("/compliance/applications", "compliance/applications", {"page_size": 2}),
    ("/compliance/applications", "compliance/applications", {}),
    ("/compliance/applications/{id}", f"compliance/applications{application_id('alpha')}", {}),
    ("/compliance/applications/{id}", f"compliance/applications{application_id('beta')}", {}),
    ("/compliance/applications/{id}/history", f"compliance/applications{application_id('gamma')}/history", {}),
    ("/compliance/applications/{id}/history", f"compliance/applications{application_id('nobody')}/history", {}),
    ("/compliance/applications/{id}/report", f"compliance/applications{application_id('alpha')}/report", {}),
    ("/compliance/applications/{id}/report", f"compliance/applications{application_id('gamma')}/report", {}),
    ("/compliance/applications/{id}/report", f"compliance/applications{application_id('nobody')}/report", {}),
    ("/compliance/resolved", "compliance/resolved", {}),
    ("/compliance/resolved", "compliance/resolved", {"timespan": "P31D"}),
    ("/compliance/findings", "compliance/findings", {}),
    ("/compliance/findings", "compliance/findings", {"page_size": 1, "kind": "noncompliant"}),
    ("/compliance/findings", "compliance/findings", {"severity": "high"}),
    ("/compliance/plans", "compliance/plans", {}),
    ("/compliance/exemptions", "compliance/exemptions", {}),
    ("/compliance/history", "compliance/history", {}),
    ("/compliance/runs", "compliance/runs", {}),
    ("/list_tables", "list_tables", {}),
    ("/saved_queries", "saved_queries", {}),
    ("/saved_queries/{name}", "saved_queries/applications", {}),
    ("/compliance/applications", "compliance/applications", {"sort": "x"}),
    ("/compliance/applications/{id}", "compliance/applications/nobody", {}),
    ("/saved_queries/{name}", "saved_queries/nothing", {}),
    ("/compliance", "compliance", {"x": "y"}),
]


async def test_every_answer_is_as_described(api: Api, rows: None) -> None:
    for path, address, parameters in ANSWERS:
        reply = await api.get(address, **parameters)
        assert problems(reply.json, described(path, reply.status)) == [], (address, reply.status)


async def test_an_answer_with_selected_members_is_as_described(api: Api, rows: None) -> None:
    for name, one in OPERATIONS.items():
        if "fields" in one.parameters:
            address = one.path[1:].replace("/{id}", application_id("alpha"))
            reply = await api.get(address, fields="state", unread="count")
            schemas = {
                "components": DESCRIPTION["components"],
                **one.content["responses"]["200"]["content"]["application/json"]["schema"],
            }
            assert reply.status == 200, (name, reply.body)
            assert [*OAS30Validator(schemas).iter_errors(reply.json)] == [], name


async def test_an_address_or_a_method_that_there_is_not_is_refused_as_a_problem(api: Api) -> None:
    for method, address, status, allowed in (
        ("GET", "nothing", 404, None),
        ("GET", "", 404, None),
        ("POST", "compliance/nothing/below", 404, None),
        ("PUT", "compliance", 405, "GET"),
        ("HEAD", f"compliance/applications{application_id('alpha')}/history", 405, "GET"),
        ("GET", "query_logs", 405, "POST"),
        ("OPTIONS", "Saved_Queries/applications", 405, "GET"),
    ):
        reply = await api.send(method, address, READER, {})
        assert (reply.status, reply.headers.get("allow")) == (status, allowed), address
        assert problems(reply.json, "Problem") == []
        assert reply.headers[correlation.HEADER] == reply.json["correlation_id"]
    assert (await api.send("GET", "nothing", {}, {})).status == 401


async def test_an_id_may_have_its_leading_slash(api: Api, rows: None) -> None:
    for address in (
        f"compliance/applications/{application_id('alpha')}",
        f"Compliance/Applications//{application_id('alpha')}/history",
    ):
        found = await api.get(address, fields="application.name")
        assert (found.status, found.json["application"]) == (200, {"name": "alpha"})


async def test_an_empty_workspace_is_answered_as_described(api: Api) -> None:
    for path, address, parameters in ANSWERS:
        reply = await api.get(address, **parameters)
        assert problems(reply.json, described(path, reply.status)) == [], (address, reply.status)


@pytest.mark.parametrize(
    ("content", "status"),
    [({"query": "PolicyCollectionRuns_CL"}, 200), ({"query": "T |"}, 400), ({"query": ".show"}, 400), (b"", 400)],
)
async def test_answers_to_queries_are_as_described(api: Api, rows: None, content: Any, status: int) -> None:
    reply = await api.query(content)

    assert reply.status == status
    assert problems(reply.json, described("/query_logs", status, "post")) == []


async def test_refusals_are_as_described(api: Api, sandbox: Sandbox) -> None:
    replies = [
        await api.get("compliance", caller={}),
        await api.query({"query": "print 1"}, caller={**QUERIER, "Origin": "null"}),
    ]
    with sandbox.offline(Service.LOG_ANALYTICS):
        replies.append(await api.get("compliance"))

    assert [reply.status for reply in replies] == [401, 403, 503]
    assert all(problems(reply.json, described("/compliance", reply.status)) == [] for reply in replies)
