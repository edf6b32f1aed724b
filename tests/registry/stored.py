"""Applications and rows of the older sample, as tests store them, and what the registry lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from publisher.resource_ids import ApplicationId, ResourceGroupId
from registry.managed_application import ExpectedAssignment, MalformedRow, ManagedApplication, Removal
from registry.registry import Registry

SUBSCRIPTION = "abcdef00-0000-4000-8000-00000000000a"
NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
GONE = Removal(NOW, confirmed=True, by="Azure", reason="Azure Resource Manager says ResourceNotFound")
ASSIGNMENT = ExpectedAssignment(
    "/a/policyAssignments/baseline", "Baseline", "/d/policySetDefinitions/x", "The baseline"
)


def application(
    name: str = "app", *, group: str = "rg", subscription: str = SUBSCRIPTION, **fields: Any
) -> ManagedApplication:
    fields.setdefault("customer_name", subscription)
    return ManagedApplication(
        ApplicationId(subscription, group, name), ResourceGroupId(subscription, f"mrg-{name}"), **fields
    )


def older_row(name: str = "app", *, group: str = "rg", subscription: str = SUBSCRIPTION) -> dict[str, str]:
    return {
        "subscription_id": subscription,
        "app_resource_group_name": group,
        "app_name": name,
        "mrg_name": f"mrg-{name}",
    }


async def listed(registry: Registry, only: ApplicationId | None = None) -> list[ManagedApplication | MalformedRow]:
    return [item async for item in registry.applications(only)]
