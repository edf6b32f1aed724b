"""Whether an identity has the roles at a resource group with which a remediation deploys.

Read from ARM's documents, without I/O. Source: the REST specification of Microsoft.Authorization (roleAssignments,
2022-04-01).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from operations.acting.effects import role_name
from publisher.resource_ids import fold
from publisher.resource_manager import id_at, text_at
from registry.policies.deny_assignments import contains, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
DEPLOY: Final = "Microsoft.Resources/deployments/write"


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """A role that a principal has at a scope, "/" for everything; `role` is the GUID of its definition."""

    principal_id: str
    role: str
    scope: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> RoleAssignment:
        """Return the role assignment that ARM describes."""
        return cls(
            fold(text_at(document, "properties", "principalId")),
            role_name(id_at(document, "properties", "roleDefinitionId")),
            scope_of(document, "roleassignments"),
        )


def missing_roles(
    required: Iterable[str], assigned: Iterable[RoleAssignment], principal_ids: Iterable[str], group: str
) -> tuple[str, ...]:
    """Return those of the required roles that an identity does not have at the group or above; Owner is any."""
    held = roles_at(assigned, principal_ids, group)
    return () if OWNER in held else tuple(one for one in required if one not in held)


def roles_at(assigned: Iterable[RoleAssignment], principal_ids: Iterable[str], group: str) -> frozenset[str]:
    """Return the roles that an identity has at a group or above it; not those that it has through a security group."""
    own = {fold(one) for one in principal_ids}
    return frozenset(one.role for one in assigned if one.principal_id in own and contains(one.scope, group))
