"""Plays role assignments, role definitions and deny assignments of Microsoft.Authorization at a managed resource group.

Source: the REST specification of Microsoft.Authorization, 2022-04-01: `RoleAssignments_ListForResourceGroup`,
`RoleDefinitions_Get` and `DenyAssignments_ListForResourceGroup`.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from sandbox.errors import RefusedError, json_response, not_implemented
from sandbox.faults.operations import DenyAssignmentList, RoleAssignmentList, RoleDefinitionRead
from sandbox.world.plans import Access
from sandbox.world.policies import ROLE_NAMES

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.azure.resource_manager import ArmRequest, ResourceManager
    from sandbox.world.remediation import DenyAssignment, RoleAssignment

VERSIONS = frozenset({"2018-07-01-preview", "2022-04-01"})
EVERYBODY = "00000000-0000-0000-0000-000000000000"
_PROVIDER = "/providers/Microsoft.Authorization"
_GROUP = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}{_PROVIDER}"
_OF_PRINCIPAL = re.compile(r"principalId eq '([0-9a-fA-F-]{36})'")


class Authorization:
    """GET of the role assignments of a principal, and of the deny assignments at or above the group."""

    def __init__(self, arm: ResourceManager) -> None:
        self._arm = arm
        arm.serve(
            "GET",
            f"{_GROUP}/roleAssignments",
            VERSIONS,
            lambda _, path: RoleAssignmentList(arm.customer_at(path)),
            self._roles,
        )
        arm.serve(
            "GET",
            f"{_GROUP}/roleDefinitions/{{role}}",
            VERSIONS,
            lambda _, path: RoleDefinitionRead(arm.customer_at(path)),
            self._role,
        )
        arm.serve(
            "GET",
            f"{_GROUP}/denyAssignments",
            VERSIONS,
            lambda _, path: DenyAssignmentList(arm.customer_at(path)),
            self._denials,
        )

    def _roles(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.ROLES)
        wanted = request.http.query.get("$filter", "")
        of = _OF_PRINCIPAL.fullmatch(wanted)
        if wanted and of is None:
            raise not_implemented(f"$filter={wanted[:100]} on role assignments")
        shown = owner.remediation.roles if owner.remediation.roles_are_shown else []
        found = [one for one in shown if of is None or one.principal_id.lower() == of[1].lower()]
        return json_response({"value": [_role_json(one) for one in found]})

    def _role(self, request: ArmRequest) -> web.Response:
        self._arm.group_owner(request, Access.RESOURCE_GROUP)
        name = request.path["role"].lower()
        if name not in ROLE_NAMES:
            raise RefusedError(404, "RoleDefinitionDoesNotExist", f"The role definition '{name}' does not exist.")
        return json_response(
            {
                "id": f"{_PROVIDER}/roleDefinitions/{name}",
                "name": name,
                "type": "Microsoft.Authorization/roleDefinitions",
                "properties": {"roleName": ROLE_NAMES[name], "type": "BuiltInRole"},
            }
        )

    def _denials(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.RESOURCE_GROUP)
        readable = Access.DENIALS in owner.access  # what happens without the right is not documented: this is worse
        wanted = request.http.query.get("$filter", "atScope()")
        if wanted != "atScope()":
            raise not_implemented(f"$filter={wanted[:100]} on deny assignments")
        group = owner.managed_resource_group_id
        listed = owner.remediation.denials if readable else []
        return json_response({"value": [_denial_json(one, group) for one in listed]})


def _role_json(role: RoleAssignment) -> dict[str, Any]:
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{role.scope}{role.principal_id}{role.role}"))
    return {
        "id": f"{role.scope}{_PROVIDER}/roleAssignments/{name}",
        "name": name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": f"{'/'.join(role.scope.split('/')[:3])}{_PROVIDER}/roleDefinitions/{role.role}",
            "principalId": role.principal_id,
            "principalType": "ServicePrincipal",
            "scope": role.scope,
        },
    }


def _denial_json(denial: DenyAssignment, group: str) -> dict[str, Any]:
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{group}{denial.name}"))
    return {
        "id": f"{group}{_PROVIDER}/denyAssignments/{name}",
        "name": name,
        "type": "Microsoft.Authorization/denyAssignments",
        "properties": {
            "denyAssignmentName": denial.name,
            "permissions": [
                {
                    "actions": list(denial.actions),
                    "notActions": list(denial.not_actions),
                    "dataActions": [],
                    "notDataActions": [],
                }
            ],
            "scope": group,
            "doNotApplyToChildScopes": denial.here_only,
            "principals": [{"id": EVERYBODY, "type": "SystemDefined", "displayName": "All Principals"}],
            "excludePrincipals": [{"id": one, "type": "ServicePrincipal"} for one in denial.excluded],
            "isSystemProtected": True,
        },
    }
