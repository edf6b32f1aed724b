"""The check `route-past-firewall`: whatever leaves a subnet has to go to the firewall that the plan names.

Source: learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview: which route decides, what Azure's own
routes are, and that routes learned by BGP hold beside those of a table unless it turns their propagation off.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from publisher.lenient_json import member
from publisher.resource_ids import fold
from verdicts.publisher_checks.addresses import Family, of_family, written
from verdicts.publisher_checks.documents import (
    ROUTE_TABLES,
    Unjudgeable,
    id_of,
    is_true_at,
    name_of,
    needed_objects_at,
    objects_at,
    parent_of,
    properties_of,
    reference_at,
    word_at,
)
from verdicts.publisher_checks.intervals import merged, without
from verdicts.publisher_checks.judged import compliant, judged_each, violated
from verdicts.publisher_checks.routes import decided_by, routes_of, undecided
from verdicts.publisher_checks.subnets import prefixes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from verdicts.publisher_checks.documents import Document, Documents
    from verdicts.publisher_checks.judged import Finding, Judged
    from verdicts.publisher_checks.routes import Route

FIREWALL_ADDRESSES: Final = "firewall_addresses"

_FIREWALL_SUBNETS: Final = frozenset({"azurefirewallsubnet", "azurefirewallmanagementsubnet"})
"""Whose traffic has been through the firewall, and whose default route has to go to the internet."""

_GATEWAY_SUBNET: Final = "gatewaysubnet"
"""Which takes no default route, and needs what its gateway learns."""

_LEARNING_SUBNETS: Final = frozenset({_GATEWAY_SUBNET, "routeserversubnet"})
"""Subnets of what teaches a virtual network routes by BGP."""

_PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
"""What only virtual networks use: the route type VnetLocal does not lead out of them."""


def past_firewall(documents: Documents, parameters: Mapping[str, Sequence[str]]) -> Iterator[Judged]:
    """Judge every route table of the group, also one that is associated with nothing."""
    firewalls = frozenset(ipaddress.ip_address(one) for one in parameters[FIREWALL_ADDRESSES])
    return judged_each(documents.of_type(ROUTE_TABLES), lambda one: _Table(documents, one, firewalls).judged())


@dataclass(frozen=True, slots=True)
class _Table:
    """A route table, and the firewalls to which it has to lead."""

    documents: Documents
    table: Document
    firewalls: frozenset[ipaddress.IPv4Address | ipaddress.IPv6Address]

    def judged(self) -> Finding:
        """Return what the table's routes amount to; raise Unjudgeable when that hangs on what is not known."""
        routes, subnets = routes_of(self.table), self._subnets()
        unknown: Unjudgeable | None = None
        try:
            if subnets and self._is_firewalls_own(subnets):
                return compliant("it is the firewall's own route table")
        except Unjudgeable as error:
            unknown = error
        is_of_gateway = bool(subnets) and all(fold(name_of(one)) == _GATEWAY_SUBNET for one in subnets)
        violation = self._violation(routes, is_whole=not is_of_gateway)
        if unknown is not None:
            raise unknown
        if violation:
            return violated(violation)
        return compliant("what it has routes for goes to the firewall") if is_of_gateway else self._beside(routes)

    def _violation(self, routes: Sequence[Route], *, is_whole: bool) -> str:
        """Return in words how IPv4 traffic gets past the firewall by the table's routes; "" when it does not."""
        unknown: Unjudgeable | None = None
        for one in routes:
            try:
                if self._leads_past(one, routes):
                    return f"route {one.name} sends {one.prefix} to {one.to}, past the firewall"
            except Unjudgeable as error:
                unknown = unknown or error
        left = self._left(routes, Family.IPV4) if is_whole else ""
        if unknown is not None and not left:
            raise unknown
        return left

    def _beside(self, routes: Sequence[Route]) -> Finding:
        """Judge what leads past the routes of the table: IPv6, and what is learned by BGP."""
        is_ipv6 = any(one.family is Family.IPV6 for one in routes) or self.documents.any_of(self._subnets(), _has_ipv6)
        if is_ipv6 and (left := self._left(routes, Family.IPV6)):
            return violated(left)
        is_off = is_true_at(self.table, "properties", "disableBgpRoutePropagation")
        if not is_off and self.documents.any_of(self._networks(), _learns_routes):
            return violated("it takes routes that a gateway learns, which lead past the firewall")
        return compliant("everything goes to the firewall, or nowhere")

    def _left(self, routes: Sequence[Route], family: Family) -> str:
        """Return in words for which addresses there is no route; "" when there is one for all."""
        left = undecided(routes, family)
        if not left:
            return ""
        return f"it has no route for {written(left[0][0], family)}, so Azure's own route to the internet holds there"

    def _leads_past(self, route: Route, routes: Sequence[Route]) -> bool:
        """Tell whether traffic that a route decides on does not go to the firewall; raise Unjudgeable."""
        if route.hop == "none":
            return False
        if route.family is not None and not decided_by(route, routes):
            return False
        if route.hop == "vnetlocal":
            return not self._is_local(route)
        if route.hop == "virtualappliance":
            return not self._is_firewall(route)
        if route.hop in {"internet", "virtualnetworkgateway"}:
            return True
        raise Unjudgeable(f"route {route.name} has a next hop that is not known: {route.hop}")

    def _is_firewall(self, route: Route) -> bool:
        try:
            return ipaddress.ip_address(route.hop_address) in self.firewalls
        except ValueError:
            raise Unjudgeable(f"route {route.name} names no address of an appliance") from None

    def _is_local(self, route: Route) -> bool:
        """Tell whether a route is for addresses that only virtual networks have, or those of the table have."""
        if route.family is None:
            return False
        local = merged(of_family(_PRIVATE, route.family))
        if not without((route.addresses,), local):
            return True
        return self.documents.any_of(self._networks(), lambda one: _has_addresses(one, route))

    def _networks(self) -> list[str]:
        return sorted({parent_of(one) for one in self._subnets()})

    def _subnets(self) -> list[str]:
        """Return the folded ids of the subnets that the table is associated with, as either side says."""
        own = fold(id_of(self.table))
        found = {fold(id_of(one)) for one in objects_at(properties_of(self.table), "subnets")}
        found |= {
            fold(id_of(one))
            for one in self.documents.subnets()
            if fold(reference_at(one, "properties", "routeTable")) == own
        }
        return sorted(found)

    def _is_firewalls_own(self, subnets: Sequence[str]) -> bool:
        """Tell whether all of these subnets are the firewall's; raise Unjudgeable when that is not known."""
        others = [one for one in subnets if fold(name_of(one)) not in _FIREWALL_SUBNETS]
        return not self.documents.any_of(others, lambda one: not self._has_firewall(one))

    def _has_firewall(self, subnet: Document) -> bool:
        prefixes = prefixes_of(subnet)
        inside = {family: of_family(prefixes, family) for family in Family}
        return any(low <= int(one) <= high for one in self.firewalls for low, high in inside[Family(one.version)])


def _has_ipv6(subnet: Document) -> bool:
    return bool(of_family(prefixes_of(subnet), Family.IPV6))


def _has_addresses(network: Document, route: Route) -> bool:
    assert route.family is not None  # noqa: S101 - for the type checker
    space = member(properties_of(network), "addressSpace")
    prefixes = prefixes_of({"properties": space})
    return not without((route.addresses,), of_family(prefixes, route.family))


def _learns_routes(network: Document) -> bool:
    """Tell whether a virtual network has a gateway or a route server, or uses the gateway of another one."""
    peerings = needed_objects_at(network, "properties", "virtualNetworkPeerings")
    if any(is_true_at(one, "properties", "useRemoteGateways") for one in peerings):
        return True
    return any(
        fold(name_of(id_of(one)) or word_at(one, "name")) in _LEARNING_SUBNETS
        and objects_at(one, "properties", "ipConfigurations")
        for one in needed_objects_at(network, "properties", "subnets")
    )
