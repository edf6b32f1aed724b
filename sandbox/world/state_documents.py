"""Builds policy states with every field of the 2019-10-01 API, and with Azure's inconsistent casing.

Source: the examples of `PolicyStates_ListQueryResultsForResourceGroup` in the REST specification. Ids of one and the
same thing come as `/resourceGroups/` or `/resourcegroups/`, `Microsoft.Authorization` or `microsoft.authorization`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sandbox.world.policies import Assignment, PolicyDefinition, PolicySet

FIELDS = (
    "timestamp",
    "resourceId",
    "policyAssignmentId",
    "policyDefinitionId",
    "effectiveParameters",
    "isCompliant",
    "subscriptionId",
    "resourceType",
    "resourceLocation",
    "resourceGroup",
    "resourceTags",
    "policyAssignmentName",
    "policyAssignmentOwner",
    "policyAssignmentParameters",
    "policyAssignmentScope",
    "policyDefinitionName",
    "policyDefinitionAction",
    "policyDefinitionCategory",
    "policySetDefinitionId",
    "policySetDefinitionName",
    "policySetDefinitionOwner",
    "policySetDefinitionCategory",
    "policySetDefinitionParameters",
    "managementGroupIds",
    "policyDefinitionReferenceId",
    "complianceState",
    "policyDefinitionGroupNames",
    "policyDefinitionVersion",
    "policySetDefinitionVersion",
    "policyAssignmentVersion",
)
FIELD_SPELLING = {name.lower(): name for name in FIELDS}


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource inside a managed resource group; `name` is what the helpers of Customer address it by.

    One inside another has a type and a name of several parts: Microsoft.Web/sites/slots and web/staging.
    """

    name: str
    type: str
    location: str = "westeurope"

    def id(self, resource_group_id: str) -> str:
        """The resource's ARM id inside `resource_group_id`."""
        namespace, *kinds = self.type.split("/")
        parts = [part for pair in zip(kinds, self.name.split("/"), strict=True) for part in pair]
        return "/".join((resource_group_id, "providers", namespace, *parts))


def policy_state(
    *,
    resource_group_id: str,
    resource: Resource,
    assignment: Assignment,
    reference_id: str | None,
    definition: PolicyDefinition,
    compliance: str,
    evaluated_at: dt.datetime,
    variant: int = 0,
) -> dict[str, Any]:
    """One state as a JSON object; `variant` picks one of Azure's ways to case ids."""
    _, _, subscription_id, _, resource_group = resource_group_id.split("/")
    policy_set = assignment.definition if isinstance(assignment.definition, PolicySet) else None
    in_management_group = assignment.scope.startswith("/providers/Microsoft.Management")
    return {
        "@odata.id": None,
        "@odata.context": _entity_context(resource_group_id),
        "timestamp": timestamp(evaluated_at),
        "resourceId": _cased(resource.id(resource_group_id), variant),
        "policyAssignmentId": _cased(assignment.id, variant // 2),
        "policyDefinitionId": _cased(definition.id, variant),
        "effectiveParameters": "",
        "isCompliant": compliance == "Compliant",
        "subscriptionId": subscription_id,
        "resourceType": ("/" if variant % 4 == 1 else "") + resource.type,
        "resourceLocation": resource.location,
        "resourceGroup": resource_group.lower() if variant % 2 else resource_group,
        "resourceTags": "tbd",
        "policyAssignmentName": assignment.name,
        "policyAssignmentOwner": "tbd",
        "policyAssignmentParameters": "{}",
        "policyAssignmentScope": _cased(assignment.scope, variant // 3),
        "policyDefinitionName": definition.name,
        "policyDefinitionAction": definition.effect,
        "policyDefinitionCategory": "tbd",
        "policySetDefinitionId": policy_set.id if policy_set else None,
        "policySetDefinitionName": policy_set.name if policy_set else None,
        "policySetDefinitionOwner": None,
        "policySetDefinitionCategory": None,
        "policySetDefinitionParameters": None,
        "managementGroupIds": "contoso,contoso-production" if in_management_group else "",
        "policyDefinitionReferenceId": reference_id,
        "complianceState": compliance,
        "policyDefinitionGroupNames": [definition.category] if policy_set else None,
        "policyDefinitionVersion": "1.0.0",
        "policySetDefinitionVersion": "1.0.0" if policy_set else None,
        "policyAssignmentVersion": "1.0.0",
    }


def states_of(
    *,
    resource_group_id: str,
    resources: tuple[Resource, ...],
    assignments: tuple[Assignment, ...],
    evaluated_at: dt.datetime,
) -> list[dict[str, Any]]:
    """One compliant state for every resource, assignment and reference whose rule applies to the resource's type."""
    found: list[dict[str, Any]] = []
    for assignment in assignments:
        for reference_id, definition in assignment.references:
            for resource in resources:
                if definition.resource_type in {"", resource.type}:
                    found.append(
                        policy_state(
                            resource_group_id=resource_group_id,
                            resource=resource,
                            assignment=assignment,
                            reference_id=reference_id,
                            definition=definition,
                            compliance="Compliant",
                            evaluated_at=evaluated_at,
                            variant=len(found),
                        )
                    )
    return found


def timestamp(moment: dt.datetime) -> str:
    """`moment` as policy states carry it: ISO 8601 in UTC with a Z."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata_context(resource_group_id: str) -> str:
    """The `@odata.context` of an answer about this resource group."""
    return (
        f"https://management.azure.com{resource_group_id}/providers/Microsoft.PolicyInsights"
        "/policyStates/$metadata#latest"
    )


def _entity_context(resource_group_id: str) -> str:
    return f"{metadata_context(resource_group_id)}/$entity"


def _cased(resource_id: str, variant: int) -> str:
    if variant % 3 == 1:
        return resource_id.replace("/resourceGroups/", "/resourcegroups/")
    if variant % 3:
        return resource_id.replace("Microsoft.Authorization", "microsoft.authorization").replace(
            "/policyAssignments/", "/policyassignments/"
        )
    return resource_id
