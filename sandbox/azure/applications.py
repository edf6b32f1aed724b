"""What Resource Manager tells about managed applications, their resource groups and policy assignments.

Source: the REST specifications of Microsoft.Solutions (2021-07-01), Microsoft.Resources and Microsoft.Authorization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.azure.resource_manager import Found, ResourceManager, forbidden, subscription_not_found
from sandbox.errors import RefusedError, json_response, not_implemented
from sandbox.faults.operations import (
    ApplicationList,
    ApplicationRead,
    AssignmentList,
    DefinitionRead,
    ResourceGroupRead,
)
from sandbox.world.customers import Access, Customer
from sandbox.world.policies import Assignment, PolicyDefinition, PolicySet

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.azure.identity.tokens import Token

APPLICATION_VERSIONS = frozenset({"2019-07-01", "2021-07-01"})
GROUP_VERSIONS = frozenset({"2020-06-01", "2021-04-01", "2022-09-01", "2023-07-01", "2024-03-01", "2024-11-01"})
POLICY_VERSIONS = frozenset(
    {"2020-09-01", "2021-06-01", "2022-06-01", "2023-04-01", "2024-04-01", "2024-05-01", "2025-01-01", "2025-03-01"}
)

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}"
_APPLICATIONS = "/providers/Microsoft.Solutions/applications"
_ASSIGNMENTS = "/providers/Microsoft.Authorization/policyAssignments"


class Applications:
    """The GET requests of Resource Manager."""

    def __init__(self, arm: ResourceManager) -> None:
        self._arm = arm
        arm.route("GET", f"{_GROUP}{_APPLICATIONS}/{{name}}", APPLICATION_VERSIONS, self._application)
        arm.route("GET", f"{_GROUP}{_APPLICATIONS}", APPLICATION_VERSIONS, self._applications)
        arm.route("GET", f"{_SUBSCRIPTION}{_APPLICATIONS}", APPLICATION_VERSIONS, self._applications)
        arm.route("GET", _GROUP, GROUP_VERSIONS, self._resource_group)
        arm.route("GET", f"{_GROUP}{_ASSIGNMENTS}", POLICY_VERSIONS, self._assignments)
        arm.route("GET", f"{_GROUP}{_ASSIGNMENTS}/{{name}}", POLICY_VERSIONS, self._assignment)
        for scope in ("", _SUBSCRIPTION, "/providers/Microsoft.Management/managementGroups/{management_group}"):
            for kind in ("policyDefinitions", "policySetDefinitions"):
                path = f"{scope}/providers/Microsoft.Authorization/{kind}/{{name}}"
                arm.route("GET", path, POLICY_VERSIONS, self._definition)

    async def _application(self, request: web.Request, found: Found) -> web.StreamResponse:
        customer = self._arm.customers.by_application(request.path.rstrip("/"))

        def answer(token: Token) -> web.Response:
            if customer is None or customer.deleted:
                if not self._arm.customers.in_subscription(found["subscription"]):
                    raise subscription_not_found(found["subscription"])
                raise RefusedError(
                    404,
                    "ResourceNotFound",
                    f"The Resource 'Microsoft.Solutions/applications/{found['name']}' under resource group "
                    f"'{found['group']}' was not found.",
                )
            self._arm.authorize(token, customer, Access.APPLICATION, customer.application_id)
            return json_response(application_json(customer))

        return await self._arm.answer(request, ApplicationRead(customer), found["subscription"], answer)

    async def _applications(self, request: web.Request, found: Found) -> web.StreamResponse:
        subscription, group = found["subscription"], found.get("group")

        def answer(token: Token) -> web.Response:
            customers = self._arm.customers.in_subscription(subscription)
            if not customers:
                raise subscription_not_found(subscription)
            visible = [
                customer
                for customer in customers
                if not customer.deleted
                and customer.visible
                and Access.APPLICATION in customer.access
                and token.object_id in self._arm.authorized_object_ids
                and group in {None, customer.resource_group}
            ]
            return json_response({"value": [application_json(customer) for customer in visible]})

        return await self._arm.answer(request, ApplicationList(subscription), subscription, answer)

    async def _resource_group(self, request: web.Request, found: Found) -> web.StreamResponse:
        customer = self._arm.customers.by_group(found["subscription"], found["group"])

        def answer(token: Token) -> web.Response:
            owner = self._arm.group_owner(token, found["subscription"], found["group"], Access.RESOURCE_GROUP)
            return json_response(
                {
                    "id": owner.managed_resource_group_id,
                    "name": owner.managed_resource_group,
                    "type": "Microsoft.Resources/resourceGroups",
                    "location": "westeurope",
                    "managedBy": owner.application_id,
                    "properties": {"provisioningState": "Succeeded"},
                }
            )

        return await self._arm.answer(request, ResourceGroupRead(customer), found["subscription"], answer)

    async def _assignments(self, request: web.Request, found: Found) -> web.StreamResponse:
        customer = self._arm.customers.by_group(found["subscription"], found["group"])

        def answer(token: Token) -> web.Response:
            owner = self._arm.group_owner(token, found["subscription"], found["group"], Access.RESOURCE_GROUP)
            listed = _filtered(owner, request.query.get("$filter"))
            if Access.ASSIGNMENTS not in owner.access:
                listed = []  # without the right to read them Azure lists none, instead of refusing
            return json_response({"value": [assignment_json(assignment) for assignment in listed]})

        return await self._arm.answer(request, AssignmentList(customer), found["subscription"], answer)

    async def _assignment(self, request: web.Request, found: Found) -> web.StreamResponse:
        customer = self._arm.customers.by_group(found["subscription"], found["group"])

        def answer(token: Token) -> web.Response:
            owner = self._arm.group_owner(token, found["subscription"], found["group"], Access.ASSIGNMENTS)
            for assignment in owner.assignments:
                if assignment.id.lower() == request.path.rstrip("/").lower():
                    return json_response(assignment_json(assignment))
            raise RefusedError(
                404, "PolicyAssignmentNotFound", f"The policy assignment '{found['name']}' is not found."
            )

        return await self._arm.answer(request, AssignmentList(customer), found["subscription"], answer)

    async def _definition(self, request: web.Request, found: Found) -> web.StreamResponse:
        subscription = found.get("subscription") or ""

        def answer(token: Token) -> web.Response:
            if subscription or "management_group" in found:
                # Customers' own definitions live above the managed resource group, where the publisher has no role.
                raise forbidden(token, "Microsoft.Authorization/policyDefinitions/read", request.path)
            for definition in self._definitions():
                if definition.id.lower() == request.path.rstrip("/").lower():
                    return json_response(definition_json(definition))
            raise RefusedError(
                404, "PolicyDefinitionNotFound", f"The policy definition '{found['name']}' could not be found."
            )

        return await self._arm.answer(request, DefinitionRead(found["name"]), subscription, answer)

    def _definitions(self) -> list[PolicyDefinition | PolicySet]:
        assigned = {
            assignment.definition.id: assignment.definition
            for customer in self._arm.customers.all()
            for assignment in customer.assignments + customer.foreign_assignments
        }
        sets = [definition for definition in assigned.values() if isinstance(definition, PolicySet)]
        members = {member.id: member for one in sets for _, member in one.members}
        return [*assigned.values(), *members.values()]


def application_json(customer: Customer) -> dict[str, Any]:
    """A managed application in Azure's spelling; much of it is null in practice, too."""
    marketplace = customer.kind == "MarketPlace"
    return {
        "id": customer.application_id,
        "name": customer.application_name,
        "type": "Microsoft.Solutions/applications",
        "location": "westeurope",
        "tags": None,
        "managedBy": None,
        "plan": customer.plan.as_json() if marketplace else None,
        "identity": None,
        "kind": customer.kind,
        "sku": None,
        "properties": {
            "applicationDefinitionId": None if marketplace else definition_id(customer),
            "managedResourceGroupId": customer.managed_resource_group_id,
            "outputs": None,
            "parameters": {},
            "provisioningState": customer.provisioning_state,
            "billingDetails": {"resourceUsageId": customer.usage_id} if marketplace else None,
            "jitAccessPolicy": None,
            "publisherTenantId": None,
            "authorizations": [],
            "managementMode": "Managed",
            "customerSupport": None,
            "supportUrls": None,
            "artifacts": [],
            "createdBy": None,
            "updatedBy": None,
        },
    }


