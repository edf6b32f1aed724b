from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.observation import EVERYBODY, INFRASTRUCTURE, LAYOUT, SELECTED, SHARED, azure_tables, problems, runnable
from checks.reach.scenarios import scenarios
from checks.scans.states import STATES
from checks.templates.deployment import deploy
from sandbox.workspace.schema import Column, read_tables
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet, State, application_id, bad, good

OURS = "00000000-0000-0000-0000-000000000000"
STRANGER = "99999999-0000-0000-0000-000000000000"

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def shared_workspace() -> Iterator[Workspace]:
    # Azure Resource Graph has no time; the local workspace wants one in every table.
    time = Column("TimeGenerated", "dateTime", "")
    timed = {
        name: table
        if "TimeGenerated" in {column.name for column in table.columns}
        else replace(table, columns=(*table.columns, time))
        for name, table in azure_tables().items()
    }
    with Workspace({**read_tables(), **timed}, clock=lambda: NOW) as workspace:
        yield workspace


@pytest.fixture
def workspace(shared_workspace: Workspace) -> Workspace:
    shared_workspace.clear()
    return shared_workspace


@pytest.fixture
def fleet(workspace: Workspace) -> Fleet:
    return Fleet(workspace)


@pytest.fixture
def ask(workspace: Workspace) -> Ask:
    """Runs a query file as the workbook would, over the last seven days; keywords fill in workbook parameters."""

    def run(file: str, **parameters: str) -> list[dict[str, Any]]:
        text = runnable(INFRASTRUCTURE / file, chosen={f"{{{name}}}": value for name, value in parameters.items()})
        return workspace.query(text, timespan=(NOW - timedelta(days=7), NOW))

    return run


def test_workbook_saved_queries_and_security_alerts_are_sound() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        (LAYOUT, '"query": "unread"', '"query": "unreed"', "unreed is not in workbook.bicep"),
        (LAYOUT, '"query": "unread"', '"query": "unreed"', "unread is loaded but never shown"),
        (
            LAYOUT,
            '"timeContextFromParameter": "TimeRange"',
            '"x": "y"',
            "fleet_history looks at another time than it should",
        ),
        (
            LAYOUT,
            '"durationMs": 7776000000\n      }',
            '"durationMs": 60000\n      }',
            "customers_parameter looks at another",
        ),
        (LAYOUT, '"items": [', '"items": [,', "compliance.workbook.json: "),
        ("workbooks/customers.kql", "{Customer}", "{Kunde}", "the workbook has no parameter {Kunde}"),
        ("workbooks/collector_history.kql", "Duration_ms", "Duration", "KS142"),
        ("workbooks/dropped_rows.kql", "DCRLogErrors", "DCRLogError", "KS204"),
        ("workbooks/collector_history.kql", "PolicyCollectionRuns_CL", STATES, "is no drill-down"),
        ("query_pack/vault_failures.kql", "RequestUri", "Uri", "KS142"),
        ("query_pack/queries.json", '"labels": ["security"]', '"labels": []', "credential_reads has no labels"),
        ("security_alerts/vault_read_by_stranger.kql", "| summarize", "| take 5\n| summarize", "take"),
        ("security_alerts/rules.json", '"severity": 1', '"severity": 7', "a severity is 0 to 4"),
    ],
)
def test_what_is_broken_is_found(infrastructure: Path, file: str, old: str, new: str, complaint: str) -> None:
    text = (infrastructure / file).read_text()
    assert old in text
    (infrastructure / file).write_text(text.replace(old, new, 1))
    found = problems(infrastructure)
    assert any(complaint in problem for problem in found), found


def test_a_query_that_nobody_shows_is_found(infrastructure: Path) -> None:
    (infrastructure / "workbooks" / "forgotten.kql").write_text("PolicyCollectionRuns_CL")
    assert problems(infrastructure) == ["workbooks/forgotten.kql is not used"]


