"""Whether an identity may do at a resource group what a remediation does: its roles, and what denies it.

Read from ARM's documents, without I/O. Sources: the REST specification of Microsoft.Authorization (roleAssignments and
denyAssignments, 2022-04-01), and Azure's documentation "Understand Azure deny assignments".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from operations.acting.effects import role_name
from publisher.lenient_json import member
from publisher.resource_ids import fold, is_at_or_inside
from publisher.resource_manager import id_at, text_at
from publisher.texts import word
from registry.policies.permissions import includes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
DEPLOY: Final = "Microsoft.Resources/deployments/write"
_EVERYBODY: Final = "00000000-0000-0000-0000-000000000000"
"""The principal of a deny assignment that holds for all principals."""

_EVERYBODYS_TYPES: Final = frozenset({"systemdefined", "everyone"})


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
            _scope(document, "roleassignments"),
        )


@dataclass(frozen=True, slots=True)
class DenyAssignment:
    """What is denied to principals at a scope and inside it, whatever their roles; `permissions` are ARM's."""

    name: str
    scope: str
    principals: frozenset[str]
    excluded: frozenset[str]
    permissions: tuple[Any, ...]
    here_only: bool

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> DenyAssignment:
        """Return the deny assignment that ARM describes."""
        properties = member(document, "properties")
        permissions = member(properties, "permissions")
        return cls(
            text_at(properties, "denyAssignmentName") or text_at(document, "name"),
            _scope(document, "denyassignments"),
            _principals(member(properties, "principals")),
            _principals(member(properties, "excludePrincipals")),
            tuple(permissions) if isinstance(permissions, list) else (),
            member(properties, "doNotApplyToChildScopes") is True,
        )

    def denies(self, principal_ids: Iterable[str], actions: Mapping[str, Sequence[str]]) -> str:
        """Return an action that is denied to one of these principals, "" for none.

        `actions` are what has to be done, by the ids of where.
        """
        concerned = [fold(one) for one in principal_ids]
        is_held = any(one in self.principals or _EVERYBODY in self.principals for one in concerned)
        if not is_held or all(one in self.excluded for one in concerned):
            return ""
        places = [place for place in actions if self._applies_at(place)]
        wanted = (action for place in places for action in actions[place])
        return next((one for one in wanted if any(includes(permission, one) for permission in self.permissions)), "")

    def _applies_at(self, place: str) -> bool:
        if self.here_only:
            return fold(place) == fold(self.scope)
        return not self.scope or contains(self.scope, place)


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


def contains(scope: str, place: str) -> bool:
    """Tell whether something is at a scope or inside it; "/" is the tenant's root, management groups are above."""
    above = scope == "/" or fold(scope).startswith("/providers/microsoft.management/managementgroups/")
    return above or is_at_or_inside(place, scope)


def _scope(document: Mapping[str, Any], kind: str) -> str:
    """Return the scope that a document names, or that its id begins with."""
    told = text_at(document, "properties", "scope")
    if told == "/":
        return told
    scope = id_at(document, "properties", "scope")
    if scope:
        return scope
    identity = id_at(document, "id")
    at = fold(identity).rfind(f"/providers/microsoft.authorization/{kind}/")
    return (identity[:at] or "/") if at >= 0 else ""


def _principals(listed: Any) -> frozenset[str]:
    found = listed if isinstance(listed, list) else ()
    return frozenset(
        _EVERYBODY if word(text_at(one, "type")) in _EVERYBODYS_TYPES else fold(text_at(one, "id")) for one in found
    )
