"""A rule that trusts VirtualNetwork trusts everybody once the subnet's routes are for all addresses."""

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
    interface,
    judged,
    network,
    network_id,
    only,
    reference,
    route,
    route_table,
    rule,
    security_group,
    subnet,
    subnet_id,
)
from verdicts.publisher_checks.documents import Unjudgeable

CHECK = "vnet-tag-with-default-route"
DENY = rule("deny", 4096)
TRUST = rule("trust", 200, "Allow", sourceAddressPrefix="VirtualNetwork", destinationPortRange="443", protocol="Tcp")
EVERYTHING = route("0.0.0.0/0", name="default")


def app(**properties: Any) -> Document:
    usual = {
        "networkSecurityGroup": reference("networkSecurityGroups", "nsg"),
        "routeTable": reference("routeTables", "table"),
    }
    return subnet(**{key: value for key, value in (usual | properties).items() if value is not ...})


def test_the_default_rule_trusts_everybody() -> None:
    found = only(CHECK, network(app()), security_group(), route_table(EVERYTHING))
    assert found.judgement is VIOLATED
    assert found.resource_id == subnet_id("app")
    assert found.reason == (
        "rule AllowVnetInBound of nsg trusts VirtualNetwork, which means every address by table table"
    )


@pytest.mark.parametrize(
    ("rules", "judgement"),
    [
        ([DENY], COMPLIANT),
        ([TRUST, DENY], VIOLATED),
        ([{**DENY, "properties": {**DENY["properties"], "priority": 100}}, TRUST], COMPLIANT),
        ([rule("no https", 100, destinationPortRange="400-500"), TRUST, DENY], COMPLIANT),
        ([rule("no udp", 100, protocol="Udp"), TRUST, DENY], VIOLATED),
        ([rule("all", 100, "Allow"), DENY], COMPLIANT),
        ([rule("all", 100, "Allow")], VIOLATED),
        ([rule("internet", 100, sourceAddressPrefix="Internet")], VIOLATED),
        ([rule("tag", 100, sourceAddressPrefix="virtualnetwork")], COMPLIANT),
        ([rule("here", 100, destinationAddressPrefix="10.0.1.0/24")], COMPLIANT),
        ([rule("next door", 100, destinationAddressPrefix="10.0.2.0/24")], VIOLATED),
        ([rule("half", 100, destinationAddressPrefix="10.0.1.0/25")], VIOLATED),
        ([rule("same", 200), {**TRUST, "name": "other"}, DENY], VIOLATED),
        ([rule("out", 200, "Allow", sourceAddressPrefix="VirtualNetwork", direction="Outbound"), DENY], COMPLIANT),
        (
            [
                rule("asg", 100, "Allow", sourceAddressPrefix="VIRTUAL_NETWORK", destinationAddressPrefix=...,
                     destinationApplicationSecurityGroups=[{"id": "/asg"}]),
                DENY,
            ],
            VIOLATED,
        ),
        ([rule("asg", 100, destinationAddressPrefix=..., destinationApplicationSecurityGroups=[{"id": "/a"}])], VIOLATED),
        ([rule("two", 100, "Allow", sourceAddressPrefix=..., sourceAddressPrefixes=["10.9.0.0/16", "VirtualNetwork"]), DENY], VIOLATED),
        ([rule("far", 100, "Allow", sourceAddressPrefix="VirtualNetwork", destinationAddressPrefix="10.0.9.0/24"), DENY], COMPLIANT),
    ],
)  # fmt: skip
def test_what_a_rule_trusts_counts_as_far_as_nothing_denies_it_before(rules: list[Any], judgement: Any) -> None:
    found = only(CHECK, network(app()), security_group(*rules), route_table(EVERYTHING))
    assert found.judgement is judgement, found.reason


@pytest.mark.parametrize(
    ("routes", "judgement"),
    [
        ([EVERYTHING], VIOLATED),
        ([route("0.0.0.0/0", "Internet", None)], VIOLATED),
        ([route("0.0.0.0/0", "none", None)], VIOLATED),
        ([route("0.0.0.0/1"), route("128.0.0.0/1")], VIOLATED),
        ([route("0.0.0.0/1"), route("128.0.0.0/2")], COMPLIANT),
        ([route("10.0.0.0/8"), route("AzureCloud", "Internet", None)], COMPLIANT),
        ([route("::/0")], COMPLIANT),
        ([], COMPLIANT),
    ],
)
def test_the_routes_have_to_be_for_every_address(routes: list[Any], judgement: Any) -> None:
    assert only(CHECK, network(app()), security_group(), route_table(*routes)).judgement is judgement


def test_of_each_family_by_itself() -> None:
    dual = app(addressPrefix=..., addressPrefixes=["10.0.1.0/24", "fd00:db8::/64"])
    denies_four = rule("four", 100, sourceAddressPrefix="0.0.0.0/0", destinationAddressPrefix="0.0.0.0/0")
    four, six = route("0.0.0.0/0"), route("::/0", address="fd00::4")
    assert only(CHECK, network(dual), security_group(denies_four), route_table(four)).judgement is COMPLIANT
    assert only(CHECK, network(dual), security_group(denies_four), route_table(four, six)).judgement is VIOLATED
    assert only(CHECK, network(app()), security_group(denies_four), route_table(four, six)).judgement is COMPLIANT


def test_a_subnet_without_a_route_table_or_without_any_group_trusts_no_tag() -> None:
    assert only(CHECK, network(app(routeTable=...)), security_group()).judgement is COMPLIANT
    assert only(CHECK, network(app(routeTable=None)), security_group()).judgement is COMPLIANT
    assert only(CHECK, network(app(networkSecurityGroup=...)), route_table(EVERYTHING)).judgement is COMPLIANT


