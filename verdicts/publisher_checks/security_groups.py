"""The check `nsg-without-deny-all`: a network security group has to deny by itself whatever it does not allow.

Without such a rule its default rules decide, and AllowVnetInBound lets in whatever the tag VirtualNetwork means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.resource_ids import fold
from verdicts.publisher_checks.addresses import Family, of_family, written
from verdicts.publisher_checks.documents import (
    INTERFACES,
    SECURITY_GROUPS,
    SUBNETS,
    Unjudgeable,
    id_of,
    needed_objects_at,
    objects_at,
    properties_of,
    reference_at,
    type_of,
    word_at,
)
from verdicts.publisher_checks.intervals import Effort, TooManyParts, left_of
from verdicts.publisher_checks.judged import compliant, judged_each, violated
from verdicts.publisher_checks.security_rules import PROTOCOLS, every_inbound, inbound_rules
from verdicts.publisher_checks.subnets import prefixes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from verdicts.publisher_checks.documents import Document, Documents
    from verdicts.publisher_checks.intervals import Region
    from verdicts.publisher_checks.judged import Finding, Judged
    from verdicts.publisher_checks.security_rules import Rule


def without_deny_all(documents: Documents, parameters: Mapping[str, Sequence[str]]) -> Iterator[Judged]:  # noqa: ARG001 - it has none
    """Judge every network security group of the group, also one that is associated with nothing."""
    return judged_each(documents.of_type(SECURITY_GROUPS), lambda one: _judged(documents, one))


def _judged(documents: Documents, security_group: Document) -> Finding:
    rules = inbound_rules(security_group)
    denying = [one for one in rules if not one.allows]
    if not denying:
        return violated("no inbound rule denies anything, so the default rules let in the whole virtual network")
    effort = Effort()
    try:
        if left := _left_to_defaults(denying, Family.IPV4, effort):
            return violated(f"the default rules decide on inbound traffic, such as {_example(left, Family.IPV4)}")
        if not _denies_anything(rules, effort):
            return violated("what the inbound rules allow comes before their denial and is everything")
        left = _left_to_defaults(denying, Family.IPV6, effort)
    except TooManyParts:
        raise Unjudgeable("the inbound rules overlap in too many ways to be judged") from None
    if left and _has_ipv6(documents, security_group):
        return violated(f"the default rules decide on inbound IPv6 traffic, such as {_example(left, Family.IPV6)}")
    return compliant("its own rules deny all inbound traffic that they do not allow")


def _left_to_defaults(denying: list[Rule], family: Family, effort: Effort) -> Region | None:
    return left_of(every_inbound(family), [one.surely(family) for one in denying], effort)


def _denies_anything(rules: list[Rule], effort: Effort) -> bool:
    """Tell whether some rule denies what no rule before it allows, two of one priority in the worse order.

    Whether a rule for some ports allows what has none is not known: the worse is taken.
    """
    allowed = [(one.priority, _known_addresses(one)) for one in rules if one.allows]
    return any(
        left_of(rule.surely(Family.IPV4), [region for first, region in allowed if first <= rule.priority], effort)
        for rule in rules
        if not rule.allows
    )


def _known_addresses(rule: Rule) -> Region:
    return rule.between(rule.sources.at_least(Family.IPV4), rule.destinations.at_least(Family.IPV4))


def _has_ipv6(documents: Documents, security_group: Document) -> bool:
    """Tell whether IPv6 traffic can come to what the group is associated with; raise Unjudgeable."""
    properties, own = properties_of(security_group), fold(id_of(security_group))
    subnets = {fold(id_of(one)) for one in objects_at(properties, "subnets")}
    subnets |= {
        fold(id_of(one))
        for one in documents.subnets()
        if fold(reference_at(one, "properties", "networkSecurityGroup")) == own
    }
    interfaces = {fold(id_of(one)) for one in objects_at(properties, "networkInterfaces")}
    interfaces |= {
        fold(id_of(one))
        for one in documents.of_type(INTERFACES)
        if fold(reference_at(one, "properties", "networkSecurityGroup")) == own
    }
    return documents.any_of(sorted(subnets | interfaces), _is_ipv6)


def _is_ipv6(associated: Document) -> bool:
    """Tell whether a subnet has a prefix of IPv6, or an interface such an address."""
    if fold(type_of(id_of(associated))) == fold(SUBNETS):
        return bool(of_family(prefixes_of(associated), Family.IPV6))
    configurations = needed_objects_at(associated, "properties", "ipConfigurations")
    return any(word_at(one, "properties", "privateIPAddressVersion") == "ipv6" for one in configurations)


def _example(region: Region, family: Family) -> str:
    protocols, sources, _, _, ports = region
    protocol = PROTOCOLS[protocols[0][0]]
    port = f" to port {ports[0][0]}" if protocol in {"tcp", "udp"} else ""
    return f"{protocol.upper()} from {written(sources[0][0], family)}{port}"
