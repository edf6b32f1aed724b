"""The saved queries of the audit trail over rows: of the audit table, of the workspace's own log, and of the tenant's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.observation import INFRASTRUCTURE, azure_tables, runnable
from sandbox.roles import AUDIT_TABLE
from sandbox.workspace.schema import read_tables
from sandbox.workspace.workspace import Workspace
from tests.infra.observation.conftest import Ask
from tests.queries.fleet import NOW

ACME = "/subscriptions/1/resourceGroups/acme/providers/Microsoft.Solutions/applications/Acme"
BLUE = "/subscriptions/2/resourceGroups/blue/providers/Microsoft.Solutions/applications/Blue"


def at(minutes_ago: float) -> str:
    return (NOW - timedelta(minutes=minutes_ago)).isoformat()


@pytest.fixture
def trail(workspace: Workspace) -> None:
    """Requests about Acme, about Blue and about all; refusals; queries past the API; and three commands."""
    of_all = {"Kind": "request", "Method": "GET", "Outcome": "answered", "Status": 200}
    refused = {"Outcome": "refused", "Status": 403, "Reason": "This needs the app role Compliance.Read."}
    command = {"Kind": "command", "Command": "accept"}
    workspace.insert(
        AUDIT_TABLE,
        [
            {**of_all, "TimeGenerated": at(1), "Actor_id": "ada", "Application_id": ACME, "Rows": 3},
            {**of_all, "TimeGenerated": at(2), "Actor_id": "bob", "Application_id": BLUE},
            {**of_all, "TimeGenerated": at(3), "Actor_id": "cleo", "Is_fleet_wide": True, "Rows": 180},
            {**of_all, **refused, "TimeGenerated": at(4), "Actor_id": "dan", "Application_id": ACME},
            {**of_all, **refused, "TimeGenerated": at(5), "Actor_id": "eve", "Is_fleet_wide": False},
            {**command, "TimeGenerated": at(6), "Outcome": "begun", "Correlation_id": "a", "Actor_name": "Grace"},
            {
                **command,
                "TimeGenerated": at(6),
                "Outcome": "done",
                "Exit_status": 0,
                "Correlation_id": "a",
                "Application_id": ACME,
            },
            {**command, "TimeGenerated": at(7), "Outcome": "begun", "Correlation_id": "b", "Application_id": BLUE},
            {**command, "TimeGenerated": at(8), "Outcome": "refused", "Exit_status": 2, "Correlation_id": "c"},
        ],
    )
    query = {"AADEmail": "fay@publisher.example", "AADObjectId": "fay", "ResponseCode": 200, "ResponseRowCount": 9}
    workspace.insert(
        "LAQueryLogs",
        [
            {
                **query,
                "TimeGenerated": at(9),
                "QueryText": f"PolicyVerdicts_CL | where Application_id =~ '{ACME.lower()}'",
            },
            {
                **query,
                "TimeGenerated": at(10),
                "AADObjectId": "gus",
                "QueryText": "PolicyVerdicts_CL | where Name == 'blue'",
            },
        ],
    )


def who(file: str, wanted: str) -> str:
    text = runnable(INFRASTRUCTURE / file)
    assert 'let Wanted = "";' in text
    return text.replace('let Wanted = "";', f'let Wanted = "{wanted}";')


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize("wanted", [ACME, ACME.lower(), "acme"])
def test_who_asked_for_a_customer_by_name_for_everybody_or_past_the_api(workspace: Workspace, wanted: str) -> None:
    rows = workspace.query(who("query_pack/who_asked_for_customer.kql", wanted))

    assert [(row["Actor_id"], row["Way"], row["Outcome"], row["Rows"]) for row in rows] == [
        ("ada", "API", "answered", 3),
        ("cleo", "API", "answered", 180),
        ("dan", "API", "refused", None),
        ("fay", "workspace", "answered", 9),
    ]


@pytest.mark.usefixtures("trail")
def test_without_a_customer_it_is_everybody_who_asked_for_anything(ask: Ask) -> None:
    rows = ask("query_pack/who_asked_for_customer.kql")
    assert [row["Actor_id"] for row in rows] == ["ada", "bob", "cleo", "dan", "eve", "fay", "gus"]


@pytest.mark.usefixtures("trail")
def test_a_command_that_began_is_told_once_and_one_without_an_end_says_so(ask: Ask) -> None:
    rows = ask("query_pack/who_changed_what.kql")
    assert [(row["Correlation_id"], row["Outcome"], row["Exit_status"]) for row in rows] == [
        ("a", "done", 0),
        ("b", "begun", None),
        ("c", "refused", 2),
    ]


@pytest.mark.usefixtures("trail")
def test_refusals_of_the_api_and_of_the_sign_in_stand_together(workspace: Workspace, ask: Ask) -> None:
    strangers = [("AADSTS500011", 401, at(2)), ("fine", 200, at(3))]
    workspace.insert(
        "AppServiceAuthenticationLogs",
        [{"TimeGenerated": time, "StatusCode": code, "Message": message} for message, code, time in strangers],
    )

    rows = ask("query_pack/refused_requests.kql")

    assert [(row["Refused_by"], row["Status"], row["Actor_id"]) for row in rows] == [
        ("sign-in", 401, ""),
        ("API", 403, "dan"),
        ("API", 403, "eve"),
    ]


def test_sign_ins_of_people_and_programs_stand_together(workspace: Workspace, ask: Ask) -> None:
    client = "7e57ab1e-0000-4000-8000-00000000000a"
    more: dict[str, Any] = {"TimeGenerated": at(1), "IPAddress": "203.0.113.7", "ResultType": "0"}
    workspace.insert("SigninLogs", [{**more, "AppId": client, "UserPrincipalName": "ada@publisher.example"}])
    workspace.insert("AADNonInteractiveUserSignInLogs", [{**more, "AppId": "other", "UserPrincipalName": "bob"}])
    workspace.insert(
        "AADServicePrincipalSignInLogs", [{**more, "ResourceIdentity": client.upper(), "ServicePrincipalName": "ci"}]
    )
    workspace.insert("AADManagedIdentitySignInLogs", [{**more, "AppId": "mi", "ServicePrincipalName": "agent"}])

    assert {row["Who"] for row in ask("query_pack/sign_ins.kql")} == {"ada@publisher.example", "bob", "ci", "agent"}
    text = runnable(INFRASTRUCTURE / "query_pack/sign_ins.kql").replace('Client = ""', f'Client = "{client}"')
    assert {row["Who"] for row in workspace.query(text)} == {"ada@publisher.example", "ci"}


@pytest.mark.parametrize("name", ["who_asked_for_customer", "refused_requests", "sign_ins"])
def test_a_table_that_the_platform_does_not_fill_keeps_no_query_from_running(name: str) -> None:
    text = runnable(INFRASTRUCTURE / f"query_pack/{name}.kql")
    optional = [table for table in azure_tables() if table in text]
    assert len(optional) >= 1
    # Without any of its tables Azure has nothing to run a query over.
    known = {optional[0]: azure_tables()[optional[0]]} if name == "sign_ins" else read_tables()
    with Workspace(known, clock=lambda: NOW) as workspace:
        assert workspace.query(text) == []
