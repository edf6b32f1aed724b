"""Plays the resource provider Microsoft.Authorization: policy assignments, policy definitions and initiatives.

Source: the REST specification of Microsoft.Authorization (policyAssignments, policyDefinitions, policySetDefinitions).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sandbox.azure.identity.directory import TENANT_ID
from sandbox.azure.resource_manager import ArmRequest, ResourceManager, forbidden
from sandbox.errors import RefusedError, json_response, not_implemented
from sandbox.faults.operations import AssignmentList, DefinitionRead
from sandbox.world.customers import Access, Customer
from sandbox.world.policies import Assignment, PolicyDefinition, PolicySet
from sandbox.world.state_documents import timestamp

if TYPE_CHECKING:
    from aiohttp import web

VERSIONS = frozenset(
    {"2020-09-01", "2021-06-01", "2022-06-01", "2023-04-01", "2024-04-01", "2024-05-01", "2025-01-01", "2025-03-01"}
)

_VERSIONED = frozenset(one for one in VERSIONS if one >= "2023-04-01")
"""Those that know versions of definitions (types of Azure/bicep-types-az)."""

LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""When an assignment was last written of which nothing else is said."""

_PROVIDER = "/providers/Microsoft.Authorization"
_SUBSCRIPTION = "/subscriptions/{subscription}"
_MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/{management_group}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}"
_ASSIGNMENTS = f"{_GROUP}{_PROVIDER}/policyAssignments"
_ASSIGNMENTS_INSIDE = f"{_GROUP}/providers/{{namespace}}/{{type}}/{{resource}}{_PROVIDER}/policyAssignments"
_SELECTORS_SINCE = "2022-06-01"
_DEFINITION_VERSION_SINCE = "2024-05-01"
"""The first api-versions whose answers have resourceSelectors and overrides, and definitionVersion."""


class PolicyAssignments:
    """GET of the assignments at a managed resource group, of one of them, and of a definition or initiative."""

    def __init__(self, arm: ResourceManager) -> None:
        self._arm = arm
        for path, answer in (
            (_ASSIGNMENTS, self._assignments),
            (f"{_ASSIGNMENTS}/{{name}}", self._assignment),
            (f"{_ASSIGNMENTS_INSIDE}/{{name}}", self._assignment),
        ):
            arm.serve("GET", path, VERSIONS, lambda _, found: AssignmentList(arm.customer_at(found)), answer)
        for scope in ("", _SUBSCRIPTION, _MANAGEMENT_GROUP):
            for kind in ("policyDefinitions", "policySetDefinitions"):
                path = f"{scope}{_PROVIDER}/{kind}/{{name}}"
                arm.serve("GET", path, VERSIONS, lambda _, found: DefinitionRead(found["name"]), self._definition)
                path, since = f"{path}/versions/{{version}}", _VERSIONED
                arm.serve("GET", path, since, lambda _, found: DefinitionRead(found["name"]), self._definition)

    def _assignments(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.RESOURCE_GROUP)
        listed = _filtered(owner, request.http.query.get("$filter"))
        if Access.ASSIGNMENTS not in owner.access:
            listed = []  # without the right to read them Azure lists none, instead of refusing
        return json_response({"value": [assignment_json(assignment, _version(request)) for assignment in listed]})

    def _assignment(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.ASSIGNMENTS)
        for assignment in owner.assignments:
            if request.is_for(assignment.id):
                return json_response(assignment_json(assignment, _version(request)))
        name = request.path["name"]
        raise RefusedError(404, "PolicyAssignmentNotFound", f"The policy assignment '{name}' is not found.")

    def _definition(self, request: ArmRequest) -> web.Response:
        if "subscription" in request.path or "management_group" in request.path:
            # Customers' own definitions live above the managed resource group, where the publisher has no role.
            raise forbidden(request.token, "Microsoft.Authorization/policyDefinitions/read", request.http.path)
        name, api_version, version = request.path["name"], _version(request), request.path.get("version")
        for definition in self._definitions():
            if request.is_for(definition.id):
                return json_response(definition_json(definition, api_version))
            for one in _versions(definition) if version else ():
                if request.is_for(f"{definition.id}/versions/{one.version}"):
                    return json_response(version_json(one, api_version))
        raise RefusedError(404, "PolicyDefinitionNotFound", f"The policy definition '{name}' could not be found.")

    def _definitions(self) -> list[PolicyDefinition | PolicySet]:
        assigned = {
            assignment.definition.id: assignment.definition
            for customer in self._arm.customers.all()
            for assignment in customer.assignments + customer.foreign_assignments
        }
        sets = [definition for definition in assigned.values() if isinstance(definition, PolicySet)]
        members = {member.id: member for one in sets for _, member in one.members}
        return [*assigned.values(), *members.values()]


