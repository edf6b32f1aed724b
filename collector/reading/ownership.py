"""Which scopes an application's assignments are at, and which of its assignments have to have states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.resource_ids import assignment_scope, fold
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
