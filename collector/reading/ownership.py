"""Which policy states belong to an application: those of assignments at its managed resource group or inside it.

And which of its assignments have to have states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.resource_ids import assignment_scope, fold, is_at_or_inside
from verdicts.guard.comparison import judges_nothing, may_judge_nothing

if TYPE_CHECKING:
    from registry.managed_application import ExpectedAssignment, ManagedApplication
    from verdicts.facts import ApplicationFacts


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


def assignments_with_states(application: ManagedApplication, before: ApplicationFacts | None) -> frozenset[str]:
    """Return the folded ids of the registered assignments that have to have states.

    Those are all but the ones that judge nothing by their baseline in the ledger, or as registered where none is known;
    one that selects resources may have none to judge, until states of it were seen.
    """
    group = str(application.managed_resource_group_id)
    known = before.assignments if before else {}

    def is_expected(assignment: ExpectedAssignment) -> bool:
        facts = known.get(fold(assignment.id))
        yardstick = (facts and facts.guard.baseline) or assignment
        if judges_nothing(yardstick, group):
            return False
        return not may_judge_nothing(yardstick) or (facts is not None and facts.decided)

    return frozenset(fold(one.id) for one in application.assignments or () if is_expected(one))