def assignment_json(assignment: Assignment, api_version: str) -> dict[str, Any]:
    """A policy assignment in Azure's spelling, with what an api-version has."""
    written_at = timestamp(assignment.changed_at or LONG_AGO)
    properties = {
        "displayName": assignment.display_name,
        "policyDefinitionId": assignment.definition.id,
        "definitionVersion": "1.*.*",
        "scope": assignment.scope,
        "notScopes": [],
        "parameters": {},
        "enforcementMode": "Default",
        "metadata": {"createdOn": timestamp(LONG_AGO), "updatedOn": written_at},
        **assignment.properties,
    }
    if api_version < _DEFINITION_VERSION_SINCE:
        del properties["definitionVersion"]
    if api_version < _SELECTORS_SINCE:
        properties = {name: one for name, one in properties.items() if name not in {"resourceSelectors", "overrides"}}
    identity = {"type": "SystemAssigned", "principalId": assignment.identity, "tenantId": TENANT_ID}
    return {
        "id": assignment.id,
        "name": assignment.name,
        "type": "Microsoft.Authorization/policyAssignments",
        **({"identity": identity, "location": "westeurope"} if assignment.identity else {}),
        "properties": properties,
        "systemData": {"createdAt": timestamp(LONG_AGO), "lastModifiedAt": written_at},
    }


def _versions(definition: PolicyDefinition | PolicySet) -> list[PolicyDefinition | PolicySet]:
    """A definition's versions, the latest first; of an initiative the sandbox knows no earlier ones."""
    return [definition, *(definition.earlier if isinstance(definition, PolicyDefinition) else ())]


def version_json(definition: PolicyDefinition | PolicySet, api_version: str) -> dict[str, Any]:
    """One version of a policy definition or initiative in Azure's spelling."""
    document = definition_json(definition, api_version)
    del document["properties"]["versions"]
    version = {"id": f"{document['id']}/versions/{definition.version}", "name": definition.version}
    return {**document, **version, "type": f"{document['type']}/versions"}


def definition_json(definition: PolicyDefinition | PolicySet, api_version: str) -> dict[str, Any]:
    """A policy definition or initiative in Azure's spelling, with what an api-version has."""
    effect = _effect(definition)
    properties: dict[str, Any] = {
        "displayName": definition.display_name,
        "policyType": "BuiltIn",
        "parameters": {"effect": {"type": "String", "defaultValue": effect}} if effect else {},
    }
    kind = "policyDefinitions"
    if isinstance(definition, PolicySet):
        kind = "policySetDefinitions"
        properties["policyDefinitions"] = [
            {
                "policyDefinitionReferenceId": reference,
                "policyDefinitionId": member.id,
                "definitionVersion": "1.*.*",
                "parameters": {"effect": {"value": "[parameters('effect')]"}} if effect else {},
            }
            for reference, member in definition.members
        ]
    else:
        properties["metadata"] = {"category": definition.category}
        then: dict[str, Any] = {"effect": "[parameters('effect')]"}
        if definition.roles:
            then["details"] = {"roleDefinitionIds": [f"{_PROVIDER}/roleDefinitions/{one}" for one in definition.roles]}
        properties["policyRule"] = {"if": {}, "then": then}
    if api_version in _VERSIONED:
        properties["version"] = definition.version
        properties["versions"] = [one.version for one in _versions(definition)]
    return {
        "id": definition.id,
        "name": definition.name,
        "type": f"Microsoft.Authorization/{kind}",
        "properties": properties,
    }


def _version(request: ArmRequest) -> str:
    return request.http.query["api-version"]


def _effect(definition: PolicyDefinition | PolicySet) -> str:
    """The default of the parameter `effect`; "" for an initiative whose rules keep their own effects."""
    if not isinstance(definition, PolicySet):
        return definition.effect
    effects = {member.effect for _, member in definition.members}
    return effects.pop() if len(effects) == 1 else ""


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
