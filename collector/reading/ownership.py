"""Which policy states belong to an application: those of assignments at its managed resource group or inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.resource_ids import assignment_scope, fold, is_at_or_inside

if TYPE_CHECKING:
    from registry.managed_application import ManagedApplication


def owned_scopes(application: ManagedApplication) -> list[str]:
    """Return the ids of the managed resource group and of every scope inside it with an expected assignment."""
    group = str(application.managed_resource_group_id)
    inner = {
        fold(scope): scope
        for assignment in application.assignments or ()
        if (scope := assignment_scope(assignment.id)) and fold(scope) != fold(group)
    }
    return [group, *(inner[key] for key in sorted(inner))]


def is_owned(scope: str | None, assignment_id: str | None, managed_resource_group_id: str) -> bool:
    """Tell whether an assignment's scope is the managed resource group or inside it.

    A state with neither a scope nor an assignment counts as owned, because dropping it could hide a violation.
    """
    scope = scope or assignment_scope(assignment_id or "")
    return not scope or is_at_or_inside(scope, managed_resource_group_id)
