"""Roles and deny assignments, as ARM describes them."""

from __future__ import annotations

from typing import Any

import pytest

from operations.acting.rights import OWNER, RoleAssignment, missing_roles
from registry.policies.deny_assignments import DenyAssignment

GROUP = "/subscriptions/5b5e0000-5b5e-5b5e-5b5e-5b5e00000000/resourceGroups/mrg"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/one"
ME = "1d000000-0000-4000-8000-0000000000ac"
OTHER = "0e000000-0000-4000-8000-000000000001"
ROLE = "17d1049b-9a84-46fb-8f53-869881c3d3ab"


def role(scope: str, principal: str = ME, name: str = ROLE) -> RoleAssignment:
    identity = f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{name.upper()}"
    properties = {"principalId": principal.upper(), "roleDefinitionId": identity, "scope": scope}
    return RoleAssignment.of({"id": "", "properties": properties})


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        (role(GROUP), ()),
        (role(GROUP.upper()), ()),
        (role("/subscriptions/5B5E0000-5b5e-5b5e-5b5e-5b5e00000000"), ()),
        (role("/providers/Microsoft.Management/managementGroups/contoso"), ()),
        (role("/"), ()),
        (role(GROUP, name=OWNER), ()),
        (role(f"{GROUP}-2"), (ROLE,)),
        (role(STORAGE), (ROLE,)),
        (role(GROUP, principal=OTHER), (ROLE,)),
        (role(""), (ROLE,)),
    ],
)
def test_a_role_counts_at_the_group_or_above_it(held: RoleAssignment, missing: tuple[str, ...]) -> None:
    assert missing_roles([ROLE], [held], [ME], GROUP) == missing


def test_a_scope_that_is_not_told_is_in_the_id() -> None:
    document = {
        "Id": f"{GROUP}/providers/microsoft.authorization/RoleAssignments/x",
        "Properties": {"PrincipalId": ME, "RoleDefinitionId": f"/x/{ROLE}"},
    }
    assert missing_roles([ROLE], [RoleAssignment.of(document)], [ME], GROUP) == ()


def denial(**properties: Any) -> DenyAssignment:
    usual = {
        "denyAssignmentName": "deny",
        "permissions": [{"actions": ["*"], "notActions": ["*/read"]}],
        "scope": GROUP,
        "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
        "excludePrincipals": [],
        "doNotApplyToChildScopes": False,
    }
    return DenyAssignment.of({"properties": usual | properties})


@pytest.mark.parametrize(
    ("properties", "denied"),
    [
        ({}, True),
        ({"principals": [{"type": "Everyone"}]}, True),
        ({"principals": [{"id": ME.upper(), "type": "ServicePrincipal"}]}, True),
        ({"principals": [{"id": OTHER, "type": "ServicePrincipal"}]}, False),
        ({"excludePrincipals": [{"id": ME.upper(), "type": "ServicePrincipal"}]}, False),
        ({"excludePrincipals": [{"id": OTHER, "type": "ServicePrincipal"}]}, True),
        ({"permissions": [{"actions": ["*/delete"]}]}, False),
        ({"permissions": [{"actions": ["*"], "notActions": ["Microsoft.Storage/*"]}]}, False),
        ({"permissions": [{"actions": ["*/delete"]}, {"actions": ["microsoft.storage/*/WRITE"]}]}, True),
        ({"permissions": None}, False),
        ({"doNotApplyToChildScopes": True}, False),
        ({"scope": STORAGE, "doNotApplyToChildScopes": True}, True),
        ({"scope": f"{GROUP}-2"}, False),
        ({"scope": ""}, True),
    ],
)
def test_a_deny_assignment_holds_the_identity(properties: dict[str, Any], denied: bool) -> None:
    action = denial(**properties).denies([ME], {STORAGE: ["Microsoft.Storage/storageAccounts/write"]})
    assert bool(action) is denied
