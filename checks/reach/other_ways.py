"""What else than a role assignment could let somebody in: keys, passwords, anonymous access, unknown types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from checks.reach.rights import IDENTITY, SITE, identities_of, where
from checks.templates.functions import GROUP_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.templates.deployment import Deployment
    from checks.templates.values import Resource

CARRIERS: Final = frozenset({SITE, "Microsoft.Insights/scheduledQueryRules"})
"""The types of resources that may run as an identity."""

_JUDGED: Final = frozenset(
    {
        "Microsoft.Authorization/locks",
        "Microsoft.Authorization/roleAssignments",
        "Microsoft.Insights/actionGroups",
        "Microsoft.Insights/activityLogAlerts",
        "Microsoft.Insights/components",
        "Microsoft.Insights/dataCollectionEndpoints",
        "Microsoft.Insights/dataCollectionRules",
        "Microsoft.Insights/diagnosticSettings",
        "Microsoft.Insights/privateLinkScopes",
        "Microsoft.Insights/privateLinkScopes/scopedResources",
        "Microsoft.Insights/scheduledQueryRules",
        "Microsoft.Insights/workbooks",
        "Microsoft.KeyVault/vaults",
        "Microsoft.KeyVault/vaults/secrets",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.Network/natGateways",
        "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/privateDnsZones",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        "Microsoft.Network/privateEndpoints",
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        "Microsoft.Network/publicIPAddresses",
        "Microsoft.Network/virtualNetworks",
        "Microsoft.OperationalInsights/queryPacks",
        "Microsoft.OperationalInsights/queryPacks/queries",
        "Microsoft.OperationalInsights/workspaces",
        "Microsoft.OperationalInsights/workspaces/tables",
        "Microsoft.Resources/resourceGroups",
        "Microsoft.Storage/storageAccounts",
        "Microsoft.Storage/storageAccounts/blobServices",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "Microsoft.Storage/storageAccounts/managementPolicies",
        "Microsoft.Storage/storageAccounts/queueServices",
        "Microsoft.Storage/storageAccounts/queueServices/queues",
        "Microsoft.Storage/storageAccounts/tableServices",
        "Microsoft.Storage/storageAccounts/tableServices/tables",
        "Microsoft.Web/serverfarms",
        "Microsoft.Web/sites",
        "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
        "Microsoft.Web/sites/config",
    }
)
"""The types that the templates have. What each can open is looked at below; another one has to be looked at first."""

_ACCOUNT: Final = "Microsoft.Storage/storageAccounts"
_VAULT: Final = "Microsoft.KeyVault/vaults"
_MUST_BE: Final[Mapping[str, Mapping[str, tuple[Any, ...]]]] = {
    _ACCOUNT: {
        "allowSharedKeyAccess": (False,),
        "allowBlobPublicAccess": (False,),
        "isLocalUserEnabled": (None, False),
        "isSftpEnabled": (None, False),
    },
    f"{_ACCOUNT}/blobServices/containers": {"publicAccess": (None, "None")},
    _VAULT: {"enableRbacAuthorization": (True,), "accessPolicies": (None, [])},
    "Microsoft.OperationalInsights/workspaces": {"features.disableLocalAuth": (True,)},
    "Microsoft.Insights/components": {"DisableLocalAuth": (True,)},
    f"{SITE}/basicPublishingCredentialsPolicies": {"allow": (False,)},
}
"""By type, what a property has to be, so that only a role lets somebody in; None: not given."""

_COMPLAINTS: Final[Mapping[str, str]] = {
    "allowSharedKeyAccess": "has keys, which need no role",
    "enableRbacAuthorization": "has access policies, which need no role",
    "accessPolicies": "has access policies, which need no role",
}
_OF_APPS: Final = ("identity", "keyVaultReferenceIdentity", "userAssignedIdentityResourceId")
DECIDING: Final = frozenset({*_OF_APPS, *(path.rpartition(".")[2] for rules in _MUST_BE.values() for path in rules)})
"""The names of the properties that are looked at here."""


def other_ways(deployment: Deployment) -> Iterator[str]:
    """Yield a line for whatever else than a role assignment could let somebody in."""
    for resource in deployment.resources:
        if resource.type not in _JUDGED:
            yield f"{where(resource)}: {resource.type} may give rights that are not looked at here"
        kind = (resource.body.get("identity") or {}).get("type", "UserAssigned")
        if kind != "UserAssigned" or (identities_of(resource) and resource.type not in CARRIERS):
            yield f"{where(resource)}: {resource.type} runs as an identity ({kind})"
        for path, values in _MUST_BE.get(resource.type, {}).items():
            if _at(resource, path) not in values:
                complaint = _COMPLAINTS.get(path, f"lets somebody in without a role: {path}")
                yield f"{where(resource)}: {resource.name} {complaint}"
        if resource.type == SITE:
            yield from _foreign_identities(resource)
            yield from _passwords(resource, deployment)


def _at(resource: Resource, path: str) -> Any:
    value: Any = resource.body.get("properties", {})
    for name in path.split("."):
        value = (value or {}).get(name)
    return value


def _passwords(site: Resource, deployment: Deployment) -> Iterator[str]:
    """Passwords are on unless they are switched off."""
    off = {one.name for one in deployment.of_type(f"{SITE}/basicPublishingCredentialsPolicies") if _is_below(one, site)}
    if off != {"ftp", "scm"}:
        yield f"{where(site)}: {site.name} takes passwords, except for {', '.join(sorted(off)) or 'nothing'}"


def _is_below(resource: Resource, holder: Resource) -> bool:
    return resource.id.startswith(f"{holder.id}/")


def _foreign_identities(site: Resource) -> Iterator[str]:
    """An app's package and its secrets are read with the identity that it runs as."""
    own = {f"{GROUP_ID}/providers/{IDENTITY}/{name}" for name in identities_of(site)}
    properties = site.body["properties"]
    authentication = properties["functionAppConfig"]["deployment"]["storage"]["authentication"]
    used = {properties["keyVaultReferenceIdentity"], authentication["userAssignedIdentityResourceId"]}
    if len(own) != 1 or used != own:
        yield f"{where(site)}: {site.name} runs as {sorted(own)} and reads secrets and its package as {sorted(used)}"
