"""A row names the customer that a request was about, and nobody keeps an answer from the search by naming another."""

import json
from typing import Any

import pytest

from checks.observation import INFRASTRUCTURE, runnable
from sandbox.local_azure import Sandbox
from sandbox.roles import AUDIT_TABLE
from tests.compliance_api.agents.messages import post
from tests.compliance_api.conftest import QUERIER, READER, Api
from tests.queries.fleet import Fleet, application_id, bad, good

ALPHA, BETA = application_id("alpha"), application_id("beta")
OTHER = (
    "/subscriptions/00000000-0000-4000-8000-0000000000ff/resourceGroups/g/providers/Microsoft.Solutions/applications"
)
NOBODY = f"{OTHER}/nobody"


@pytest.fixture(autouse=True)
def fleet_of_three(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=0.5, alpha=[bad()], alphabet=[bad()], beta=[good()])


def rows(sandbox: Sandbox) -> list[dict[str, Any]]:
    return sandbox.workspace.query(f"{AUDIT_TABLE} | order by Duration_ms asc")


def who_asked_for(sandbox: Sandbox, wanted: str) -> list[dict[str, Any]]:
    """What the saved query finds."""
    text = runnable(INFRASTRUCTURE / "query_pack/who_asked_for_customer.kql")
    return sandbox.workspace.query(text.replace('let Wanted = "";', f'let Wanted = "{wanted}";'))


@pytest.mark.parametrize(
    "path",
    [
        f"compliance/Applications/{ALPHA}",
        f"COMPLIANCE/applications//{ALPHA.upper()}/",
        f"compliance%2Fapplications%2F{ALPHA[1:].replace('/', '%2F')}",
        f"compliance/applications/{ALPHA.replace('/', '%2F')}/report",
    ],
)
async def test_however_an_address_is_written_its_row_names_the_application(
    api: Api, sandbox: Sandbox, path: str
) -> None:
    await api.get(path)

    [row] = rows(sandbox)
    assert (row["Application_id"].lower(), row["Is_fleet_wide"]) == (ALPHA.lower(), False)


@pytest.mark.parametrize(
    ("method", "below"), [("GET", "/secrets"), ("GET", "/history/x"), ("HEAD", ""), ("OPTIONS", "/report"), ("PUT", "")]
)
async def test_who_is_refused_something_of_an_application_is_found_by_it(
    api: Api, sandbox: Sandbox, method: str, below: str
) -> None:
    reply = await api.send(method, f"compliance/Applications{ALPHA}{below}", READER, {})

    assert reply.status in {404, 405}
    assert len(who_asked_for(sandbox, ALPHA)) == 1
    assert who_asked_for(sandbox, BETA) == []


async def test_an_id_in_a_parameter_that_is_not_used_hides_no_query(api: Api, sandbox: Sandbox) -> None:
    body = json.dumps({"query": "PolicyVerdicts_CL | distinct Application_id"}).encode()
    reply = await api.send("POST", "query_logs", QUERIER | {"Content-Type": "application/json"}, {"code": NOBODY}, body)

    assert reply.status == 200
    assert ALPHA.lower() in reply.body.decode().lower()
    [row] = who_asked_for(sandbox, ALPHA)
    assert (row["Application_id"], row["Is_fleet_wide"]) == ("", True)


@pytest.mark.parametrize("path", ["compliance/applications", "compliance/findings", "compliance/exemptions"])
async def test_a_search_for_an_id_is_found_by_everybody_whom_it_may_have_shown(
    api: Api, sandbox: Sandbox, path: str
) -> None:
    assert (await api.get(path, search=ALPHA)).status == 200

    for one in (ALPHA, application_id("alphabet"), BETA):
        assert len(who_asked_for(sandbox, one)) == 1


async def test_a_tool_that_searches_for_an_id_is_found_by_everybody_too(api: Api, sandbox: Sandbox) -> None:
    params = {"name": "listApplications", "arguments": {"search": ALPHA}}
    await post(api, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})

    assert [row["Asked"] for row in who_asked_for(sandbox, BETA)] == ["POST /mcp listApplications"]


async def test_a_saved_query_about_one_application_is_no_question_about_the_others(api: Api, sandbox: Sandbox) -> None:
    assert (await api.get("saved_queries/applications", only=ALPHA)).status == 200
    assert len(who_asked_for(sandbox, ALPHA)) == 1
    assert who_asked_for(sandbox, BETA) == []

    assert (await api.get("saved_queries/applications", only="no id")).status == 200
    assert len(who_asked_for(sandbox, BETA)) == 1
