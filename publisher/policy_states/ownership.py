"""Which policy states belong to an application: those of assignments at its managed resource group or inside it."""

from __future__ import annotations

import re
from typing import Final

from publisher.resource_ids import assignment_scope, fold, is_at_or_inside

_SCOPE: Final = re.compile(
    r"/*(?:subscriptions/+[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:/[^\ufffd]*)?"
    r"|providers/+microsoft\.management/+managementgroups/+[^/\ufffd]+/*)"
)
"""A scope of an assignment, folded (FACTS 2.5): of a subscription, of what is in it, or of a management group."""


def is_owned(scope: str | None, assignment_id: str | None, managed_resource_group_id: str) -> bool | None:
    """Tell whether a state's assignment is at the managed resource group or inside it; None when nobody can tell.

    One that says so by its id or by its scope counts as owned, and so does a state with neither, because dropping it
    could hide a violation. An id that is none of an assignment tells nothing, and a scope that is none is as good as
    left out.
    """
    if not scope and not assignment_id:
        return True
    by_id = assignment_scope(assignment_id or "")
    known = [one for one in {by_id, scope or ""} if _SCOPE.fullmatch(fold(one))]  # nearly always one and the same
    if (assignment_id and by_id not in known) or not known:
        return None
    return any(is_at_or_inside(one, managed_resource_group_id) for one in known)