def test_the_tiles_count_every_application_once_and_unread_ones_apart(fleet: Fleet, ask: Ask) -> None:
    fleet.run(hours_ago=3, acme=[bad()], blue=[good()], lost=[good()], bare=[])
    fleet.run(hours_ago=1, acme=[bad(), good("disk")], blue=[good()], lost="AccessDenied", bare=[])
    assert {row["Title"]: row["Value"] for row in ask("workbooks/summary.kql")} == {
        "Applications": 4,
        "Compliant": 1,
        "Not compliant": 1,
        "Not evaluated": 1,
        "Could not be read just now": 1,
        "Not readable, not compliant when last read": 0,
        "Never read": 0,
        "With violations that are held": 0,
        "With violations that are accepted": 0,
        "With a policy assignment that was changed": 0,
    }


def test_the_fleet_over_time_shows_what_could_not_be_read_as_neither(fleet: Fleet, ask: Ask) -> None:
    fleet.run(hours_ago=2, acme=[bad()], blue=[good()])
    fleet.run(hours_ago=1, acme="Failed", blue=[good()])
    shares = [
        (row["Compliant %"], row["Not compliant %"], row["Could not be read %"])
        for row in ask("workbooks/fleet_history.kql")
    ]
    assert shares == [(50.0, 50.0, 0.0), (50.0, 0.0, 50.0)]


def test_customers_in_trouble_come_first_and_the_filter_leaves_one(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme=[good()], blue=[bad(), bad("disk"), State("Exempt", "nic"), State("Unknown", "ip")])
    rows = ask("workbooks/customers.kql")
    assert [(row["Application"], row["Not compliant"], row["Exempt"], row["Unknown"]) for row in rows] == [
        ("blue", 2, 1, 1),
        ("acme", 0, 0, 0),
    ]
    only = ask("workbooks/customers.kql", Customer=f"'{application_id('acme').lower()}'")
    assert [row["Application"] for row in only] == ["acme"]


def test_the_drill_down_lists_the_resources_of_the_selected_application(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme=[bad("vm-1"), good("vm-2")], blue=[bad("vm-3")])
    chosen = application_id("acme").lower()
    assert [row["Application"] for row in ask("workbooks/resources.kql", SelectedApplication=chosen)] == ["acme"]
    filtered = {"SelectedApplication": chosen, "Customer": f"'{application_id('other').lower()}'"}
    assert ask("workbooks/resources.kql", **filtered) == []


def test_a_list_of_resources_that_is_not_complete_is_told(fleet: Fleet, ask: Ask) -> None:
    fleet.run(hours_ago=1, acme=[bad("vm-1"), good("vm-2")], blue=[bad("vm-3")])
    chosen = application_id("acme").lower()
    assert ask("workbooks/states_missing.kql", SelectedApplication=chosen) == []
    fleet.run(dropped=["acme"], acme=[bad("vm-1"), good("vm-2")], blue=[bad("vm-3")])
    (row,) = ask("workbooks/states_missing.kql", SelectedApplication=chosen)
    assert (row["Application"], row["Rows spoken of"], row["Rows here"]) == ("acme", 2, 0)
    assert ask("workbooks/states_missing.kql", SelectedApplication=application_id("blue").lower()) == []


def test_the_workbook_opens_without_reading_a_state() -> None:
    [workbook] = deploy(scenarios()[0]).of_type("Microsoft.Insights/workbooks")
    items = json.loads(workbook.body["properties"]["serializedData"])["items"]
    selecting = [exported for item in items for exported in item["content"].get("exportedParameters", [])]
    assert selecting == [{"fieldName": "Application_id", "parameterName": "SelectedApplication"}], "no default value"
    selected = {"parameterName": "SelectedApplication", "comparison": "isNotEqualTo", "value": ""}

    hidden = {item["name"] for item in items if item.get("conditionalVisibility") == selected}
    assert hidden == {item["name"] for item in items if STATES in json.dumps(item)} == {"resources", "states-missing"}


