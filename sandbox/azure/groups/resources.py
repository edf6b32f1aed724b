"""Plays what ARM says about a managed resource group: its resources, exemptions, and the caller's permissions.

Sources: the REST specifications of Microsoft.Resources (resources), Microsoft.Authorization (policyExemptions
2022-07-01-preview, permissions 2022-04-01).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.errors import RefusedError, json_response
from sandbox.faults.operations import ExemptionList, PermissionList, ResourceList, ResourceRead
from sandbox.world.plans import Access
from sandbox.world.state_documents import timestamp

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.azure.resource_manager import ArmRequest, ResourceManager
    from sandbox.world.policies import Exemption

LIST_VERSIONS = frozenset({"2020-06-01", "2021-04-01", "2022-09-01", "2023-07-01", "2024-03-01", "2024-11-01"})
EXEMPTION_VERSIONS = frozenset({"2020-07-01-preview", "2022-07-01-preview"})
PERMISSION_VERSIONS = frozenset({"2015-07-01", "2018-07-01", "2022-04-01"})
RESOURCE_VERSIONS = frozenset({"2022-09-01", "2023-05-01", "2024-01-01", "2024-06-01-preview"})
"""Every type of the sandbox has these; real types have their own."""

_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_ANY_VERSION = RESOURCE_VERSIONS | LIST_VERSIONS | EXEMPTION_VERSIONS | PERMISSION_VERSIONS


class Resources:
    """GET of a group's resources, of one of them, of its exemptions, and of the caller's permissions there."""

    def __init__(self, arm: ResourceManager) -> None:
        self._arm = arm
        found = arm.customer_at
        arm.serve("GET", f"{_GROUP}/resources", LIST_VERSIONS, lambda _, path: ResourceList(found(path)), self._list)
        arm.serve(
            "GET",
            f"{_GROUP}/providers/Microsoft.Authorization/policyExemptions",
            EXEMPTION_VERSIONS,
            lambda _, path: ExemptionList(found(path)),
            self._exemptions,
        )
        arm.serve(
            "GET",
            f"{_GROUP}/providers/Microsoft.Authorization/permissions",
            PERMISSION_VERSIONS,
            lambda _, path: PermissionList(found(path)),
            self._permissions,
        )
        for provider in ("Microsoft.Storage", "Microsoft.KeyVault", "Microsoft.Web"):
            for inside in ("{type}/{name}", "{type}/{name}/{child}/{child_name}"):
                arm.serve(
                    "GET",
                    f"{_GROUP}/providers/{provider}/{inside}",
                    _ANY_VERSION,
                    lambda _, path: ResourceRead(found(path)),
                    self._resource,
                )

    def _list(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.RESOURCE_GROUP)
        group = owner.managed_resource_group_id
        shown = ("id", "name", "type", "location", "identity")  # without properties
        if Access.RESOURCES not in owner.access:  # the list has what the caller may read, and is not refused
            return json_response({"value": []})
        documents = [one for one in owner.documents.of_group(group) if one["type"].count("/") == 1]
        known = {one["id"].lower() for one in documents}
        documents += [
            {"id": one.id(group), "name": one.name, "type": one.type, "location": one.location}
            for one in owner.resources
            if one.type.count("/") == 1 and one.id(group).lower() not in known  # the list has no children
        ]
        return json_response({"value": [{key: one[key] for key in shown if key in one} for one in documents]})

    def _resource(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.RESOURCES)
        _check_version(request)
        for one in owner.resources:
            if request.is_for(one.id(owner.managed_resource_group_id)):
                return json_response(
                    {"id": one.id(owner.managed_resource_group_id), "name": one.name, "type": one.type}
                )
        inside = request.http.path.split("/providers/", 1)[1]
        _check_parent(inside, [one.id("") for one in owner.resources])
        raise RefusedError(
            404,
            "ResourceNotFound",
            f"The Resource '{inside}' under resource group '{owner.managed_resource_group}' was not found. "
            "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        )

    def _exemptions(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.RESOURCE_GROUP)
        readable = Access.EXEMPTIONS in owner.access  # without the right Azure lists none, instead of refusing
        group = owner.managed_resource_group_id
        return json_response({"value": [_exemption_json(one, group) for one in owner.exemptions] if readable else []})

    def _permissions(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.RESOURCE_GROUP)
        # What Contributor or Owner has, unless rights were taken away.
        denied = ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"]
        actions = ["*"] if owner.access == set(Access) else [access.value for access in sorted(owner.access)]
        withdrawn = sorted(set(Access) - owner.access)  # which the action */read would include
        permission = {
            "actions": actions,
            "notActions": [*([] if owner.publisher_is_owner else denied), *withdrawn],
            "dataActions": [],
            "notDataActions": [],
        }
        return json_response({"value": [permission]})


def _check_parent(inside: str, existing: list[str]) -> None:
    """Raises RefusedError when a resource's parent does not exist."""
    namespace, kind, name, *child = inside.split("/")
    parent = f"/providers/{namespace}/{kind}/{name}"
    if child and parent.lower() not in {one.lower() for one in existing}:
        message = f"Can not perform requested operation on nested resource. Parent resource '{name}' not found."
        raise RefusedError(404, "ParentResourceNotFound", message)


def _check_version(request: ArmRequest) -> None:
    asked = request.http.query.get("api-version")
    if asked not in RESOURCE_VERSIONS:
        namespace, kind = request.http.path.split("/providers/", 1)[1].split("/")[:2]
        raise RefusedError(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for location 'westeurope' and API version '{asked}' for type "
            f"'{kind}'. The supported api-versions are '{', '.join(sorted(RESOURCE_VERSIONS))}'. "
            f"The supported locations are 'westeurope, northeurope' ({namespace}).",
        )


def _exemption_json(exemption: Exemption, group: str) -> dict[str, Any]:
    return {
        "id": f"{exemption.scope or group}/providers/Microsoft.Authorization/policyExemptions/{exemption.name}",
        "name": exemption.name,
        "type": "Microsoft.Authorization/policyExemptions",
        "properties": {
            "policyAssignmentId": exemption.assignment_id,
            "policyDefinitionReferenceIds": list(exemption.references),
            "exemptionCategory": exemption.category,
            "expiresOn": timestamp(exemption.expires_at) if exemption.expires_at else None,
            "displayName": exemption.name,
        },
        "systemData": {"createdBy": exemption.created_by, "createdByType": "User"},
    }
