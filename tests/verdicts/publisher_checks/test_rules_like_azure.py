"""What the checks conclude of rules, against a small model that sends packets through them one by one."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verdicts.publisher_checks.arm import (
    COMPLIANT,
    documents,
    judged,
    network,
    reference,
    route,
    route_table,
    rule,
    security_group,
    subnet,
)
from verdicts.publisher_checks.intervals import Effort, Intervals, Region, common, left_of, merged, without

PREFIXES = {
    "*": (0, 2**32),
    "0.0.0.0/0": (0, 2**32),
    "0.0.0.0/1": (0, 2**31),
    "128.0.0.0/1": (2**31, 2**32),
    "10.0.0.0/8": (10 << 24, 11 << 24),
    "10.0.1.0/24": ((10 << 24) + 256, (10 << 24) + 512),
    "200.0.0.1": ((200 << 24) + 1, (200 << 24) + 2),
}
PORTS = {"*": (0, 65536), "0-65535": (0, 65536), "80": (80, 81), "0-79": (0, 80), "81-65535": (81, 65536)}
PROTOCOLS = ["tcp", "udp", "icmp", "esp", "ah"]

ADDRESSES = sorted(
    {edge for low, high in PREFIXES.values() for edge in (low - 1, low, high - 1, high) if 0 <= edge < 2**32}
)
PORT_EDGES = [0, 79, 80, 81, 65535]


class Packet(NamedTuple):
    protocol: str
    source: int
    destination: int
    port: int


def packets(destinations: list[int]) -> list[Packet]:
    return [
        Packet(protocol, source, destination, port)
        for protocol in PROTOCOLS
        for source in ADDRESSES
        for destination in destinations
        for port in PORT_EDGES
    ]


def matches(document: dict[str, Any], packet: Packet, *, is_tag_everything: bool) -> bool:
    one = document["properties"]

    def has(prefix: str, address: int) -> bool:
        if prefix == "VirtualNetwork":
            return is_tag_everything
        low, high = PREFIXES[prefix]
        return low <= address < high

    low, high = PORTS[one["destinationPortRange"]]
    if packet.protocol not in {"tcp", "udp"} and high - low < 65536 and one["access"] == "Deny":
        return False  # what has no ports is perhaps not matched by a rule for some
    return (
        one["protocol"] in {"*", packet.protocol}
        and has(one["sourceAddressPrefix"], packet.source)
        and has(one["destinationAddressPrefix"], packet.destination)
        and low <= packet.port < high
    )


def rules(sources: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.builds(
        lambda access, protocol, source, destination, port: rule(
            access=access,
            protocol=protocol,
            sourceAddressPrefix=source,
            destinationAddressPrefix=destination,
            destinationPortRange=port,
        ),
        st.sampled_from(["Allow", "Deny", "Deny"]),
        st.sampled_from(["*", "*", "*", *PROTOCOLS]),
        st.sampled_from(sources),
        st.sampled_from(["*", "*", "0.0.0.0/1", "128.0.0.0/1", "10.0.1.0/24"]),
        st.sampled_from(sorted(PORTS)),
    )
    return st.lists(one, max_size=7).map(_numbered)


def _numbered(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for number, one in enumerate(found):
        one["name"] = f"rule{number}"
        one["properties"]["priority"] = 100 + number
    return found


@settings(max_examples=150, deadline=None)
@given(rules(["*", "*", "*", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "200.0.0.1"]))
def test_a_group_is_well_when_no_packet_reaches_the_default_rules_and_one_is_denied(
    found: list[dict[str, Any]],
) -> None:
    decided = []
    for packet in packets([0, (10 << 24) + 300, 2**31, 2**32 - 1]):
        first = next((one for one in found if matches(one, packet, is_tag_everything=False)), None)
        some_deny = any(
            matches(one, packet, is_tag_everything=False) for one in found if one["properties"]["access"] == "Deny"
        )
        decided.append((some_deny, first is not None and first["properties"]["access"] == "Deny"))
    is_well = all(some for some, _ in decided) and any(first for _, first in decided)
    [one] = judged("nsg-without-deny-all", documents(security_group(*found)))
    assert (one.judgement is COMPLIANT) == is_well, one.reason


@settings(max_examples=150, deadline=None)
@given(rules(["*", "VirtualNetwork", "VirtualNetwork", "10.0.0.0/8", "0.0.0.0/1", "128.0.0.0/1"]))
def test_the_tag_is_trusted_when_a_packet_gets_by_all_denials_to_a_rule_that_allows_it(
    found: list[dict[str, Any]],
) -> None:
    default = rule(
        "AllowVnetInBound",
        65000,
        "Allow",
        sourceAddressPrefix="VirtualNetwork",
        destinationAddressPrefix="VirtualNetwork",
    )
    every = [*found, default]

    def is_trusted(packet: Packet) -> bool:
        for one in every:
            if matches(one, packet, is_tag_everything=True):
                if one["properties"]["access"] == "Deny":
                    return False
                if one["properties"]["sourceAddressPrefix"] == "VirtualNetwork":
                    return True
        return False

    app = subnet(
        networkSecurityGroup=reference("networkSecurityGroups", "nsg"), routeTable=reference("routeTables", "table")
    )
    inside = [(10 << 24) + 256, (10 << 24) + 300, (10 << 24) + 511]
    [one] = judged(
        "vnet-tag-with-default-route",
        documents(security_group(*found), network(app), route_table(route("0.0.0.0/0"))),
    )
    assert (one.judgement is COMPLIANT) == (not any(map(is_trusted, packets(inside)))), one.reason


small = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5)), max_size=4).map(
    lambda pairs: merged((low, low + length) for low, length in pairs)
)


def members(intervals: Intervals) -> set[int]:
    return {number for low, high in intervals for number in range(low, high + 1)}


@given(small, small)
def test_intervals_are_sets_of_numbers(one: Intervals, other: Intervals) -> None:
    assert members(common(one, other)) == members(one) & members(other)
    assert members(without(one, other)) == members(one) - members(other)
    assert merged([*one, *other]) == merged([*other, *one])
    assert members(merged([*one, *other])) == members(one) | members(other)


regions = st.tuples(small, small, small)


@settings(deadline=None)
@given(regions, st.lists(regions, max_size=5))
def test_what_is_left_of_a_region_is_in_it_and_in_no_other(region: Region, others: list[Region]) -> None:
    def points(one: Region) -> set[tuple[int, int, int]]:
        first, second, third = map(members, one)
        return {(a, b, c) for a in first for b in second for c in third}

    left = left_of(region, others, Effort())
    rest = points(region) - set().union(*map(points, others))
    assert (left is None) == (not rest)
    if left is not None:
        assert points(left) <= rest
        assert points(left)