def test_where_a_subnet_has_no_group_those_of_its_interfaces_count() -> None:
    bare = app(networkSecurityGroup=...)
    nic, other = interface("nic", "app", "nsg"), interface("other", "elsewhere", "nsg")
    resources = network(bare), route_table(EVERYTHING)
    assert only(CHECK, *resources, security_group(), nic).judgement is VIOLATED
    assert only(CHECK, *resources, security_group(DENY), nic).judgement is COMPLIANT
    assert only(CHECK, *resources, security_group(), other).judgement is COMPLIANT
    assert only(CHECK, network(app()), route_table(EVERYTHING), security_group(DENY), nic).judgement is COMPLIANT


def test_an_interface_that_is_not_in_the_group_has_to_be_read() -> None:
    away = f"{ELSEWHERE}/providers/Microsoft.Compute/virtualMachineScaleSets/s/virtualMachines/0/networkInterfaces/n"
    gateway = network_id("virtualNetworkGateways", "gw")
    used = [{"id": f"{away}/ipConfigurations/one"}, {"id": f"{gateway}/ipConfigurations/default"}]
    resources = network(app(networkSecurityGroup=..., ipConfigurations=used)), route_table(EVERYTHING)
    assert only(CHECK, *resources).judgement is UNKNOWN
    trusting = {"id": away, "properties": {"networkSecurityGroup": reference("networkSecurityGroups", "nsg")}}
    elsewhere = {away.lower(): trusting}
    assert only(CHECK, *resources, security_group(), elsewhere=elsewhere).judgement is VIOLATED
    elsewhere = {away.lower(): {"id": away, "properties": {}}}
    assert only(CHECK, *resources, elsewhere=elsewhere).judgement is COMPLIANT


def test_a_group_or_table_that_cannot_be_read_decides_nothing() -> None:
    away = app(routeTable=reference("routeTables", "hub", ELSEWHERE))
    refused = {network_id("routeTables", "hub", ELSEWHERE).lower(): "AuthorizationFailed"}
    assert only(CHECK, network(away), security_group(), elsewhere=refused).judgement is UNKNOWN
    assert only(CHECK, network(app()), security_group()).judgement is UNKNOWN
    assert only(CHECK, network(app()), route_table(EVERYTHING)).judgement is UNKNOWN
    # What is certain whatever is in it is decided.
    assert only(CHECK, network(away), security_group(DENY), elsewhere=refused).judgement is COMPLIANT
    assert only(CHECK, network(app()), route_table(route("10.0.0.0/8"))).judgement is COMPLIANT


def test_a_table_in_another_group_that_can_be_read_counts() -> None:
    away = app(routeTable=reference("routeTables", "hub", ELSEWHERE))
    hub = {**route_table(EVERYTHING), "id": network_id("routeTables", "hub", ELSEWHERE)}
    elsewhere = {network_id("routeTables", "hub", ELSEWHERE).lower(): hub}
    assert only(CHECK, network(away), security_group(), elsewhere=elsewhere).judgement is VIOLATED


def test_subnets_share_a_table_and_are_judged_each() -> None:
    other = app(networkSecurityGroup=reference("NETWORKSECURITYGROUPS", "Closed"))
    other |= {"id": subnet_id("other"), "name": "other"}
    found = judged(
        CHECK,
        documents(
            network(app(), other), security_group(), security_group(DENY, name="closed"), route_table(EVERYTHING)
        ),
    )
    assert [(one.resource_id, one.judgement) for one in found] == [
        (subnet_id("app"), VIOLATED),
        (subnet_id("other"), COMPLIANT),
    ]


def test_subnets_are_found_as_resources_of_their_own_and_without_an_id() -> None:
    bare = network(name="net")
    child = {**app(), "type": "Microsoft.Network/virtualNetworks/subnets"}
    assert only(CHECK, bare, child, security_group(), route_table(EVERYTHING)).judgement is VIOLATED
    inner = {key: value for key, value in app().items() if key != "id"}
    found = only(CHECK, network(inner), security_group(), route_table(EVERYTHING))
    assert (found.resource_id, found.judgement, found.location) == (subnet_id("app"), VIOLATED, "westeurope")
    assert only(CHECK, network(app()), app(), security_group(DENY), route_table(EVERYTHING)).judgement is COMPLIANT


@pytest.mark.parametrize(
    "odd",
    [
        {"routeTable": {}},
        {"routeTable": "table"},
        {"networkSecurityGroup": {"id": None}},
        {"addressPrefix": 7},
        {"addressPrefixes": "10.0.0.0/24"},
        {"addressPrefix": "10.0.0/24"},
        {"addressPrefix": None},
    ],
)
def test_a_subnet_that_makes_no_sense_is_not_judged(odd: dict[str, Any]) -> None:
    assert only(CHECK, network(app(**odd)), security_group(), route_table(EVERYTHING)).judgement is UNKNOWN


def test_a_network_without_a_list_of_subnets_may_have_any() -> None:
    for check in (CHECK, "private-endpoint-policies-off"):
        with pytest.raises(Unjudgeable, match="virtualNetworks net has no list subnets"):
            only(check, network(subnets=None))


@pytest.mark.parametrize("routes", [None, [None], [{"name": "x"}], [route(None)], [route("0.0.0/0")], [route("10.0.0.0/8", None)]])  # fmt: skip
def test_a_table_that_makes_no_sense_decides_nothing(routes: Any) -> None:
    table = route_table() | {"properties": {"routes": routes}}
    assert only(CHECK, network(app()), security_group(), table).judgement is UNKNOWN
