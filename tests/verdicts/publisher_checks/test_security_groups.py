"""A network security group has to deny by itself whatever it does not allow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verdicts.publisher_checks.arm import (
    COMPLIANT,
    ELSEWHERE,
    UNKNOWN,
    VIOLATED,
    documents,
    interface,
    judged,
    network,
    network_id,
    only,
    reference,
    rule,
    security_group,
    subnet,
    subnet_id,
)
from verdicts.publisher_checks.documents import Documents, Unjudgeable

CHECK = "nsg-without-deny-all"


@pytest.mark.parametrize(
    "deny",
    [
        rule(),
        rule(priority=100),
        rule(access="deny", direction="inbound", protocol="any"),
        rule(sourceAddressPrefix="0.0.0.0/0", destinationAddressPrefix="0.0.0.0/0"),
        rule(sourceAddressPrefix="ANY", destinationAddressPrefix="Any", destinationPortRange="0-65535"),
        rule(sourceAddressPrefix=..., sourceAddressPrefixes=["0.0.0.0/1", "128.0.0.0/1"]),
        rule(sourceAddressPrefix="", sourceAddressPrefixes=["*"]),
        rule(sourceAddressPrefix=None, sourceAddressPrefixes=["*"], sourceApplicationSecurityGroups=[]),
        rule(destinationPortRange=..., destinationPortRanges=["0-1000", "1001 - 65535"]),
        rule(destinationPortRange="0-79,80,81-65535"),
        rule(unheardOf={"of": [None]}, description=None),
    ],
)
def test_one_rule_that_denies_everything_is_enough(deny: dict[str, Any]) -> None:
    assert only(CHECK, security_group(deny)).judgement is COMPLIANT


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [rule(access="Allow")],
        [rule(direction="Outbound")],
        [rule(protocol="Tcp")],
        [rule(destinationPortRange="443")],
        [rule(destinationPortRange="1-65535")],
        [rule(sourcePortRange="1024-65535")],
        [rule(sourceAddressPrefix="Internet")],
        [rule(sourceAddressPrefix="VirtualNetwork")],
        [rule(sourceAddressPrefix="INTERNET"), rule(priority=4095, sourceAddressPrefix="virtualNetwork")],
        [rule(sourceAddressPrefix="10.0.0.0/8")],
        [rule(sourceAddressPrefix="0.0.0.0")],  # noqa: S104 - one address
        [rule(sourceAddressPrefix="::/0")],
        [rule(destinationAddressPrefix="VirtualNetwork")],
        [rule(destinationAddressPrefix="10.0.1.0/24")],
        [rule(sourceAddressPrefix=..., sourceApplicationSecurityGroups=[{"id": "/asg"}])],
        [rule(sourceAddressPrefix=..., sourceAddressPrefixes=["0.0.0.0/1", "128.0.0.0/2"])],
        [rule(priority=65500)],
    ],
)
def test_what_denies_less_is_a_violation(rules: list[dict[str, Any]]) -> None:
    assert only(CHECK, security_group(*rules)).judgement is VIOLATED


def test_several_rules_can_deny_everything_together() -> None:
    protocols = ["Tcp", "UDP", "Icmp", "Esp", "Ah"]
    split = [rule(one, 4000 + number, protocol=one) for number, one in enumerate(protocols)]
    assert only(CHECK, security_group(*split)).judgement is COMPLIANT
    assert only(CHECK, security_group(*split[:-1])).judgement is VIOLATED


def test_rules_before_the_denial_may_allow_something() -> None:
    allow = rule("https", 100, "Allow", protocol="Tcp", destinationPortRange="443", sourceAddressPrefix="Internet")
    assert only(CHECK, security_group(allow, rule())).judgement is COMPLIANT


def test_a_denial_that_is_never_reached_is_none() -> None:
    everything = rule("everything", 100, "Allow")
    found = only(CHECK, security_group(everything, rule()))
    assert found.judgement is VIOLATED
    assert "before their denial" in found.reason
    assert only(CHECK, security_group(rule(priority=100), rule("late", 200, "Allow"))).judgement is COMPLIANT


def test_azures_own_denial_does_not_count() -> None:
    own = rule("DenyAllInBound", 65500)
    assert only(CHECK, security_group(defaultSecurityRules=[own])).judgement is VIOLATED


def test_the_reason_names_traffic_that_the_default_rules_decide_on() -> None:
    found = only(CHECK, security_group(rule(destinationPortRange="1-65535", protocol="*")))
    assert found.reason == "the default rules decide on inbound traffic, such as TCP from 0.0.0.0 to port 0"


@pytest.mark.parametrize(
    "odd",
    [
        {"properties": {"securityRules": None}},
        {"properties": {}},
        {"properties": None},
        {"properties": {"securityRules": [None]}},
        {"properties": {"securityRules": {"a": 1}}},
        {"properties": {"securityRules": [{"name": "no properties"}]}},
        {"properties": {"securityRules": [rule(direction=...), rule()]}},
        {"properties": {"securityRules": [rule(access=None), rule()]}},
        {"properties": {"securityRules": [rule(priority="high"), rule()]}},
        {"properties": {"securityRules": [rule(priority=True), rule()]}},
        {"properties": {"securityRules": [rule(protocol=...), rule()]}},
        {"properties": {"securityRules": [rule(sourceAddressPrefix=...), rule()]}},
        {"properties": {"securityRules": [rule(sourceAddressPrefix="10.0.0/8"), rule()]}},
        {"properties": {"securityRules": [rule(sourceAddressPrefix=..., sourceAddressPrefixes="*"), rule()]}},
        {"properties": {"securityRules": [rule(destinationPortRange="65536"), rule()]}},
        {"properties": {"securityRules": [rule(destinationPortRange="90-80"), rule()]}},
        {"properties": {"securityRules": [rule(destinationPortRange=[]), rule()]}},
    ],
)
def test_a_document_that_makes_no_sense_is_neither_well_nor_wrong(odd: dict[str, Any]) -> None:
    assert only(CHECK, {**security_group(), **odd}).judgement is UNKNOWN


def test_members_and_ids_in_odd_case_are_read() -> None:
    document = security_group()
    document["id"] = document["id"].upper()
    odd = {"NAME": "x", "PROPERTIES": {key.upper(): value for key, value in rule()["properties"].items()}}
    document["properties"] = {"SecurityRules": [odd]}
    assert only(CHECK, document).judgement is COMPLIANT


DENIES_IPV4 = rule(sourceAddressPrefix="0.0.0.0/0", destinationAddressPrefix="0.0.0.0/0")
DENIES_IPV6 = rule("six", 4095, sourceAddressPrefix="::/0", destinationAddressPrefix="::/0")


def test_ipv6_has_to_be_denied_where_there_is_any() -> None:
    dual = subnet("app", networkSecurityGroup=reference("networkSecurityGroups", "NSG"), addressPrefixes=["fd00::/64"])
    single = subnet("app", networkSecurityGroup=reference("networkSecurityGroups", "nsg"))
    assert only(CHECK, security_group(DENIES_IPV4), network(dual)).judgement is VIOLATED
    assert only(CHECK, security_group(DENIES_IPV4, DENIES_IPV6), network(dual)).judgement is COMPLIANT
    assert only(CHECK, security_group(DENIES_IPV4), network(single)).judgement is COMPLIANT
    assert only(CHECK, security_group(rule()), network(dual)).judgement is COMPLIANT


def test_ipv6_of_an_interface_counts_too() -> None:
    six, four = interface("nic", "app", "nsg", "IPv6"), interface("nic", "app", "nsg")
    assert only(CHECK, security_group(DENIES_IPV4), six).judgement is VIOLATED
    assert only(CHECK, security_group(DENIES_IPV4), four).judgement is COMPLIANT
    four["properties"]["ipConfigurations"] = None
    four["properties"]["networkSecurityGroup"] = {"id": network_id("networkSecurityGroups", "nsg")}
    assert only(CHECK, security_group(DENIES_IPV4), four).judgement is UNKNOWN


def test_whether_there_is_ipv6_in_a_subnet_that_cannot_be_read_is_not_known() -> None:
    away = subnet_id("app", group=ELSEWHERE)
    group = security_group(DENIES_IPV4, subnets=[{"id": away}])
    assert only(CHECK, group).judgement is UNKNOWN
    refused = only(CHECK, group, elsewhere={away.lower(): "AuthorizationFailed"})
    assert (refused.judgement, refused.reason) == (UNKNOWN, "subnets app could not be read: AuthorizationFailed")
    read = {away.lower(): {"id": away, "properties": {"addressPrefixes": ["10.1.0.0/24", "fd00::/64"]}}}
    assert only(CHECK, group, elsewhere=read).judgement is VIOLATED
    nameless = {away.lower(): {"id": away, "properties": {"addressPrefixes": []}}}
    assert only(CHECK, group, elsewhere=nameless).judgement is UNKNOWN
    assert only(CHECK, security_group(rule(), subnets=[{"id": away}])).judgement is COMPLIANT


def test_what_has_to_be_read_elsewhere_is_named_all_at_once() -> None:
    away = [subnet_id(name, group=ELSEWHERE) for name in ("one", "two")]
    found = documents(security_group(DENIES_IPV4, subnets=[{"id": one} for one in away]))
    judged(CHECK, found)
    assert found.wanted == {one.lower() for one in away}


def test_a_group_whose_rules_overlap_in_too_many_ways_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verdicts.publisher_checks.intervals._MOST_STEPS", 100)
    ports = [rule(f"port{number}", 1000 + number, destinationPortRange=str(number)) for number in range(20)]
    found = only(CHECK, security_group(*ports))
    assert (found.judgement, found.reason) == (UNKNOWN, "the inbound rules overlap in too many ways to be judged")


def test_a_thousand_rules_are_judged() -> None:
    cells = [
        rule(
            f"cell{address}-{port}",
            100 + address * 32 + port,
            "Deny" if (address + port) % 2 else "Allow",
            sourceAddressPrefix=f"{address * 8}.0.0.0/5",
            destinationPortRange=f"{port * 2048}-{port * 2048 + 2047}",
        )
        for address in range(32)
        for port in range(31)
    ]
    assert only(CHECK, security_group(*cells)).judgement is VIOLATED
    assert only(CHECK, security_group(*cells, rule())).judgement is COMPLIANT
    denied = [{**one, "properties": {**one["properties"], "access": "Deny"}} for one in cells]
    rest = rule("rest", 4096, destinationPortRange="63488-65535")
    without_ports = [
        rule(f"no-ports-{number}", 4090 + number, protocol=protocol)
        for number, protocol in enumerate(("Icmp", "Esp", "Ah"))
    ]
    assert only(CHECK, security_group(*denied, rest, *without_ports)).judgement is COMPLIANT


def test_rules_for_some_ports_each_deny_nothing_that_has_no_ports() -> None:
    halves = [rule("low", 4000, destinationPortRange="0-32767"), rule("high", 4001, destinationPortRange="32768-65535")]
    found = only(CHECK, security_group(*halves))
    assert (found.judgement, found.reason[-20:]) == (VIOLATED, "as ICMP from 0.0.0.0")
    both = rule(destinationPortRange=None, destinationPortRanges=["0-32767", "32768-65535"])
    assert only(CHECK, security_group(both)).judgement is COMPLIANT


def test_rules_for_some_ports_each_may_allow_what_has_no_ports() -> None:
    halves = [
        rule("low", 100, "Allow", destinationPortRange="0-32767"),
        rule("high", 101, "Allow", destinationPortRange="32768-65535"),
    ]
    found = only(CHECK, security_group(*halves, rule()))
    assert (found.judgement, found.reason) == (
        VIOLATED,
        "what the inbound rules allow comes before their denial and is everything",
    )
    assert only(CHECK, security_group(halves[0], rule())).judgement is COMPLIANT


def test_a_resource_without_an_id_is_known_to_nobody() -> None:
    with pytest.raises(Unjudgeable):
        judged(CHECK, Documents({"Microsoft.Network/networkSecurityGroups": [{"properties": {}}]}))


def test_what_is_found_names_type_and_place() -> None:
    found = only(CHECK, security_group(rule()))
    assert found.resource_id == network_id("networkSecurityGroups", "nsg")
    assert (found.resource_type, found.location) == ("Microsoft.Network/networkSecurityGroups", "westeurope")
