"""Subnets of virtual networks, as checks look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.lenient_json import member
from verdicts.publisher_checks.documents import Unjudgeable, properties_of

if TYPE_CHECKING:
    from verdicts.publisher_checks.documents import Document


def prefixes_of(subnet: Document) -> list[str]:
    """Return the address prefixes of a subnet, or of a virtual network's address space, at least one.

    A subnet names one in `addressPrefix`, or all of them in `addressPrefixes`.

    Raises:
        Unjudgeable: it names none, or something else.
    """
    properties = properties_of(subnet)
    one, several = member(properties, "addressPrefix"), member(properties, "addressPrefixes")
    found = [*([one] if one else []), *(several if isinstance(several, list) else [])]
    if (several is not None and not isinstance(several, list)) or not all(isinstance(text, str) for text in found):
        raise Unjudgeable("a subnet has address prefixes that are no texts")
    if not found:
        raise Unjudgeable("a subnet has no address prefix")
    return found
