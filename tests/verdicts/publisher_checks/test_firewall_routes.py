"""Whatever leaves a subnet has to go to the firewall that the plan names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verdicts.publisher_checks.arm import (
    COMPLIANT,
    ELSEWHERE,
    UNKNOWN,
    VIOLATED,
    Document,
    documents,
    judged,
    network,
    network_id,
    reference,
    route,
    route_table,
    subnet,
    subnet_id,
)
from verdicts.publisher_checks.judged import Judged

CHECK = "route-past-firewall"
FIREWALL = "10.0.0.4"
DEFAULT = route("0.0.0.0/0", name="default")


def only(*resources: Document, elsewhere: dict[str, Any] | None = None, firewalls: Any = (FIREWALL,)) -> Judged:
    [one] = judged(CHECK, documents(*resources, elsewhere=elsewhere), firewall_addresses=list(firewalls))
    return one


@pytest.mark.parametrize(
    "routes",
    [
        [DEFAULT],
        [route("0.0.0.0/0", "virtualappliance")],
        [route("0.0.0.0/1"), route("128.0.0.0/1")],
        [DEFAULT, route("10.5.0.0/16", "None", None)],
        [DEFAULT, route("10.0.0.0/16", "VnetLocal", None)],
        [route("0.0.0.0/0", "None", None)],
        [route("0.0.0.0/0", "Internet", None), route("0.0.0.0/1"), route("128.0.0.0/1")],
        [DEFAULT, route("1.0.0.0/8", "Internet", None), route("1.0.0.0/9"), route("1.128.0.0/9")],
        [DEFAULT, route("AzureMonitor")],
    ],
)
def test_all_of_it_goes_to_the_firewall_or_nowhere(routes: list[Document]) -> None:
    found = only(route_table(*routes))
    assert found.judgement is COMPLIANT, found.reason


@pytest.mark.parametrize(
    ("routes", "reason"),
    [
        ([], "it has no route for 0.0.0.0, so Azure's own route to the internet holds there"),
        ([route("10.0.0.0/8")], "it has no route for 0.0.0.0, so Azure's own route to the internet holds there"),
        ([route("0.0.0.0/1")], "it has no route for 128.0.0.0, so Azure's own route to the internet holds there"),
        ([route("0.0.0.0/0", "Internet", None)], "route route sends 0.0.0.0/0 to Internet, past the firewall"),
        (
            [route("0.0.0.0/0", address="10.9.9.9")],
            "route route sends 0.0.0.0/0 to VirtualAppliance 10.9.9.9, past the firewall",
        ),
        (
            [DEFAULT, route("8.8.8.8/32", "internet", None)],
            "route route sends 8.8.8.8/32 to internet, past the firewall",
        ),
        (
            [DEFAULT, route("10.9.0.0/16", "VirtualNetworkGateway", None)],
            "route route sends 10.9.0.0/16 to VirtualNetworkGateway, past the firewall",
        ),
        (
            [DEFAULT, route("Storage.WestEurope", "Internet", None)],
            "route route sends Storage.WestEurope to Internet, past the firewall",
        ),
        (
            [DEFAULT, route("1.0.0.0/8", "Internet", None), route("1.0.0.0/9")],
            "route route sends 1.0.0.0/8 to Internet, past the firewall",
        ),
        ([route("0.0.0.0/0", "VnetLocal", None)], "route route sends 0.0.0.0/0 to VnetLocal, past the firewall"),
    ],
)
def test_what_gets_past_it_is_told(routes: list[Document], reason: str) -> None:
    found = only(route_table(*routes))
    assert (found.judgement, found.reason) == (VIOLATED, reason)


def test_several_firewalls_and_other_spellings_of_addresses() -> None:
    table = route_table(route("0.0.0.0/1"), route("128.0.0.0/1", address="10.0.0.5"))
    assert only(table).judgement is VIOLATED
    assert only(table, firewalls=["10.0.0.4", "10.0.0.5"]).judgement is COMPLIANT
    six = route_table(DEFAULT, route("::/0", address="FD00:0:0:0::4"))
    assert only(six, firewalls=[FIREWALL, "fd00::4"]).judgement is COMPLIANT


def app(name: str = "app", **properties: Any) -> Document:
    return subnet(name, routeTable=reference("routeTables", "table")) | {
        "properties": {"addressPrefix": "10.0.1.0/24", "routeTable": reference("routeTables", "TABLE")} | properties
    }


def test_ipv6_has_to_go_there_too_where_there_is_any() -> None:
    dual = app(addressPrefixes=["fd00:1::/64"])
    six = route("::/0", address="fd00::4")
    assert only(route_table(DEFAULT), network(dual)).judgement is VIOLATED
    assert only(route_table(DEFAULT, six), network(dual), firewalls=[FIREWALL, "fd00::4"]).judgement is COMPLIANT
    assert only(route_table(DEFAULT), network(app())).judgement is COMPLIANT
    partly = route_table(DEFAULT, route("fd00::/8", address="fd00::4"))
    assert only(partly, firewalls=[FIREWALL, "fd00::4"]).judgement is VIOLATED


PROPAGATING = route_table(DEFAULT, disableBgpRoutePropagation=False)
GATEWAY = subnet("GatewaySubnet", ipConfigurations=[{"id": "/gateway"}])


@pytest.mark.parametrize(
    ("net", "judgement"),
    [
        (network(app()), COMPLIANT),
        (network(app(), GATEWAY), VIOLATED),
        (network(app(), subnet("GatewaySubnet")), COMPLIANT),
        (network(app(), subnet("routeserversubnet", ipConfigurations=[{"id": "/server"}])), VIOLATED),
        (network(app(), virtualNetworkPeerings=[{"properties": {"useRemoteGateways": True}}]), VIOLATED),
        (network(app(), virtualNetworkPeerings=[{"properties": {"useRemoteGateways": False}}]), COMPLIANT),
        (network(app(), virtualNetworkPeerings=[{"properties": None}, {}]), COMPLIANT),
        (network(app(), virtualNetworkPeerings=[{"properties": {"useRemoteGateways": "true"}}]), UNKNOWN),
        (network(app(), virtualNetworkPeerings=None), UNKNOWN),
    ],
)
def test_routes_that_a_gateway_learns_lead_past_it(net: Document, judgement: Any) -> None:
    assert only(PROPAGATING, net).judgement is judgement
    assert only(route_table(DEFAULT, disableBgpRoutePropagation=None), net).judgement is judgement
    assert only(route_table(DEFAULT, disableBgpRoutePropagation=True), net).judgement is COMPLIANT


def test_a_network_that_cannot_be_read_may_have_a_gateway() -> None:
    away = {"id": subnet_id("app", group=ELSEWHERE)}
    table = route_table(DEFAULT, subnets=[away], disableBgpRoutePropagation=False)
    plain = {away["id"].lower(): {**away, "properties": {"addressPrefix": "10.1.0.0/24"}}}
    hub = network_id("virtualNetworks", "net", ELSEWHERE)
    assert only(table).judgement is UNKNOWN
    assert only(table, elsewhere=plain).judgement is UNKNOWN
    assert only(table, elsewhere=plain | {hub.lower(): {"id": hub, "properties": {}}}).judgement is UNKNOWN
    known = network(app()) | {"id": hub}
    assert only(table, elsewhere=plain | {hub.lower(): known}).judgement is COMPLIANT
    # What leads past it in any case is told.
    assert only(route_table(subnets=[away]), elsewhere=plain).judgement is VIOLATED


def test_the_firewalls_own_table_leads_to_the_internet() -> None:
    internet = route_table(route("0.0.0.0/0", "Internet", None))
    own = app("AzureFirewallSubnet")
    appliance = app("nva", addressPrefix="10.0.0.0/28")
    assert only(internet, network(own)).judgement is COMPLIANT
    assert only(internet, network(appliance)).judgement is COMPLIANT
    assert only(internet, network(own, appliance)).judgement is COMPLIANT
    assert only(internet, network(own, app())).judgement is VIOLATED
    assert only(internet, network()).judgement is VIOLATED


def test_whether_a_subnet_that_cannot_be_read_has_the_firewall_is_not_known() -> None:
    away = subnet_id("nva", group=ELSEWHERE)
    internet = route_table(route("0.0.0.0/0", "Internet", None), subnets=[{"id": away}])
    assert only(internet).judgement is UNKNOWN
    assert only(internet, network(app())).judgement is VIOLATED
    read = {away.lower(): {"id": away, "properties": {"addressPrefix": "10.0.0.0/24"}}}
    assert only(internet, elsewhere=read).judgement is COMPLIANT


def test_a_gateways_table_needs_no_default_route() -> None:
    gateway = app("GatewaySubnet", ipConfigurations=[{"id": "/gateway"}])
    table = route_table(route("10.0.1.0/24"), disableBgpRoutePropagation=False)
    assert only(table, network(gateway)).judgement is COMPLIANT
    past = route_table(route("10.0.1.0/24", "VirtualAppliance", "10.0.9.9"))
    assert only(past, network(gateway)).judgement is VIOLATED
    assert only(table, network(gateway, app())).judgement is VIOLATED


def test_addresses_of_the_network_itself_are_local_whatever_they_are() -> None:
    odd = network(app(addressPrefix="51.0.1.0/24"), addressSpace={"addressPrefixes": ["51.0.0.0/16"]})
    table = route_table(DEFAULT, route("51.0.1.0/24", "VnetLocal", None))
    assert only(table, odd).judgement is COMPLIANT
    assert only(table, network(app())).judgement is VIOLATED


@pytest.mark.parametrize(
    "properties",
    [
        {"routes": None},
        {"routes": "none"},
        {"routes": [{"name": "no properties"}]},
        {"routes": [DEFAULT, route("10.0.0.0/8", "Wormhole", None)]},
        {"routes": [route("0.0.0.0/0", "VirtualAppliance", None)]},
        {"routes": [route("0.0.0.0/0", "VirtualAppliance", "firewall")]},
        {"routes": [DEFAULT, route("10.0.0/8")]},
        {"routes": [DEFAULT], "disableBgpRoutePropagation": "true"},
        {"routes": [DEFAULT], "subnets": "all"},
    ],
)
def test_a_table_that_makes_no_sense_is_not_judged(properties: dict[str, Any]) -> None:
    assert only(route_table() | {"properties": properties}).judgement is UNKNOWN


def test_what_leads_past_it_is_told_beside_what_makes_no_sense() -> None:
    table = route_table(route("1.0.0.0/8", "Wormhole", None), route("2.0.0.0/8", "Internet", None))
    assert only(table).judgement is VIOLATED
    assert only(route_table(route("1.0.0.0/8", "Wormhole", None))).judgement is VIOLATED
