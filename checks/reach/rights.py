"""The rights that the role assignments of a deployment give, and what runs as which identity."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from checks.templates.functions import GROUP_ID
from checks.templates.values import AtRuntime, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.templates.deployment import Deployment

ROLE_ASSIGNMENT: Final = "Microsoft.Authorization/roleAssignments"
IDENTITY: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
SITE: Final = "Microsoft.Web/sites"
_ROLE_ID: Final = re.compile(r"/providers/Microsoft\.Authorization/roleDefinitions/([0-9a-f-]{36})$")


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """An identity (by name) has a role (by id) on a resource (its id below the resource group), under a condition."""

    identity: str
    role_id: str
    scope: str
    condition: str = ""


def rights(deployment: Deployment) -> tuple[set[Right], list[str]]:
    """Return the rights that role assignments give, and a line for each assignment that is not understood."""
    found, problems = set[Right](), list[str]()
    for assignment in deployment.resources:
        if assignment.type.lower() != ROLE_ASSIGNMENT.lower():
            continue
        right = _right(assignment)
        if isinstance(right, str):
            problems.append(f"{where(assignment)}: {right}")
        else:
            found.add(right)
    return found, problems


def _right(assignment: Resource) -> Right | str:
    properties: Mapping[str, Any] = assignment.body.get("properties", {})
    principal = properties.get("principalId")
    if (
        not isinstance(principal, AtRuntime)
        or principal.resource.type != IDENTITY
        or principal.path != "properties.principalId"
    ):
        return f"a role goes to {principal!r}, which is no identity of the installation"
    role = _ROLE_ID.search(str(properties.get("roleDefinitionId")))
    if role is None:
        return f"the role {properties.get('roleDefinitionId')!r} is no role definition by its id"
    if not isinstance(assignment.scope, Resource) or not assignment.scope.id.startswith(f"{GROUP_ID}/providers/"):
        return f"{principal.resource.name} gets a role on the resource group or more, and not on one resource"
    scope = assignment.scope.id.removeprefix(f"{GROUP_ID}/providers/")
    return Right(principal.resource.name, role[1], scope, str(properties.get("condition") or ""))


def carriers(deployment: Deployment) -> set[tuple[str, str]]:
    """Return which resources run as which identity: (name of the identity, type of resource and its name)."""
    return {
        (name, f"{resource.type} {resource.name}" if resource.type == SITE else resource.type)
        for resource in deployment.resources
        for name in identities_of(resource)
    }


def identities_of(resource: Resource) -> list[str]:
    """Return the names of the identities that a resource runs as."""
    given = (resource.body.get("identity") or {}).get("userAssignedIdentities") or {}
    return [identity.rsplit("/", 1)[1] for identity in given]


def where(resource: Resource) -> str:
    """Return file and line of a resource."""
    return f"{resource.file.name}:{resource.line}"
