"""Deny assignments at a resource group: what is denied to whom, whatever their roles.

Sources: the REST specification of Microsoft.Authorization (denyAssignments, 2022-04-01), and Azure's documentation
"Understand Azure deny assignments" and "List Azure deny assignments".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from publisher.errors.kinds import AccessDenied
from publisher.lenient_json import member
from publisher.resource_ids import fold, is_at_or_inside
from publisher.resource_manager import id_at, text_at
from publisher.texts import word
from registry.policies.permissions import includes, is_allowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager

_API_VERSION: Final = "2022-04-01"
_READ: Final = "Microsoft.Authorization/denyAssignments/read"
_EVERYBODY: Final = "00000000-0000-0000-0000-000000000000"
"""The principal of a deny assignment that holds for all principals."""

_EVERYBODYS_TYPES: Final = frozenset({"systemdefined", "everyone"})


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
            scope_of(document, "denyassignments"),
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

    def denies_everybody(self, actions: Iterable[str]) -> bool:
        """Tell whether one of these actions is denied to everybody whom it does not exclude."""
        denied = any(includes(permission, action) for permission in self.permissions for action in actions)
        return denied and _EVERYBODY in self.principals

    def _applies_at(self, place: str) -> bool:
        if self.here_only:
            return fold(place) == fold(self.scope)
        return not self.scope or contains(self.scope, place)


async def deny_assignments(
    arm: ResourceManager, group: ResourceGroupId, *, deadline: float
) -> tuple[DenyAssignment, ...]:
    """Return the deny assignments at a group and above it.

    Raises AzureFailures; AccessDenied also where Azure lists none, and we may not read them or nobody knows whether.
    """
    path = f"{quote(str(group), safe='/()')}/providers/Microsoft.Authorization/denyAssignments?$filter=atScope()"
    listed = [DenyAssignment.of(one) async for one in arm.list(path, api_version=_API_VERSION, deadline=deadline)]
    if not listed and not await is_allowed(arm, group, _READ, deadline=deadline):
        raise AccessDenied(f"none is listed, and {_READ} is not among our permissions", code="DenyAssignmentsUnread")
    return tuple(listed)


def contains(scope: str, place: str) -> bool:
    """Tell whether something is at a scope or inside it; "/" is the tenant's root, management groups are above."""
    above = scope == "/" or fold(scope).startswith("/providers/microsoft.management/managementgroups/")
    return above or is_at_or_inside(place, scope)


def scope_of(document: Mapping[str, Any], kind: str) -> str:
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
