"""The check `vnet-tag-with-default-route`: a rule that trusts the tag VirtualNetwork, which means every address.

The tag has the address prefixes of user-defined routes too. So once a route table of the subnet has 0.0.0.0/0, what a
rule allows for VirtualNetwork, as the default rule AllowVnetInBound does, it allows for everybody.
Source: learn.microsoft.com/azure/virtual-network/service-tags-overview, tag VirtualNetwork.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.resource_ids import fold
from verdicts.publisher_checks.addresses import EVERY_ADDRESS, Family, of_family
from verdicts.publisher_checks.documents import (
    INTERFACES,
    Unjudgeable,
    id_of,
    name_of,
    objects_at,
    reference_at,
)
from verdicts.publisher_checks.intervals import Effort, TooManyParts, common, left_of
from verdicts.publisher_checks.judged import compliant, judged_each, violated
from verdicts.publisher_checks.routes import routes_of, undecided
from verdicts.publisher_checks.security_rules import ALLOWS_VIRTUAL_NETWORK, VIRTUAL_NETWORK, before, inbound_rules
from verdicts.publisher_checks.subnets import prefixes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from verdicts.publisher_checks.documents import Document, Documents
    from verdicts.publisher_checks.judged import Finding, Judged


def trusted_tag(documents: Documents, parameters: Mapping[str, Sequence[str]]) -> Iterator[Judged]:  # noqa: ARG001 - it has none
    """Judge every subnet of the group's virtual networks."""
    return judged_each(documents.subnets(), lambda one: _judged(documents, one))


def _judged(documents: Documents, subnet: Document) -> Finding:
    table_id = reference_at(subnet, "properties", "routeTable")
    if not table_id:
        return compliant("no route table is associated with the subnet")
    try:
        families = _with_default_route(documents.find(table_id))
    except Unjudgeable:
        if not _trusting(documents, subnet, tuple(Family)):
            return compliant("no rule for VirtualNetwork lets anything in, whatever the routes are")
        raise
    if not families:
        return compliant(f"route table {name_of(table_id)} has no route for all addresses")
    if trusting := _trusting(documents, subnet, families):
        return violated(f"{trusting} trusts VirtualNetwork, which means every address by table {name_of(table_id)}")
    return compliant("no rule for VirtualNetwork lets anything in that is not denied before")


def _with_default_route(table: Document) -> tuple[Family, ...]:
    """Return the families all of whose addresses a table has routes for, in one prefix or in several."""
    routes = routes_of(table)
    return tuple(family for family in Family if not undecided(routes, family))


def _trusting(documents: Documents, subnet: Document, families: Sequence[Family]) -> str:
    """Return which rule of which network security group trusts the tag; "" when none does.

    Those of network interfaces count where the subnet has none: else they see no more than the subnet's lets through.
    """
    group_id = reference_at(subnet, "properties", "networkSecurityGroup")
    groups = [group_id] if group_id else _groups_of_interfaces(documents, subnet)
    found, effort = list[str](), Effort()

    def trusts(group: Document) -> bool:
        rule = _rule_that_trusts(group, subnet, families, effort)
        found.extend([f"rule {rule} of {name_of(id_of(group))}"] if rule else [])
        return bool(rule)

    documents.any_of(groups, trusts)
    return found[0] if found else ""


def _rule_that_trusts(group: Document, subnet: Document, families: Sequence[Family], effort: Effort) -> str:
    """Return the first rule by which traffic comes in from the addresses of the tag; "" when there is none."""
    rules = [*inbound_rules(group), ALLOWS_VIRTUAL_NETWORK]
    for rule in rules:
        if not rule.allows or VIRTUAL_NETWORK not in rule.sources.tags:
            continue
        for family in families:
            every = EVERY_ADDRESS[family]
            inside = of_family(prefixes_of(subnet), family)  # the addresses to which inbound traffic goes
            region = rule.between(every, common(rule.destinations.at_most(family), inside))
            denied = [one.surely(family, meant_by_tag=every) for one in before(rules, rule, allows=False)]
            try:
                if left_of(region, denied, effort):
                    return rule.name
            except TooManyParts:
                raise Unjudgeable(f"the rules of {name_of(id_of(group))} overlap in too many ways") from None
    return ""


def _groups_of_interfaces(documents: Documents, subnet: Document) -> list[str]:
    """Return the network security groups of the interfaces in a subnet; raise Unjudgeable for interfaces not known."""
    own = fold(id_of(subnet))
    known, groups = set[str](), list[str]()
    for interface in documents.of_type(INTERFACES):
        known.add(fold(id_of(interface)))
        configurations = objects_at(interface, "properties", "ipConfigurations")
        group = reference_at(interface, "properties", "networkSecurityGroup")
        if group and any(fold(reference_at(one, "properties", "subnet")) == own for one in configurations):
            groups.append(group)
    for one in _interfaces_in(subnet):
        if fold(one) not in known and (
            group := reference_at(documents.find(one), "properties", "networkSecurityGroup")
        ):
            groups.append(group)
    return groups


def _interfaces_in(subnet: Document) -> Iterator[str]:
    """Yield the network interfaces whose addresses a subnet names."""
    for one in objects_at(subnet, "properties", "ipConfigurations"):
        interface, found, _ = fold(id_of(one)).rpartition("/ipconfigurations/")
        if found and "/networkinterfaces/" in interface:
            yield interface
