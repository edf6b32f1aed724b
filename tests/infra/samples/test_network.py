"""The sample's network: nothing comes in or goes out that no rule names, and every private name resolves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.templates.deployment import Deployment
from infra.hooks.package import PROJECT
from infra.pipeline.managed_application import SAMPLE
from tests.infra.samples.sample import EVERYTHING, deployed, of_type, properties

GROUP = "Microsoft.Network/networkSecurityGroups"
NETWORK = "Microsoft.Network/virtualNetworks"
ENDPOINT = "Microsoft.Network/privateEndpoints"
ZONE = "Microsoft.Network/privateDnsZones"


def test_every_subnet_has_a_group_that_denies_everything_else_before_the_platforms_rules() -> None:
    deployment = deployed()
    groups = {one.id: one.body["properties"]["securityRules"] for one in of_type(deployment, GROUP)}
    (network,) = properties(deployment, NETWORK)
    guards = [subnet["properties"]["networkSecurityGroup"]["id"] for subnet in network["subnets"]]
    assert sorted(guards) == sorted(groups)
    for rules in groups.values():
        for direction in ("Inbound", "Outbound"):
            own = [rule["properties"] for rule in rules if rule["properties"]["direction"] == direction]
            last = max(own, key=lambda rule: rule["priority"])
            assert (last["access"], last["priority"], last["protocol"]) == ("Deny", 4096, "*")
            ends = [
                last[f"{end}{what}"] for end in ("source", "destination") for what in ("AddressPrefix", "PortRange")
            ]
            assert ends == ["*"] * 4


def test_what_is_allowed_is_https_from_the_apps_to_the_endpoints() -> None:
    rules = [rule["properties"] for one in properties(deployed(), GROUP) for rule in one["securityRules"]]
    allowed = [rule for rule in rules if rule["access"] == "Allow"]
    assert {rule["direction"] for rule in allowed} == {"Inbound", "Outbound"}
    for rule in allowed:
        ends = (rule["sourceAddressPrefix"], rule["destinationAddressPrefix"], rule["destinationPortRange"])
        assert ends == ("10.80.0.64/26", "10.80.0.0/26", "443")


def zones_of(deployment: Deployment) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for endpoint in of_type(deployment, ENDPOINT):
        (connection,) = endpoint.body["properties"]["privateLinkServiceConnections"]
        (part,) = connection["properties"]["groupIds"]
        configurations = next(
            one.body["properties"]["privateDnsZoneConfigs"]
            for one in of_type(deployment, f"{ENDPOINT}/privateDnsZoneGroups")
            if one.id.startswith(f"{endpoint.id}/")
        )
        found[part] = {one["properties"]["privateDnsZoneId"].rpartition("/")[2] for one in configurations}
    return found


@pytest.mark.parametrize("parts", [{}, EVERYTHING])
def test_every_name_of_an_endpoint_is_in_a_zone_that_is_deployed_and_linked(parts: dict[str, Any]) -> None:
    deployment = deployed(**parts)
    zones = {one.name for one in of_type(deployment, ZONE)}
    links = of_type(deployment, f"{ZONE}/virtualNetworkLinks")
    assert set.union(*zones_of(deployment).values()) == zones
    assert len(links) == len(zones)


def test_an_endpoint_gets_the_zones_that_private_link_asks_for() -> None:
    """learn.microsoft.com/azure/private-link/private-endpoint-dns."""
    zones = zones_of(deployed(**EVERYTHING))
    clouds = json.loads((PROJECT / "infra" / "clouds.json").read_text())
    assert zones["blob"] == {"privatelink.blob.core.windows.net"}
    assert zones["vault"] == {"privatelink.vaultcore.azure.net"}
    assert zones["azuremonitor"] == {*clouds["AzureCloud"]["monitorDnsZones"], *zones["blob"]}
    known = json.loads((SAMPLE / "dns_zones.json").read_text())["AzureCloud"]
    assert {part: zones[part] for part in ("account", "sites", "hybridcompute")} == {
        part: set(known[part]) for part in ("account", "sites", "hybridcompute")
    }
