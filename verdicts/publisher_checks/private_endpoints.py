"""The check `private-endpoint-policies-off`: network policies that are off make a security group pass over endpoints.

Source: learn.microsoft.com/azure/private-link/disable-private-endpoint-network-policy; that they are off where nothing
is said is in the specification of Microsoft.Network, virtualNetworks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from publisher.resource_ids import fold, plain_id, quoted
from publisher.resource_manager import text_at
from verdicts.publisher_checks.documents import (
    PRIVATE_ENDPOINTS,
    Unjudgeable,
    id_of,
    name_of,
    objects_at,
    reference_at,
    word_at,
)
from verdicts.publisher_checks.judged import compliant, judged_each, violated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from verdicts.publisher_checks.documents import Document, Documents
    from verdicts.publisher_checks.judged import Finding, Judged

_POLICIES: Final = "privateEndpointNetworkPolicies"
_FOR_SECURITY_GROUPS: Final = frozenset({"enabled", "networksecuritygroupenabled"})
_NOT_FOR_SECURITY_GROUPS: Final = frozenset({"disabled", "routetableenabled", ""})


def policies_off(documents: Documents, parameters: Mapping[str, Sequence[str]]) -> Iterator[Judged]:  # noqa: ARG001 - it has none
    """Judge every subnet of the group, and the group's private endpoints in subnets elsewhere."""
    subnets = {fold(id_of(one)): one for one in documents.subnets()}
    endpoints = documents.of_type(PRIVATE_ENDPOINTS)
    inside = {_subnet_of(one) for one in endpoints}
    outside = [one for one in endpoints if _subnet_of(one) not in subnets]
    yield from judged_each(subnets.values(), lambda one: _judged_subnet(one, has_endpoint=fold(id_of(one)) in inside))
    yield from judged_each(outside, lambda one: _judged_endpoint(documents, one))


def _subnet_of(endpoint: Document) -> str:
    return fold(plain_id(text_at(endpoint, "properties", "subnet", "id")))


def _judged_subnet(subnet: Document, *, has_endpoint: bool) -> Finding:
    if not has_endpoint and not objects_at(subnet, "properties", "privateEndpoints"):
        return compliant("no private endpoint is in the subnet")
    return _by_policies(subnet)


def _judged_endpoint(documents: Documents, endpoint: Document) -> Finding:
    subnet_id = reference_at(endpoint, "properties", "subnet")
    if not subnet_id:
        raise Unjudgeable("the private endpoint names no subnet")
    return _by_policies(documents.find(subnet_id))


def _by_policies(subnet: Document) -> Finding:
    policies, name = word_at(subnet, "properties", _POLICIES), name_of(id_of(subnet))
    as_written = text_at(subnet, "properties", _POLICIES)
    if policies in _FOR_SECURITY_GROUPS:
        return compliant(f"network policies of subnet {name} apply to its private endpoints")
    if policies not in _NOT_FOR_SECURITY_GROUPS:
        raise Unjudgeable(f"{_POLICIES} of subnet {name} is {quoted(as_written)}")
    group_id = reference_at(subnet, "properties", "networkSecurityGroup")
    group = f"network security group {name_of(group_id)} does" if group_id else "a network security group would do"
    said = f"are {as_written}" if as_written else "are not set, which means Disabled"
    return violated(f"network policies of subnet {name} {said}: {group} nothing for its private endpoints")
