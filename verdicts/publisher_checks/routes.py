"""The routes of a route table, and the part of all addresses for which each of them decides.

The route with the longest prefix decides (learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import quoted
from publisher.resource_manager import text_at
from verdicts.publisher_checks.addresses import EVERY_ADDRESS, Family, addresses_in
from verdicts.publisher_checks.documents import Unjudgeable, needed_objects_at, word_at
from verdicts.publisher_checks.intervals import Intervals, merged, without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verdicts.publisher_checks.documents import Document

_TAG: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")


@dataclass(frozen=True, slots=True)
class Route:
    """A route: its prefix as it is written, and as addresses of a family; None for a service tag.

    `hop` is the folded type of the next hop; it and its address are in `to` as they are written.
    """

    name: str
    prefix: str
    family: Family | None
    addresses: tuple[int, int]
    hop: str
    hop_address: str
    to: str


def routes_of(table: Document) -> list[Route]:
    """Return the routes of a table; raise Unjudgeable when it has no list, or one that makes no sense."""
    return [_route(one) for one in needed_objects_at(table, "properties", "routes")]


def decided_by(route: Route, routes: Sequence[Route]) -> Intervals:
    """Return the addresses for which a route decides, and no other with a longer prefix."""
    low, high = route.addresses
    inner = merged(
        one.addresses
        for one in routes
        if one.family is route.family
        and low <= one.addresses[0]
        and one.addresses[1] <= high
        and one.addresses != route.addresses
    )
    return without(((low, high),), inner)


def undecided(routes: Sequence[Route], family: Family) -> Intervals:
    """Return the addresses of a family for which no route of a table decides: there Azure's own routes hold."""
    return without(EVERY_ADDRESS[family], merged(one.addresses for one in routes if one.family is family))


def _route(route: Document) -> Route:
    name = text_at(route, "name") or "without a name"
    prefix, hop = text_at(route, "properties", "addressPrefix"), word_at(route, "properties", "nextHopType")
    if not prefix or not hop:
        raise Unjudgeable(f"route {name} has no {'next hop' if prefix else 'address prefix'}")
    family: Family | None = None
    addresses = 0, 0
    if not _TAG.fullmatch(prefix):
        try:
            family, addresses = addresses_in(prefix)
        except ValueError as error:
            raise Unjudgeable(f"route {name}: {quoted(prefix)} is no address prefix") from error
    address = text_at(route, "properties", "nextHopIpAddress")
    to = f"{text_at(route, 'properties', 'nextHopType')} {address}".strip()
    return Route(name, prefix, family, addresses, hop, address, to)
