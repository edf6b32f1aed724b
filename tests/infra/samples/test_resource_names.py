"""The names of the sample's resources: allowed by Azure, and its own wherever the whole world shares the names."""

from __future__ import annotations

import re
from itertools import product

import pytest

from checks.templates.functions import UNIQUE
from tests.infra.samples.sample import EVERYTHING, PARTS, deployed

TOKEN = "abcdefghijklm"
"""What uniqueString returns: 13 lower case letters and digits."""
GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

# learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules; an Azure AI account's name is also
# its subdomain, and the Functions host knows an app by the first 32 characters of its name.
RULES = {
    "Microsoft.Authorization/policyAssignments": r"[a-z-]{1,64}",
    "Microsoft.Authorization/roleAssignments": GUID,
    "Microsoft.CognitiveServices/accounts": r"[a-z0-9][a-z0-9-]{1,63}",
    "Microsoft.HybridCompute/privateLinkScopes": r"[A-Za-z0-9_.-]+",
    "Microsoft.Insights/diagnosticSettings": r"[A-Za-z0-9-]{1,260}",
    "Microsoft.Insights/privateLinkScopes": r"[A-Za-z0-9_.-]{1,254}[A-Za-z0-9_-]",
    "Microsoft.Insights/privateLinkScopes/scopedResources": r"[A-Za-z0-9_-]{1,255}",
    "Microsoft.Insights/workbooks": GUID,
    "Microsoft.KeyVault/vaults": r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
    "Microsoft.Network/networkSecurityGroups": r"[A-Za-z0-9][A-Za-z0-9_.-]{0,78}[A-Za-z0-9_]",
    "Microsoft.Network/privateDnsZones": r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){1,33}",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": r"[A-Za-z0-9_.-]{1,79}[A-Za-z0-9_]",
    "Microsoft.Network/privateEndpoints": r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": r"[A-Za-z0-9][A-Za-z0-9_.-]{0,78}[A-Za-z0-9_]",
    "Microsoft.Network/virtualNetworks": r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]",
    "Microsoft.OperationalInsights/workspaces": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.Web/serverfarms": r"[A-Za-z0-9-]{1,60}",
    "Microsoft.Web/sites": r"[a-z0-9][a-z0-9-]{0,30}[a-z0-9]",
}
OF_THE_WHOLE_WORLD = (
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Web/sites",
)


def test_every_resource_has_a_name_that_azure_allows() -> None:
    for resource in deployed(**EVERYTHING).resources:
        assert re.fullmatch(RULES[resource.type], resource.name.replace(UNIQUE, TOKEN)), (resource.type, resource.name)


def test_a_name_that_the_whole_world_shares_follows_from_the_managed_resource_group() -> None:
    deployment = deployed(**EVERYTHING)
    for kind in OF_THE_WHOLE_WORLD:
        names = [one.name for one in deployment.of_type(kind)]
        assert names, f"there is no {kind}"
        assert all(UNIQUE in name for name in names)


@pytest.mark.parametrize("chosen", list(product((True, False), repeat=len(PARTS))))
def test_no_two_resources_have_the_same_id_and_nothing_refers_to_a_part_that_is_left_out(
    chosen: tuple[bool, ...],
) -> None:
    deployment = deployed(**dict(zip(PARTS, chosen, strict=True)))
    made = [one for one in deployment.resources if not one.is_existing]
    ids = [(one.id, one.scope.id if one.scope is not None else "") for one in made]
    assert len(set(ids)) == len(ids)
    targets = {
        connection["properties"]["privateLinkServiceId"]
        for one in deployment.of_type("Microsoft.Network/privateEndpoints")
        for connection in one.body["properties"]["privateLinkServiceConnections"]
    }
    referred = targets | {one.id for one in deployment.resources if one.is_existing}
    assert referred <= {one.id for one in made}
