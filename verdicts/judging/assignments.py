"""Judges the states of one assignment: from what is remembered of it and what a run read, what shall be remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from verdicts.facts import MOST_OPEN_KEYS, AssignmentFacts, Counts, GoneKey, Held, HeldReason, OpenKey
from verdicts.guard.comparison import judges_nothing
from verdicts.judging.closing import STAYED_COMPLIANT, guard_holds, read_again
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from verdicts.evidence import AssignmentEvidence, Evidence
    from verdicts.facts import StateKey

GONE_REMEMBERED: Final = timedelta(days=30)
"""Longer than any states window: within it Azure may still report states of a deleted resource."""

_REASONS: Final = (
    HeldReason.WITHDRAWN,
    HeldReason.WEAKENED,
    HeldReason.GUARD_UNREAD,
    HeldReason.EXEMPT,
    HeldReason.NO_STATES,
    HeldReason.UNDECIDED,
)
"""The reason that is told first when keys are held for several."""


def first_sight(found: AssignmentEvidence, now: datetime) -> AssignmentFacts:
    """Return what is remembered of an assignment that a state names for the first time: nothing is decided."""
    return AssignmentFacts(
        id=found.id,
        name=found.name or found.id.rpartition("/")[2],
        display_name=found.display_name,
        definition_id=found.definition_id,
        first_seen=now,
        changed_at=now,
        undecided_since=now,
    )


def with_opened(before: AssignmentFacts, found: AssignmentEvidence, now: datetime) -> AssignmentFacts:
    """Open the keys that were read as NonCompliant: any page counts, also of a read that broke off."""
    known = {key.key for key in before.open}
    gone = {key.key: key.evaluated_at for key in before.gone}
    opened = [
        OpenKey(key, now, evaluated_at)
        for key, evaluated_at in sorted(found.noncompliant.items())
        if key not in known and not _is_older(evaluated_at, gone.get(key))
    ]
    if not opened and not (found.overflow and not before.overflow):
        return before
    reopened = {key.key for key in opened}
    overflows = before.overflow or found.overflow or len(before.open) + len(opened) > MOST_OPEN_KEYS
    return replace(
        before,
        open=(*before.open, *opened)[:MOST_OPEN_KEYS],
        overflow=overflows,
        overflow_since=before.overflow_since if before.overflow else now if overflows else None,
        gone=tuple(key for key in before.gone if key.key not in reopened),
        decided=True,
        undecided_since=None,
        clear_since=None,
    )


def read_completely(
    before: AssignmentFacts, found: AssignmentEvidence | None, evidence: Evidence, group_id: str
) -> AssignmentFacts:
    """Judge an assignment by a complete read; `found` is None when the read has no state of it."""
    now = evidence.started_at
    again = [read_again(key, evidence, found, before, group_id) for key in before.open]
    still_open = tuple(key for key, _ in again if isinstance(key, OpenKey))
    gone = tuple(key for key, _ in again if isinstance(key, GoneKey))
    after = _with(
        before,
        open=still_open,
        gone=_remembered((*before.gone, *gone), now),
        held=_held(before.held, (reason for _, reason in again if reason), now),
        counts=_counts(found),
        name=(found.name if found else "") or before.name,
        display_name=(found.display_name if found else "") or before.display_name,
        definition_id=(found.definition_id if found else "") or before.definition_id,
    )
    if found is not None:
        after = with_opened(after, found, now)
    after = _overflowing(after, found, evidence, group_id)
    if (before.open or before.overflow) and not (after.open or after.overflow):
        after = replace(after, closed_at=now)
    return _decided(after, found, now, group_id)


def is_overflow_over(facts: AssignmentFacts, now: datetime) -> bool:
    """Tell whether an overflow would end, if the assignment proves to be as it has to be."""
    if not facts.overflow or facts.clear_since is None:
        return False
    changed_at = facts.guard.changed_at  # what Azure reported of the assignment as it was before is no evidence
    return now - max(facts.clear_since, changed_at or facts.clear_since) >= STAYED_COMPLIANT


def _overflowing(
    facts: AssignmentFacts, found: AssignmentEvidence | None, evidence: Evidence, group_id: str
) -> AssignmentFacts:
    """End the overflow mark after a day of complete reads without any NonCompliant state of the assignment."""
    if not facts.overflow:
        return facts
    if facts.overflow_since is None:  # an earlier version did not remember it
        facts = replace(facts, overflow_since=min((key.opened_at for key in facts.open), default=facts.changed_at))
    if found is None or found.noncompliant or found.overflow or not found.compliant_states:
        return replace(facts, clear_since=None)
    facts = replace(facts, clear_since=facts.clear_since or evidence.started_at)
    if is_overflow_over(facts, evidence.started_at) and guard_holds(facts, evidence, group_id) is None:
        return replace(facts, overflow=False, overflow_since=None, clear_since=None)
    return facts


def _decided(facts: AssignmentFacts, found: AssignmentEvidence | None, now: datetime, group_id: str) -> AssignmentFacts:
    """Note whether the read decides the assignment; a disabled one reports Compliant and decides nothing.

    A check that was read, and found nothing to judge, found nothing wrong; of an assignment nobody knows why it has no
    states.
    """
    violated = bool(facts.open or facts.overflow)
    judging = facts.guard.seen or facts.guard.baseline
    disabled = judging is not None and judges_nothing(judging, group_id)
    deciding = found.compliant_states + found.exempt_states + found.protected_states if found is not None else 0
    is_sure = found is not None and not found.undecided_states
    good = not disabled and (deciding > 0 or (is_sure and is_check(facts.id)))
    if violated or (good and is_sure):
        return _with(facts, decided=True, undecided_since=None)
    return _with(facts, decided=facts.decided or good, undecided_since=facts.undecided_since or now)


def _with(facts: AssignmentFacts, **values: Any) -> AssignmentFacts:
    """Return facts with these values; the same object when it has them, as nearly all have: a copy costs more."""
    is_as_it_was = all(getattr(facts, name) == value for name, value in values.items())
    return facts if is_as_it_was else replace(facts, **values)


def _held(before: Held | None, reasons: Iterable[HeldReason], now: datetime) -> Held | None:
    found = set(reasons)
    first = next((reason for reason in _REASONS if reason in found), None)
    if first is None:
        return None
    return before if before is not None and before.reason is first else Held(first, now)


def _counts(found: AssignmentEvidence | None) -> Counts:
    if found is None:
        return Counts()
    return Counts(
        len(found.noncompliant),
        found.compliant_states,
        found.exempt_states,
        found.manual_states,
        found.undecided_states,
    )


def _remembered(keys: tuple[GoneKey, ...], now: datetime) -> tuple[GoneKey, ...]:
    kept = tuple(key for key in keys if now - key.closed_at < GONE_REMEMBERED)
    return kept[-MOST_OPEN_KEYS:]


def _is_older(evaluated_at: datetime | None, gone: datetime | None) -> bool:
    """Tell whether a state is no newer than the one whose key was closed as gone."""
    return evaluated_at is not None and gone is not None and evaluated_at <= gone


def keys_by_resource(keys: Iterable[OpenKey]) -> dict[str, list[StateKey]]:
    """Return the keys by the resource that they are about."""
    found: dict[str, list[StateKey]] = {}
    for key in keys:
        found.setdefault(key.key.resource_id, []).append(key.key)
    return found
