"""The security alerts' queries, and the saved queries for operators, over rows of the platform's own tables."""

from __future__ import annotations

from datetime import timedelta

from sandbox.workspace.workspace import Workspace
from tests.infra.observation.conftest import Ask
from tests.infra.observation.strangers import STRANGER, vault_call
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
