"""The workbook in the managed resource group: what the customer is told of what the assignments say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from checks.kql import analyse
from checks.observation import azure_tables
from checks.templates.functions import GROUP_ID, SUBSCRIPTION_ID
from sandbox.workspace.schema import Column
from sandbox.workspace.workspace import Workspace
from tests.infra.samples.sample import deployed, of_type
from tests.queries.fleet import NOW

ASSIGNMENTS = f"{GROUP_ID}/providers/Microsoft.Authorization/policyAssignments"
ELSEWHERE = f"{SUBSCRIPTION_ID}/resourceGroups/another"
EVALUATED = "2026-11-27T08:00:00Z"

Ask = Callable[[str, list[dict[str, Any]]], list[dict[str, Any]]]


def shown() -> dict[str, Any]:
    (workbook,) = of_type(deployed(), "Microsoft.Insights/workbooks")
    items = json.loads(workbook.body["properties"]["serializedData"])["items"]
    return {item["name"]: item["content"] for item in items}


def row(kind: str, name: str, **properties: Any) -> dict[str, Any]:
    own_id = f"{ASSIGNMENTS}/{name}"
    return {
        "TimeGenerated": NOW.isoformat(),
        "id": own_id,
        "name": name,
        "type": kind,
        "tenantId": "t",
        "properties": properties,
    }


def assignment(name: str, scope: str = GROUP_ID) -> dict[str, Any]:
    return row("microsoft.authorization/policyassignments", name, scope=scope.upper(), displayName=f"Policy {name}")


def state(name: str, compliance: str, scope: str = GROUP_ID, evaluated: str | None = EVALUATED) -> dict[str, Any]:
    return row(
        "Microsoft.PolicyInsights/PolicyStates",
        "a-state",
        policyAssignmentId=f"{ASSIGNMENTS}/{name}".upper(),
        policyAssignmentName=name,
        policyAssignmentScope=scope,
        complianceState=compliance,
        resourceId=f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/{name}",
        timestamp=evaluated,
    )


@pytest.fixture
def ask() -> Iterator[Ask]:
    table = azure_tables()["policyresources"]
    # Azure Resource Graph has no time; the local workspace wants one in every table.
    timed = replace(table, columns=(*table.columns, Column("TimeGenerated", "dateTime", "")))
    with Workspace({"policyresources": timed}, clock=lambda: NOW) as workspace:

        def asked(item: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            workspace.insert("policyresources", rows)
            return workspace.query(shown()[item]["query"])

        yield asked


@pytest.mark.parametrize("item", ["assignments", "resources"])
def test_a_query_is_put_to_resource_graph_in_kql_that_binds_and_names_the_group(item: str) -> None:
    content = shown()[item]
    assert (content["queryType"], content["resourceType"]) == (1, "microsoft.resourcegraph/resources")
    assert content["crossComponentResources"] == [SUBSCRIPTION_ID]
    assert content["noDataMessage"]
    assert f'"{GROUP_ID}"' in content["query"]
    assert analyse({item: content["query"]}, azure_tables())[item].diagnostics == ()


@pytest.mark.parametrize(
    ("states", "answer"),
    [
        ([], "Not evaluated"),
        (["Compliant"], "Compliant"),
        (["Compliant", "NonCompliant"], "Not compliant"),
        (["compliant", "noncompliant"], "Not compliant"),
        (["Compliant", "Conflict"], "Undecided"),
        (["Unknown"], "Undecided"),
        (["Compliant", "Exempt"], "Compliant"),
        (["Exempt"], "Exempt"),
    ],
)
def test_an_assignment_is_compliant_only_when_it_was_evaluated_and_nothing_else_was_said(
    ask: Ask, states: list[str], answer: str
) -> None:
    (found,) = ask("assignments", [assignment("one"), *(state("one", compliance) for compliance in states)])
    assert (found["Policy"], found["Answer"]) == ("Policy one", answer)


@pytest.mark.parametrize(
    ("states", "answer"),
    [
        (["Compliant", "NonCompliant"], "Not compliant"),
        (["Compliant", "Conflict"], "Undecided"),
        (["Compliant"], "Not evaluated"),
        (["Exempt"], "Not evaluated"),
    ],
)
def test_without_a_time_a_violation_still_counts_and_nothing_is_compliant(
    ask: Ask, states: list[str], answer: str
) -> None:
    (found,) = ask("assignments", [assignment("one"), *(state("one", name, evaluated=None) for name in states)])
    assert (found["Answer"], found["Evaluated"]) == (answer, None)


def test_the_worst_stands_first(ask: Ask) -> None:
    said = {"fine": "Compliant", "excused": "Exempt", "unclear": "Conflict", "bad": "NonCompliant"}
    rows = [assignment(name) for name in (*said, "silent")] + [state(*one) for one in said.items()]
    assert [found["Answer"] for found in ask("assignments", rows)] == [
        "Not compliant",
        "Undecided",
        "Not evaluated",
        "Exempt",
        "Compliant",
    ]


def test_assignments_of_another_group_are_not_shown(ask: Ask) -> None:
    rows = [assignment("ours"), assignment("theirs", ELSEWHERE), state("ours", "NonCompliant", ELSEWHERE)]
    (found,) = ask("assignments", rows)
    assert (found["Policy"], found["Answer"]) == ("Policy ours", "Not evaluated")


def test_violations_are_listed_by_resource(ask: Ask) -> None:
    rows = [state("bad", "noncompliant"), state("good", "Compliant"), state("theirs", "NonCompliant", ELSEWHERE)]
    (found,) = ask("resources", rows)
    assert found["Policy"] == "bad"
    assert found["Resource"].endswith("/storageAccounts/bad")
