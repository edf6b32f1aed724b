"""The rights that a deployment gives, and what else in it could give one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from checks.templates.functions import GROUP_ID
from checks.templates.values import AtRuntime, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.templates.deployment import Deployment

ROLE_ASSIGNMENT: Final = "Microsoft.Authorization/roleAssignments"
IDENTITY: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
SITE: Final = "Microsoft.Web/sites"
CARRIERS: Final[Mapping[str, str]] = {SITE: "an app", "Microsoft.Insights/scheduledQueryRules": "an alert rule"}
"""The types of resources that may run as an identity."""

_WAYS_ROUND: Final = (
    re.compile(rf"Microsoft\.Authorization/(?!{ROLE_ASSIGNMENT.partition('/')[2]}$)", re.IGNORECASE),
    re.compile(r"Microsoft\.Resources/(deployments|deploymentScripts|templateSpecs)", re.IGNORECASE),
    re.compile(r"Microsoft\.ManagedIdentity/userAssignedIdentities/", re.IGNORECASE),
    re.compile(r".*/providers/", re.IGNORECASE),
    re.compile(r".*/(accessPolicies|localUsers|accessPolicyAssignments|authorizationRules)$", re.IGNORECASE),
)
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
        for name in _identities(resource)
    }


def other_ways(deployment: Deployment) -> Iterator[str]:
    """Yield a line for whatever else than a role assignment could let somebody in."""
    for resource in deployment.resources:
        properties: Mapping[str, Any] = resource.body.get("properties", {})
        if any(way.match(resource.type) for way in _WAYS_ROUND):
            yield f"{where(resource)}: {resource.type} may give rights that are not looked at here"
        kind = (resource.body.get("identity") or {}).get("type", "UserAssigned")
        if kind != "UserAssigned" or (_identities(resource) and resource.type not in CARRIERS):
            yield f"{where(resource)}: {resource.type} runs as an identity ({kind})"
        if resource.type == "Microsoft.Storage/storageAccounts" and properties.get("allowSharedKeyAccess") is not False:
            yield f"{where(resource)}: {resource.name} has keys, which need no role"
        if resource.type == "Microsoft.KeyVault/vaults" and (
            properties.get("enableRbacAuthorization") is not True or properties.get("accessPolicies")
        ):
            yield f"{where(resource)}: {resource.name} has access policies, which need no role"
        if resource.type == SITE:
            yield from _foreign_identities(resource)


def _foreign_identities(site: Resource) -> Iterator[str]:
    """An app's package and its secrets are read with the identity that it runs as."""
    own = {f"{GROUP_ID}/providers/{IDENTITY}/{name}" for name in _identities(site)}
    properties = site.body["properties"]
    authentication = properties["functionAppConfig"]["deployment"]["storage"]["authentication"]
    used = {properties["keyVaultReferenceIdentity"], authentication["userAssignedIdentityResourceId"]}
    if len(own) != 1 or used != own:
        yield f"{where(site)}: {site.name} runs as {sorted(own)} and reads secrets and its package as {sorted(used)}"


def _identities(resource: Resource) -> list[str]:
    given = (resource.body.get("identity") or {}).get("userAssignedIdentities") or {}
    return [identity.rsplit("/", 1)[1] for identity in given]


def where(resource: Resource) -> str:
    """Return file and line of a resource."""
    return f"{resource.file.name}:{resource.line}"