def test_the_workbook_is_put_together_as_it_is_checked() -> None:
    module = (INFRASTRUCTURE / "modules" / "workbook.bicep").read_text().replace("\\'", "'")
    assert f"'{EVERYBODY}'" in module
    assert f"'{SELECTED}'" in module
    for name, (query, _) in SHARED.items():
        assert f"loadTextContent('../queries/{query}.kql'), 'end {name}')[0]" in module
        assert f"'{{{name}}}', {name})" in module


def test_assignments_count_applications_and_resources(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme=[bad("a"), good("b")], blue=[good("c"), good("d", assignment="network")])
    columns = (
        "Policy_assignment",
        "Applications",
        "Noncompliant_applications",
        "Noncompliant_states",
        "Compliant_states",
    )
    rows = [tuple(row[column] for column in columns) for row in ask("workbooks/assignments.kql")]
    assert rows == [("The baseline", 2, 1, 1, 2), ("The network", 1, 0, 0, 1)]


def test_exempt_and_unknown_states_have_a_place_of_their_own(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme=[good(), State("Exempt", "a"), State("Unknown", "b"), State("Unknown", "c")])
    assert [(row["Policy_assignment"], row["Exempt"], row["Unknown"]) for row in ask("workbooks/other_states.kql")] == [
        ("The baseline", 1, 2)
    ]


def test_unread_applications_say_why_and_since_when(fleet: Fleet, ask: Ask) -> None:
    fleet.run(hours_ago=2, acme=[good()], blue=[good()])
    fleet.run(hours_ago=1, acme="AccessDenied", blue=[good()])
    (row,) = ask("workbooks/unread.kql")
    assert (row["Application"], row["Outcome"]) == ("acme", "AccessDenied")
    assert row["Last read"] < row["Last tried"]


def test_collector_health_names_throttling(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme="Throttled", blue=[good()])
    (row,) = ask("workbooks/collector_runs.kql")
    assert (row["Applications"], row["Throttled"]) == (2, 1)
    assert len(ask("workbooks/collector_history.kql")) == 1


def test_every_filter_value_is_a_registered_application(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme=[good()], blue="Failed")
    assert {row["value"] for row in ask("workbooks/customers_parameter.kql")} == {
        application_id("acme").lower(),
        application_id("blue").lower(),
    }


def vault_read(workspace: Workspace, object_id: str, operation: str = "SecretGet", status: int = 200) -> None:
    row = {
        "TimeGenerated": NOW.isoformat(),
        "OperationName": operation,
        "HttpStatusCode": status,
        "Identity": {"claim": {"oid": object_id, "appid": "client"}},
        "CallerIpAddress": "203.0.113.7",
        "Id": "https://vault/secrets/publisher-credential",
    }
    workspace.insert("AZKVAuditLogs", [row])


def test_our_own_read_of_the_vault_alerts_nobody_and_a_strangers_does(workspace: Workspace, ask: Ask) -> None:
    vault_read(workspace, OURS)
    vault_read(workspace, STRANGER, status=403)
    vault_read(workspace, STRANGER, operation="VaultGet")
    assert ask("security_alerts/vault_read_by_stranger.kql") == []
    vault_read(workspace, STRANGER)
    (row,) = ask("security_alerts/vault_read_by_stranger.kql")
    assert (row["Object_id"], row["CallerIpAddress"], row["Reads"]) == (STRANGER, "203.0.113.7", 1)


def test_elevated_access_is_told_from_ordinary_role_assignments(workspace: Workspace, ask: Ask) -> None:
    administrator = "/providers/Microsoft.Authorization/RoleDefinitions/18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"

    def assign(scope: str, role: str) -> None:
        properties = {"scope": scope, "roleDefinitionId": role, "principalId": STRANGER, "principalType": "User"}
        workspace.insert(
            "authorizationresources",
            [
                {
                    "TimeGenerated": NOW.isoformat(),
                    "type": "Microsoft.Authorization/roleAssignments",
                    "properties": properties,
                }
            ],
        )

    assign("/subscriptions/1", administrator)
    assign("/", "/providers/Microsoft.Authorization/RoleDefinitions/reader")
    assert ask("security_alerts/root_access_elevated.kql") == []
    assign("/", administrator)
    (row,) = ask("security_alerts/root_access_elevated.kql")
    assert row["Principal_id"] == STRANGER


