"""What closes an open key: evidence about this very key, and nothing else (docs/closing.md)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from verdicts.facts import GoneKey, GuardState, HeldReason
from verdicts.guard.comparison import judges_nothing, leaves_out, stands_as
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    from datetime import datetime

    from verdicts.evidence import AssignmentEvidence, Evidence
    from verdicts.facts import AssignmentFacts, OpenKey, StateKey

STAYED_COMPLIANT: Final = timedelta(hours=24)
"""Azure repeats old evaluation times: a key that stays Compliant in every complete read for so long is repaired."""


def read_again(
    key: OpenKey, evidence: Evidence, found: AssignmentEvidence | None, assignment: AssignmentFacts, group_id: str
) -> tuple[OpenKey | GoneKey | None, HeldReason | None]:
    """Return what becomes of an open key in a complete read, and why it is held when it is.

    The key stays open with what was read of it, or is a GoneKey, or None when it was repaired. A key with states that
    disagree is judged by the worst one.
    """
    now = evidence.started_at
    if found is not None and key.key in found.noncompliant:
        evaluated_at = _latest(key.evaluated_at, found.noncompliant[key.key])
        # Nearly all keys are as they were in nearly every run: a copy would cost more than all the rest.
        is_as_it_was = evaluated_at == key.evaluated_at and key.repaired_since is None and not key.suspended
        again = key if is_as_it_was else replace(key, evaluated_at=evaluated_at, repaired_since=None, suspended=False)
        return again, None
    if found is not None and key.key in found.other:
        return replace(key, repaired_since=None, suspended=False), HeldReason.UNDECIDED
    if found is not None and key.key in found.exempt:
        return replace(key, repaired_since=None, suspended=True), HeldReason.EXEMPT
    if found is not None and key.key in found.compliant:
        key = replace(key, repaired_since=key.repaired_since or now, suspended=False)
        reason = _why_not_repaired(key, found.compliant[key.key], evidence, assignment, group_id)
        return (None, None) if reason is None else (key, reason)
    if key.key.resource_id and key.key.resource_id in evidence.gone:
        return GoneKey(key.key, now, key.evaluated_at), None
    is_withdrawn = assignment.guard.state is GuardState.WITHDRAWN
    reason = HeldReason.WITHDRAWN if is_withdrawn else HeldReason.NO_STATES
    return replace(key, repaired_since=None, suspended=False), reason


def is_ready(key: OpenKey, evaluated_at: datetime | None, assignment: AssignmentFacts, now: datetime) -> bool:
    """Tell whether a key that is read as Compliant would close, if its assignment proves to be as it has to be."""
    changed_at = assignment.guard.changed_at
    opened_by = key.evaluated_at or key.opened_at
    if evaluated_at is not None and evaluated_at > opened_by and (changed_at is None or evaluated_at >= changed_at):
        return True
    compliant_since = _latest(key.repaired_since, changed_at if key.repaired_since else None)
    return compliant_since is not None and now - compliant_since >= STAYED_COMPLIANT


def guard_holds(
    assignment: AssignmentFacts, evidence: Evidence, group_id: str, key: StateKey | None = None
) -> HeldReason | None:
    """Return None when this run read the assignment and found it as it has to be, else why a repair cannot count.

    With a key, the assignment has to judge that key too. A publisher's check is what its code and the operator's
    settings make it: nobody at the customer can move that yardstick.
    """
    if is_check(assignment.id):
        return None
    guard, reading = assignment.guard, evidence.guard
    if guard.state is GuardState.WITHDRAWN:
        return HeldReason.WITHDRAWN
    accepted = guard.acceptance is not None and evidence.started_at < guard.acceptance.until
    if guard.state in {GuardState.WEAKENED, GuardState.CHANGED} and not (
        accepted and stands_as(guard.accepted, guard.seen)
    ):
        return HeldReason.WEAKENED
    if reading is None or reading.assignments is None or assignment.id not in reading.assignments:
        return HeldReason.GUARD_UNREAD
    if guard.state in {GuardState.UNREAD, GuardState.NOT_KNOWN}:
        return HeldReason.GUARD_UNREAD
    # What is disabled or left out may be reported as Compliant, whatever the baseline says.
    seen = reading.assignments[assignment.id]
    is_left_out = leaves_out(seen, key, group_id) if key is not None else judges_nothing(seen, group_id)
    return HeldReason.WEAKENED if is_left_out else None


def _why_not_repaired(
    key: OpenKey, evaluated_at: datetime | None, evidence: Evidence, assignment: AssignmentFacts, group_id: str
) -> HeldReason | None:
    held = guard_holds(assignment, evidence, group_id, key.key)
    if held in {HeldReason.WITHDRAWN, HeldReason.WEAKENED}:
        return held
    return held if is_ready(key, evaluated_at, assignment, evidence.started_at) else HeldReason.UNDECIDED


def _latest(first: datetime | None, second: datetime | None) -> datetime | None:
    return first if second is None else second if first is None else max(first, second)
