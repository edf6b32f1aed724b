"""Which policy states belong to an application: those of assignments at its managed resource group or inside it.

And which of its assignments have to have states.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import assignment_scope, fold, is_at_or_inside
from verdicts.guard.comparison import judges_nothing, may_judge_nothing

if TYPE_CHECKING:
    from registry.managed_application import ExpectedAssignment, ManagedApplication
    from verdicts.facts import ApplicationFacts

_SCOPE: Final = re.compile(
    r"/*(?:subscriptions/+[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:/[^\ufffd]*)?"
    r"|providers/+microsoft\.management/+managementgroups/+[^/\ufffd]+/*)"
)
"""A scope of an assignment, folded (FACTS 2.5): of a subscription, of what is in it, or of a management group."""


def owned_scopes(application: ManagedApplication) -> list[str]:
    """Return the ids of the managed resource group and of every scope inside it with an expected assignment."""
    group = str(application.managed_resource_group_id)
    inner = {
        fold(scope): scope
        for assignment in application.assignments or ()
        if (scope := assignment_scope(assignment.id)) and fold(scope) != fold(group)
    }
    return [group, *(inner[key] for key in sorted(inner))]


@lru_cache(maxsize=256)
def is_owned(scope: str | None, assignment_id: str | None, managed_resource_group_id: str) -> bool | None:
    """Tell whether a state's assignment is at the managed resource group or inside it; None when nobody can tell.

    One that says so by its id or by its scope counts as owned, and so does a state with neither, because dropping it
    could hide a violation. An id that is none of an assignment tells nothing, and a scope that is none is as good as
    left out.
    """
    if not scope and not assignment_id:
        return True
    by_id = assignment_scope(assignment_id or "")
    known = [one for one in (by_id, scope or "") if _SCOPE.fullmatch(fold(one))]
    if (assignment_id and by_id not in known) or not known:
        return None
    return any(is_at_or_inside(one, managed_resource_group_id) for one in known)


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