def test_a_watch_that_cannot_see_the_root_has_no_row(workspace: Workspace, ask: Ask) -> None:
    assert ask("security_alerts/root_access_unseen.kql") == []
    workspace.insert(
        "resourcecontainers",
        [{"TimeGenerated": NOW.isoformat(), "type": "microsoft.management/managementgroups", "name": OURS}],
    )
    assert len(ask("security_alerts/root_access_unseen.kql")) == 1


def test_a_workspace_that_reached_its_cap_is_told_until_the_cap_is_reset(workspace: Workspace, ask: Ask) -> None:
    reached = "Data collection stopped due to daily limit of free data reached. Ingestion status = OverQuota"
    reset = "Data collection resumed. Ingestion status = RespectQuota"

    def tell(detail: str, hours_ago: float, category: str = "Data Collection Status") -> None:
        at = (NOW - timedelta(hours=hours_ago)).isoformat()
        workspace.insert("Operation", [{"TimeGenerated": at, "OperationCategory": category, "Detail": detail}])

    tell("The agent was restarted", 0.1)
    tell(reset, 9)
    assert ask("security_alerts/ingestion_capped.kql") == []
    tell(reached, 5, category="Ingestion")
    assert len(ask("security_alerts/ingestion_capped.kql")) == 1
    tell(reset, 1)
    assert ask("security_alerts/ingestion_capped.kql") == []


def test_saved_queries_for_operators_answer(workspace: Workspace, ask: Ask) -> None:
    at = NOW.isoformat()
    vault_read(workspace, STRANGER)
    vault_read(workspace, STRANGER, status=403)
    workspace.insert(
        "AppRequests",
        [
            {
                "TimeGenerated": at,
                "OperationName": "managed_application_notification",
                "ResultCode": "401",
                "DurationMs": 4.5,
            }
        ],
    )
    workspace.insert(
        "DCRLogErrors",
        [{"TimeGenerated": at, "InputStreamId": "Custom-X", "OperationName": "Ingestion", "Message": "bad"}],
    )
    workspace.insert(
        "StorageTableLogs",
        [
            {
                "TimeGenerated": at,
                "Category": "StorageWrite",
                "Uri": "https://st.table.core.windows.net:443/applications(PartitionKey='a')",
                "OperationName": "MergeEntity",
            }
        ],
    )
    workspace.insert(
        "AppExceptions",
        [{"TimeGenerated": at, "OperationName": "collect_policy_states", "ExceptionType": "X", "OuterMessage": "m"}],
    )
    assert len(ask("query_pack/credential_reads.kql")) == 2
    assert [row["HttpStatusCode"] for row in ask("query_pack/vault_failures.kql")] == [403]
    assert [row["Answer"] for row in ask("query_pack/notifications_received.kql")] == ["401"]
    assert [row["Stream"] for row in ask("query_pack/rows_dropped.kql")] == ["Custom-X"]
    assert [row["OperationName"] for row in ask("query_pack/registry_changes.kql")] == ["MergeEntity"]
    assert [row["Failures"] for row in ask("query_pack/function_failures.kql")] == [1]


def test_the_layout_names_each_query_by_its_file() -> None:
    layout = json.loads((INFRASTRUCTURE / LAYOUT).read_text())
    shown = {item["content"]["query"] for item in layout["items"] if "query" in item["content"]}
    assert shown | {"customers_parameter"} == {path.stem for path in (INFRASTRUCTURE / "workbooks").glob("*.kql")}
