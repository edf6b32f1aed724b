"""The security alerts' queries, and the saved queries for operators, over rows of the platform's own tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.workspace.workspace import Workspace
from tests.infra.observation.conftest import Ask
from tests.infra.observation.strangers import (
    ADDRESS,
    STRANGER,
    storage_call,
    vault_call,
    vault_call_in_the_old_table,
)
from tests.queries.fleet import NOW

OURS = "00000000-0000-0000-0000-000000000000"


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
    vault_call(workspace, STRANGER)
    vault_call(workspace, STRANGER, HttpStatusCode=403)
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


def test_the_vaults_saved_queries_read_whichever_of_the_two_tables_has_its_log(workspace: Workspace, ask: Ask) -> None:
    vault_call_in_the_old_table(workspace, STRANGER, "SecretGet")
    vault_call_in_the_old_table(workspace, STRANGER, "SecretSet", httpStatusCode_d=403)
    vault_call_in_the_old_table(workspace, STRANGER, "Authentication", httpStatusCode_d=401)

    [read] = ask("query_pack/credential_reads.kql")
    assert (read["Secret"], read["Object_id"], read["CallerIpAddress"]) == ("notification-signature", STRANGER, ADDRESS)
    [failure] = ask("query_pack/vault_failures.kql")
    assert (failure["OperationName"], failure["Object_id"], failure["CallerIpAddress"]) == (
        "SecretSet",
        STRANGER,
        ADDRESS,
    )


def test_who_changed_the_registry_is_found_however_it_was_done(workspace: Workspace, ask: Ask) -> None:
    for path, operation in (
        ("applications(PartitionKey='a',RowKey='b')", "DeleteEntity"),
        ("$batch", "EntityGroupTransaction"),
        ("Tables('applications')", "DeleteTable"),
        ("%61pplications(PartitionKey='a',RowKey='b')", "MergeEntity"),
        ("verdicts(PartitionKey='a',RowKey='b')", "UpdateEntity"),
    ):
        storage_call(workspace, f"stworker.table/{path}", STRANGER, operation)

    found = {row["OperationName"] for row in ask("query_pack/registry_changes.kql")}
    assert found == {"DeleteEntity", "EntityGroupTransaction", "DeleteTable", "MergeEntity"}


def test_a_workspace_near_its_cap_names_the_table_that_grew_and_says_when_the_cap_is_passed(
    workspace: Workspace, ask: Ask
) -> None:
    def take(table: str, column: str, megabytes: float) -> None:
        rows = [{"TimeGenerated": NOW.isoformat(), column: "x" * 10_000}] * round(megabytes * 100)
        workspace.insert(table, rows)

    def near_a_megabyte() -> list[dict[str, Any]]:
        return ask("security_alerts/ingestion_near_cap.kql", dailyCapGigabytes="0.001")

    assert near_a_megabyte() == []
    take("PolicyVerdicts_CL", "Resources", 0.5)
    take("StorageTableLogs", "Uri", 0.2)
    assert near_a_megabyte() == []
    take("StorageTableLogs", "Uri", 0.2)
    assert near_a_megabyte() == [{"Largest_table": "PolicyVerdicts_CL", "Taken": "more than 80 % of the cap"}]
    take("StorageTableLogs", "Uri", 0.2)
    assert near_a_megabyte() == [{"Largest_table": "StorageTableLogs", "Taken": "more than the cap"}]
    assert ask("security_alerts/ingestion_near_cap.kql") == [], "the template puts in a cap of gigabytes"
