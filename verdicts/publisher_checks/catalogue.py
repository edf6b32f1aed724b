"""The publisher's checks by name: what each judges, what it has to read, what an operator can set, and who says so."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from verdicts.publisher_checks.addresses import addresses_in
from verdicts.publisher_checks.documents import (
    INTERFACES,
    NETWORKS,
    PRIVATE_ENDPOINTS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
)
from verdicts.publisher_checks.firewall_routes import FIREWALL_ADDRESSES, past_firewall
from verdicts.publisher_checks.identities import (
    ALLOWED_ROLES,
    ARC_MACHINES,
    IDENTITIES,
    RESOURCES,
    ROLE_ASSIGNMENTS,
    wide_role,
)
from verdicts.publisher_checks.private_endpoints import policies_off
from verdicts.publisher_checks.public_access import AI_ACCOUNTS, ALLOWED_ADDRESSES, VAULTS, WORKSPACES, public_access
from verdicts.publisher_checks.security_groups import without_deny_all
from verdicts.publisher_checks.trusted_tag import trusted_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from verdicts.publisher_checks.documents import Documents
    from verdicts.publisher_checks.judged import Judged

    Parameters = Mapping[str, Sequence[str]]

_LEARN: Final = "https://learn.microsoft.com/azure/"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What an operator sets for a check: a list of texts.

    `check` raises ValueError for a text that cannot be used; `takes` says what can. A needed one has at least one text.
    """

    name: str
    takes: str
    check: Callable[[str], Any]
    is_needed: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """A check. `reads` are the types of which the group's resources are listed for it.

    `judge` is a pure function of documents, and of the parameters that an operator set. It raises Unjudgeable when
    nothing can be said of the group, and then nothing is.
    """

    name: str
    title: str
    source: str
    reads: tuple[str, ...]
    judge: Callable[[Documents, Parameters], Iterable[Judged]]
    parameters: tuple[Parameter, ...] = ()

    @property
    def display_name(self) -> str:
        """What alarms, rows and pages call it."""
        return f"Publisher check: {self.title}"


def _not_empty(text: str) -> None:
    if not text.strip():
        raise ValueError("is empty")


CHECKS: Final[Mapping[str, Check]] = {
    one.name: one
    for one in (
        Check(
            "nsg-without-deny-all",
            "network security group without a deny-all inbound rule",
            f"{_LEARN}virtual-network/network-security-groups-overview#default-security-rules",
            (SECURITY_GROUPS, NETWORKS, INTERFACES),
            without_deny_all,
        ),
        Check(
            "vnet-tag-with-default-route",
            "VirtualNetwork is trusted, and means every address",
            f"{_LEARN}virtual-network/service-tags-overview#available-service-tags",
            (SECURITY_GROUPS, NETWORKS, ROUTE_TABLES, INTERFACES),
            trusted_tag,
        ),
        Check(
            "private-endpoint-policies-off",
            "private endpoints that no network security group protects",
            f"{_LEARN}private-link/disable-private-endpoint-network-policy",
            (NETWORKS, PRIVATE_ENDPOINTS),
            policies_off,
        ),
        Check(
            "route-past-firewall",
            "route table that leads past the firewall",
            f"{_LEARN}virtual-network/virtual-networks-udr-overview",
            (ROUTE_TABLES, NETWORKS),
            past_firewall,
            (Parameter(FIREWALL_ADDRESSES, "private addresses of the firewall", ipaddress.ip_address),),
        ),
        Check(
            "identity-with-wide-role",
            "identity with a role that the plan does not allow",
            f"{_LEARN}role-based-access-control/role-assignments-list-rest",
            (RESOURCES, IDENTITIES, ARC_MACHINES, ROLE_ASSIGNMENTS),
            wide_role,
            (Parameter(ALLOWED_ROLES, "names or ids of roles", _not_empty),),
        ),
        Check(
            "public-network-access",
            "vault, workspace or AI account that answers publicly",
            f"{_LEARN}key-vault/general/network-security",
            (VAULTS, WORKSPACES, AI_ACCOUNTS),
            public_access,
            (Parameter(ALLOWED_ADDRESSES, "addresses or prefixes", addresses_in, is_needed=False),),
        ),
    )
}