def definition_id(customer: Customer) -> str:
    """The service catalog definition that a customer's application was deployed from."""
    return (
        f"/subscriptions/{customer.subscription_id}/resourceGroups/rg-catalog/providers/Microsoft.Solutions"
        f"/applicationDefinitions/{customer.plan.product}"
    )


def assignment_json(assignment: Assignment) -> dict[str, Any]:
    """A policy assignment in Azure's spelling."""
    return {
        "id": assignment.id,
        "name": assignment.name,
        "type": "Microsoft.Authorization/policyAssignments",
        "properties": {
            "displayName": assignment.display_name,
            "policyDefinitionId": assignment.definition.id,
            "scope": assignment.scope,
            "notScopes": [],
            "parameters": {},
            "enforcementMode": "Default",
        },
    }


def definition_json(definition: PolicyDefinition | PolicySet) -> dict[str, Any]:
    """A policy definition or initiative in Azure's spelling."""
    properties: dict[str, Any] = {"displayName": definition.display_name, "policyType": "BuiltIn", "parameters": {}}
    kind = "policyDefinitions"
    if isinstance(definition, PolicySet):
        kind = "policySetDefinitions"
        properties["policyDefinitions"] = [
            {"policyDefinitionReferenceId": reference, "policyDefinitionId": member.id, "parameters": {}}
            for reference, member in definition.members
        ]
    else:
        properties["metadata"] = {"category": definition.category}
    return {
        "id": definition.id,
        "name": definition.name,
        "type": f"Microsoft.Authorization/{kind}",
        "properties": properties,
    }


def _filtered(customer: Customer, text: str | None) -> list[Assignment]:
    """The assignments at, above and (unless filtered out) inside the managed resource group."""
    group = customer.managed_resource_group_id.lower()
    everything = [*customer.assignments, *customer.foreign_assignments]
    if not text:
        return everything
    if text.strip() == "atScope()":
        return [assignment for assignment in everything if not assignment.scope.lower().startswith(f"{group}/")]
    if text.strip() == "atExactScope()":
        return [assignment for assignment in everything if assignment.scope.lower() == group]
    raise not_implemented(f"$filter={text[:100]} on policy assignments")
