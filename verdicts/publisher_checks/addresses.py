"""Addresses as rules, routes and firewalls name them: single ones, prefixes and ranges of either family."""

from __future__ import annotations

import ipaddress
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from verdicts.publisher_checks.documents import Unjudgeable
from verdicts.publisher_checks.intervals import merged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verdicts.publisher_checks.intervals import Intervals


class Family(IntEnum):
    """The two families of addresses, by their version."""

    IPV4 = 4
    IPV6 = 6


EVERY_ADDRESS: Final[dict[Family, Intervals]] = {Family.IPV4: ((0, 2**32 - 1),), Family.IPV6: ((0, 2**128 - 1),)}

_ADDRESS: Final = {Family.IPV4: ipaddress.IPv4Address, Family.IPV6: ipaddress.IPv6Address}


def addresses_in(text: str) -> tuple[Family, tuple[int, int]]:
    """Return the family, and the first and last address, of an address, a prefix or a range; raise ValueError.

    Bits of a prefix behind its length do not matter.
    """
    first, dash, last = (part.strip() for part in text.partition("-"))
    if dash:
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
        if low.version != high.version or int(low) > int(high):
            raise ValueError(f"{text} is no range of addresses")
        return Family(low.version), (int(low), int(high))
    network = ipaddress.ip_network(text.strip(), strict=False)
    return Family(network.version), (int(network[0]), int(network[-1]))


def of_family(prefixes: Iterable[str], family: Family) -> Intervals:
    """Return the addresses of a family that prefixes have; raise Unjudgeable for what is no prefix."""
    found = []
    for prefix in prefixes:
        try:
            version, addresses = addresses_in(prefix)
        except ValueError as error:
            raise Unjudgeable(f"{prefix!a} is no address prefix") from error
        if version is family:
            found.append(addresses)
    return merged(found)


def written(address: int, family: Family) -> str:
    """Return an address as people write it."""
    return str(_ADDRESS[family](address))
