"""The contender "straightforward": the SDK's clients as their documentation shows them, all applications at once.

Written for the comparison, with the same rows; it does what the collector does in a run in which nothing goes wrong.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from azure.data.tables.aio import TableClient
from azure.identity.aio import ClientSecretCredential, ManagedIdentityCredential
from azure.mgmt.policyinsights.aio import PolicyInsightsClient
from azure.mgmt.policyinsights.models import QueryOptions
from azure.monitor.ingestion.aio import LogsIngestionClient

if TYPE_CHECKING:
    from azure.mgmt.policyinsights.models import PolicyState

Row = MutableMapping[str, Any]

VERDICTS = {"Compliant": True, "Exempt": True, "NonCompliant": False}


async def states_of(entity: dict[str, Any], credential: ClientSecretCredential, since: datetime) -> list[PolicyState]:
    """Return all policy states of one application's managed resource group."""
    endpoint = os.environ["AZURE_RESOURCE_MANAGER_ENDPOINT"]
    async with PolicyInsightsClient(
        credential,
        entity["subscription_id"],
        base_url=endpoint,
        credential_scopes=[f"{endpoint}/.default"],
    ) as client:
        states = client.policy_states.list_query_results_for_resource_group(
            "latest",
            entity["subscription_id"],
            entity["mrg_name"],
            query_options=QueryOptions(
                from_property=since, filter=f"PolicyAssignmentScope eq '{entity['managed_resource_group_id']}'"
            ),
        )
        return [state async for state in states]


def row_of(state: PolicyState, entity: dict[str, Any], run_id: str, time: str) -> Row:
    """Return the row of one policy state."""
    return {
        "TimeGenerated": time,
        "Run_id": run_id,
        "Application_id": entity["application_id"],
        "Application_name": entity["app_name"],
        "Customer_name": entity["subscription_id"],
        "Customer_subscription_id": entity["subscription_id"],
        "Managed_resource_group_id": entity["managed_resource_group_id"],
        "Plan_name": entity["plan_name"],
        "Plan_version": entity["plan_version"],
        "Policy_assignment_id": (state.policy_assignment_id or "").lower(),
        "Policy_assignment_name": state.policy_assignment_name,
        "Policy_assignment_display_name": state.policy_assignment_name,
        "Policy_definition_id": (state.policy_definition_id or "").lower(),
        "Policy_definition_name": state.policy_definition_name,
        "Policy_definition_display_name": None,
        "Policy_definition_reference_id": state.policy_definition_reference_id or None,
        "Policy_set_definition_id": state.policy_set_definition_id or None,
        "Policy_effect": state.policy_definition_action,
        "Judged_by": "AzurePolicy",
        "Resource_id": state.resource_id,
        "Resource_type": (state.resource_type or "").lstrip("/"),
        "Resource_location": state.resource_location,
        "Compliance_state": state.compliance_state,
        "Is_compliant": VERDICTS.get(state.compliance_state or ""),
        "Reason": None,
        "Resource_count": 1,
        "Evaluated_at": state.timestamp.isoformat() if state.timestamp else None,
    }


async def main() -> None:
    """Collect the fleet that the environment names."""
    started = datetime.now(UTC)
    run_id, time = str(uuid.uuid4()), started.isoformat(timespec="milliseconds")
    connection = os.environ["AzureWebJobsStorage"]  # noqa: SIM112 - the host's name for it
    since = started - timedelta(hours=48)
    async with (
        ClientSecretCredential(
            os.environ["AZURE_TENANT_ID"],
            os.environ["AZURE_CLIENT_ID"],
            os.environ["AZURE_CLIENT_SECRET"],
            authority=os.environ["AZURE_AUTHORITY_HOST"],
        ) as publisher,
        ManagedIdentityCredential() as own,
        TableClient.from_connection_string(connection, "applications") as table,
        LogsIngestionClient(os.environ["DATA_COLLECTION_ENDPOINT"], own) as ingestion,
    ):
        fleet = [dict(entity) async for entity in table.list_entities()]
        found = await asyncio.gather(*(states_of(entity, publisher, since) for entity in fleet))
        rows: list[Row] = [
            row_of(state, entity, run_id, time) for entity, states in zip(fleet, found, strict=True) for state in states
        ]
        results: list[Row] = [
            {"TimeGenerated": time, "Run_id": run_id, "Application_id": entity["application_id"], "States": len(states)}
            for entity, states in zip(fleet, found, strict=True)
        ]
        rule = os.environ["DATA_COLLECTION_IMMUTABLE_ID"]
        await ingestion.upload(rule, "Custom-PolicyComplianceStates_CL", rows)
        await ingestion.upload(rule, "Custom-PolicyCollectionResults_CL", results)


if __name__ == "__main__":
    asyncio.run(main())
