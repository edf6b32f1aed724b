"""What the templates give the audit trail: a table with a retention of its own, two ways in, and nobody who reads it."""

from __future__ import annotations

from typing import Any

import pytest

from checks.columns import STAMPED
from checks.templates.deployment import Deployment
from sandbox.roles import AUDIT_TABLE
from sandbox.workspace.schema import read_tables
from tests.infra.test_apps import API, deployed

STREAM = f"Custom-{AUDIT_TABLE}"
RULES = "Microsoft.Insights/dataCollectionRules"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"


def flows(deployment: Deployment) -> dict[str, dict[str, str]]:
    """By the beginning of the rule's name, the transformation of each stream."""
    return {
        rule.name.rpartition("-")[0]: {
            flow["streams"][0]: flow["transformKql"] for flow in rule.body["properties"]["dataFlows"]
        }
        for rule in deployment.of_type(RULES)
    }


def test_the_rule_that_takes_a_row_says_who_wrote_it() -> None:
    found = flows(deployed(**API))

    assert found["dcr-api"] == {STREAM: 'source | extend Writer = "api"'}
    assert found["dcr"].pop(STREAM) == 'source | extend Writer = "worker"'
    assert set(found["dcr"].values()) == {"source"}
    assert {AUDIT_TABLE: {"Writer"}} == STAMPED


def test_both_rules_have_every_column_of_the_table() -> None:
    columns = [(column.name, column.stream_type) for column in read_tables()[AUDIT_TABLE].columns]
    for rule in deployed(**API).of_type(RULES):
        declared = rule.body["properties"]["streamDeclarations"][STREAM]["columns"]
        assert [(column["name"], column["type"]) for column in declared] == columns


def test_without_an_api_there_is_no_way_in_for_one() -> None:
    assert list(flows(deployed())) == ["dcr"]


@pytest.mark.parametrize(("given", "kept"), [({}, (365, 90)), ({"auditRetentionInDays": 730}, (730, 90))])
def test_audit_rows_are_kept_for_as_long_as_is_said_of_them_alone(given: dict[str, Any], kept: tuple[int, int]) -> None:
    tables = deployed(**API, **given).of_type("Microsoft.OperationalInsights/workspaces/tables")
    days = {table.name.rpartition("/")[2]: table.body["properties"]["totalRetentionInDays"] for table in tables}

    assert (days.pop(AUDIT_TABLE), *set(days.values())) == kept


def test_queries_of_the_workspace_and_what_the_rules_drop_are_logged() -> None:
    found = [
        (one.id.partition("/providers/Microsoft.")[2].partition("/providers/")[0], one.body["properties"]["logs"])
        for one in deployed(**API).of_type(DIAGNOSTICS)
    ]
    of = [(scope, logs[0].get("category") or logs[0].get("categoryGroup")) for scope, logs in found]
    assert [kind for scope, kind in of if scope.startswith("OperationalInsights/workspaces")] == ["Audit"]
    assert [kind for scope, kind in of if scope.startswith("Insights/dataCollectionRules")] == ["allLogs", "allLogs"]


def test_the_api_reads_five_tables_and_this_is_none_of_them() -> None:
    conditions = [
        one.body["properties"]["condition"]
        for one in deployed(**API).of_type("Microsoft.Authorization/roleAssignments")
        if one.body["properties"].get("condition")
    ]
    assert len(conditions) == 1
    assert [name for name in read_tables() if f"'{name}'" not in conditions[0]] == [AUDIT_TABLE]
