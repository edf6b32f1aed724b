"""The rules of a network security group, as regions of the traffic that they match.

Source: learn.microsoft.com/azure/virtual-network/network-security-groups-overview, and the specification of
Microsoft.Network, networkSecurityGroups.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from publisher.lenient_json import member
from publisher.resource_ids import fold, quoted
from publisher.resource_manager import text_at
from verdicts.publisher_checks.addresses import EVERY_ADDRESS, Family, addresses_in
from verdicts.publisher_checks.documents import Unjudgeable, needed_objects_at, objects_at, word_at
from verdicts.publisher_checks.intervals import NOTHING, Intervals, Region, common, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from verdicts.publisher_checks.documents import Document

PROTOCOLS: Final = ("tcp", "udp", "icmp", "esp", "ah")
"""All that virtual networks carry (learn.microsoft.com/azure/virtual-network/virtual-networks-faq)."""

EVERY_PROTOCOL: Final[Intervals] = ((0, len(PROTOCOLS) - 1),)
_WITH_PORTS: Final[Intervals] = ((PROTOCOLS.index("tcp"), PROTOCOLS.index("udp")),)

EVERY_PORT: Final[Intervals] = ((0, 65_535),)
VIRTUAL_NETWORK: Final = "virtualnetwork"

_OTHER: Final = len(PROTOCOLS)
"""A protocol that the specification does not name."""

_ANY: Final = frozenset({"*", "any"})
_LAST_PRIORITY: Final = 4096
"""Of a rule that somebody wrote; Azure's own come behind it."""

_PORTS: Final = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?")
_TAG: Final = re.compile(r"[a-z][a-z0-9_.]*")


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses at one end of a rule; folded tags, and whether application security groups stand for some."""

    known: dict[Family, Intervals]
    tags: frozenset[str] = frozenset()
    groups: bool = False

    def at_least(self, family: Family, *, meant_by_tag: Intervals = NOTHING) -> Intervals:
        """Return addresses that are certainly among them; `meant_by_tag` are those of the tag VirtualNetwork."""
        known = self.known.get(family, NOTHING)
        return merged((*known, *meant_by_tag)) if VIRTUAL_NETWORK in self.tags else known

    def at_most(self, family: Family) -> Intervals:
        """Return addresses outside of which none of them can be."""
        return EVERY_ADDRESS[family] if self.tags or self.groups else self.known.get(family, NOTHING)


@dataclass(frozen=True, slots=True)
class Rule:
    """An inbound rule. The lower its priority, the sooner it decides."""

    name: str
    priority: int
    allows: bool
    protocols: Intervals
    sources: Addresses
    source_ports: Intervals
    destinations: Addresses
    destination_ports: Intervals

    def surely(self, family: Family, *, meant_by_tag: Intervals = NOTHING) -> Region:
        """Return traffic that the rule certainly matches, if the tag VirtualNetwork means these addresses.

        What has no ports, such as ICMP, is certainly matched by a rule for every port alone.
        """
        is_for_every_port = self.source_ports == self.destination_ports == EVERY_PORT
        return (
            self.protocols if is_for_every_port else common(self.protocols, _WITH_PORTS),
            self.sources.at_least(family, meant_by_tag=meant_by_tag),
            self.source_ports,
            self.destinations.at_least(family, meant_by_tag=meant_by_tag),
            self.destination_ports,
        )

    def between(self, sources: Intervals, destinations: Intervals) -> Region:
        """Return the traffic of the rule's protocols and ports between addresses."""
        return self.protocols, sources, self.source_ports, destinations, self.destination_ports


ALLOWS_VIRTUAL_NETWORK: Final = Rule(
    name="AllowVnetInBound",
    priority=65_000,
    allows=True,
    protocols=EVERY_PROTOCOL,
    sources=Addresses({}, frozenset({VIRTUAL_NETWORK})),
    source_ports=EVERY_PORT,
    destinations=Addresses({}, frozenset({VIRTUAL_NETWORK})),
    destination_ports=EVERY_PORT,
)
"""The default rule of every group that trusts the tag; nobody can remove it."""


def inbound_rules(security_group: Document) -> list[Rule]:
    """Return the inbound rules that somebody wrote, the first to decide first.

    Azure's default rules are left out, also where a document has them among the others.

    Raises:
        Unjudgeable: the group has no list of rules, or one of them is not what the specification describes.
    """
    written = needed_objects_at(security_group, "properties", "securityRules")
    rules = (_rule(one) for one in written if _is_inbound(one))
    return sorted((one for one in rules if one.priority <= _LAST_PRIORITY), key=lambda one: (one.priority, one.name))


