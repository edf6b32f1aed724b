"""Network policies that are off make a security group do nothing for private endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verdicts.publisher_checks.arm import (
    COMPLIANT,
    ELSEWHERE,
    UNKNOWN,
    VIOLATED,
    documents,
    endpoint,
    judged,
    network,
    network_id,
    only,
    reference,
    subnet,
    subnet_id,
)

CHECK = "private-endpoint-policies-off"
USED = [{"id": network_id("privateEndpoints", "vault")}]
NSG = reference("networkSecurityGroups", "nsg")


@pytest.mark.parametrize(
    ("policies", "judgement"),
    [
        ("Enabled", COMPLIANT),
        ("enabled", COMPLIANT),
        ("NetworkSecurityGroupEnabled", COMPLIANT),
        ("Disabled", VIOLATED),
        ("RouteTableEnabled", VIOLATED),
        ("", VIOLATED),
        (None, VIOLATED),
        ("Sometimes", UNKNOWN),
        (True, UNKNOWN),
    ],
)
def test_they_have_to_be_on_for_security_groups(policies: Any, judgement: Any) -> None:
    found = only(
        CHECK,
        network(subnet(privateEndpoints=USED, privateEndpointNetworkPolicies=policies, networkSecurityGroup=NSG)),
    )
    assert found.judgement is judgement


def test_off_is_what_is_not_said() -> None:
    found = only(CHECK, network(subnet(privateEndpoints=USED, networkSecurityGroup=NSG)))
    assert found.judgement is VIOLATED
    assert found.reason == (
        "network policies of subnet app are not set, which means Disabled: network security group nsg does nothing for "
        "its private endpoints"
    )


def test_taking_the_group_away_repairs_nothing() -> None:
    off = subnet(privateEndpoints=USED, privateEndpointNetworkPolicies="Disabled")
    assert only(CHECK, network(off)).judgement is VIOLATED


def test_a_subnet_without_private_endpoints_may_have_them_off() -> None:
    assert only(CHECK, network(subnet(privateEndpointNetworkPolicies="Disabled"))).judgement is COMPLIANT
    assert only(CHECK, network(subnet(privateEndpoints=None))).judgement is COMPLIANT
    assert only(CHECK, network(subnet(privateEndpoints=[]))).judgement is COMPLIANT


def test_an_endpoint_that_only_its_own_document_tells_of_counts() -> None:
    found = only(CHECK, network(subnet()), endpoint("vault", subnet_id("APP")))
    assert (found.resource_id, found.judgement) == (subnet_id("app"), VIOLATED)


def test_of_a_subnet_elsewhere_the_endpoint_is_judged() -> None:
    away = subnet_id("customer", group=ELSEWHERE)
    inner = network(subnet(privateEndpoints=USED, privateEndpointNetworkPolicies="Enabled"))
    unread = judged(CHECK, found := documents(inner, endpoint("mine", away)))
    assert [one.judgement for one in unread] == [COMPLIANT, UNKNOWN]
    assert found.wanted == {away.lower()}
    for policies, judgement in (("Disabled", VIOLATED), ("Enabled", COMPLIANT)):
        read = {away.lower(): {"id": away, "properties": {"privateEndpointNetworkPolicies": policies}}}
        one = only(CHECK, endpoint("mine", away), elsewhere=read)
        assert (one.resource_id, one.judgement) == (network_id("privateEndpoints", "mine"), judgement)


@pytest.mark.parametrize("odd", [{}, {"subnet": None}, {"subnet": {"name": "app"}}])
def test_an_endpoint_that_names_no_subnet_is_not_judged(odd: dict[str, Any]) -> None:
    found = judged(CHECK, documents(network(subnet()), endpoint("x", "") | {"properties": odd}))
    assert [one.judgement for one in found] == [COMPLIANT, UNKNOWN]