def _is_inbound(rule: Document) -> bool:
    direction = word_at(rule, "properties", "direction")
    if direction not in {"inbound", "outbound"}:
        raise Unjudgeable(f"rule {_name_of(rule)} has no direction that is known")
    return direction == "inbound"


def _rule(rule: Document) -> Rule:
    name = _name_of(rule)
    properties = member(rule, "properties")
    access, priority = word_at(properties, "access"), member(properties, "priority")
    if access not in {"allow", "deny"}:
        raise Unjudgeable(f"rule {name} neither allows nor denies")
    if type(priority) is not int or priority < 0:
        raise Unjudgeable(f"rule {name} has no priority")
    try:
        return Rule(
            name=name,
            priority=priority,
            allows=access == "allow",
            protocols=_protocols(word_at(properties, "protocol")),
            sources=_addresses(properties, "source"),
            source_ports=_ports(properties, "source"),
            destinations=_addresses(properties, "destination"),
            destination_ports=_ports(properties, "destination"),
        )
    except ValueError as error:
        raise Unjudgeable(f"rule {name}: {error}") from error


def _name_of(rule: Document) -> str:
    return text_at(rule, "name") or "without a name"


def _protocols(word: str) -> Intervals:
    if not word:
        raise ValueError("it has no protocol")
    if word in _ANY:
        return ((0, _OTHER),)
    number = PROTOCOLS.index(word) if word in PROTOCOLS else _OTHER
    return ((number, number),)


def _addresses(properties: Any, end: str) -> Addresses:
    known: dict[Family, list[tuple[int, int]]] = {family: [] for family in Family}
    tags = set[str]()
    texts = list(_texts(properties, f"{end}AddressPrefix", f"{end}AddressPrefixes"))
    for text in texts:
        if fold(text) in _ANY:
            for family, every in EVERY_ADDRESS.items():
                known[family] += every
        elif _TAG.fullmatch(fold(text)):
            tags.add(fold(text).replace("_", ""))
        else:
            family, addresses = addresses_in(text)
            known[family].append(addresses)
    groups = bool(objects_at(properties, f"{end}ApplicationSecurityGroups"))
    if not texts and not groups:
        raise ValueError(f"it has no {end}")
    return Addresses({family: merged(ranges) for family, ranges in known.items()}, frozenset(tags), groups)


def _ports(properties: Any, end: str) -> Intervals:
    texts = [
        part.strip() for text in _texts(properties, f"{end}PortRange", f"{end}PortRanges") for part in text.split(",")
    ]
    if not texts:
        raise ValueError(f"it has no {end} port")
    return merged(chain.from_iterable(map(_port_range, texts)))


def _port_range(text: str) -> Intervals:
    if fold(text) in _ANY:
        return EVERY_PORT
    match = _PORTS.fullmatch(text)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not 0 <= low <= high <= EVERY_PORT[0][1]:
        raise ValueError(f"{quoted(text)} is no range of ports")
    return ((low, high),)


def _texts(properties: Any, singular: str, plural: str) -> Iterator[str]:
    """Yield what a rule names in one member or in the other, or in both; what is empty names nothing."""
    one, several = member(properties, singular), member(properties, plural)
    if several is not None and not isinstance(several, list):
        raise ValueError(f"{plural} is no list")
    for value in (one, *(several or ())):
        if isinstance(value, int) and not isinstance(value, bool):
            yield str(value)
        elif isinstance(value, str):
            if value.strip():
                yield value.strip()
        elif value is not None:
            raise ValueError(f"{singular} is no text")


def every_inbound(family: Family, destinations: Intervals | None = None) -> Region:
    """Return all traffic of a family of addresses; to some destinations, when they are given."""
    every = EVERY_ADDRESS[family]
    return EVERY_PROTOCOL, every, EVERY_PORT, every if destinations is None else destinations, EVERY_PORT


def before(rules: Iterable[Rule], rule: Rule, *, allows: bool) -> list[Rule]:
    """Return those that allow, or deny, among the rules that decide before another one."""
    return [one for one in rules if one.allows is allows and one.priority < rule.priority]
