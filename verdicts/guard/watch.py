"""Watches the assignments of an application: learns their baseline, and holds against it what was read of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import fold
from verdicts.facts import AlarmKind, ApplicationFacts, AssignmentFacts, AssignmentGuard, GuardState
from verdicts.guard.comparison import compare, judges_nothing
from verdicts.guard.declared import relative_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from registry.managed_application import Exemption, ExpectedAssignment, ManagedApplication
    from verdicts.evidence import GuardReading
    from verdicts.guard.declared import Declared

_IN_PROGRESS: Final = frozenset(
    {"accepted", "running", "creating", "updating", "deleting", "deleted", "failed", "canceled"}
)
"""Provisioning states in which assignments may be missing that belong there: no baseline is learned in them."""

_MOVING: Final = frozenset({"accepted", "running", "creating", "updating"})
"""Provisioning states of a deployment that is on its way: a declared baseline waits for what it has not yet written."""

_DIFFERENT: Final = frozenset({GuardState.WITHDRAWN, GuardState.WEAKENED, GuardState.CHANGED})


def watch(
    facts: ApplicationFacts,
    application: ManagedApplication,
    reading: GuardReading | None,
    declared: Declared | None,
    now: datetime,
) -> ApplicationFacts:
    """Return the facts with what is known of the application's assignments and exemptions; equal without news.

    `reading` is what this run read; without it, the registry's view of the assignments counts when it is newer than the
    last reading, for what it shows and never for what it lacks. A baseline is declared, else learned from the first
    view of an assignment once the provisioning has ended well. It never moves by itself.
    """
    is_first = not any(one.guard.baseline for one in facts.assignments.values())
    listed, exemptions = _view(facts, application, reading)
    assignments = dict(facts.assignments)
    if listed is not None:
        for key, one in listed.items():
            assignments[key] = _seen(assignments.get(key), key, one, now, is_settled=_is_settled(application))
    if declared is not None:
        if _is_moving(application):
            declared = _arrived(assignments, declared, facts.managed_resource_group_id, listed or {})
        assignments = _with_declared(assignments, declared, facts.managed_resource_group_id, now)
    group = facts.managed_resource_group_id
    assignments = {
        key: _compared(one, listed, reading, group, now) if one.ending is None else one
        for key, one in assignments.items()
    }
    if exemptions is not None:
        assignments = _with_new_notices(assignments, facts, exemptions)
        facts = _with_exemptions(facts, exemptions, is_first=is_first and _is_settled(application))
    unread = any(one.guard.state is GuardState.UNREAD for one in assignments.values() if one.ending is None)
    if reading is None and listed is not None and not unread:
        facts = replace(facts, guard_unread_since=None)
    if reading is not None:
        is_unread = unread or reading.assignments is None
        since = (facts.guard_unread_since or _last_compared(facts, application, now)) if is_unread else None
        facts = replace(facts, guard_read_at=reading.read_at, guard_unread_since=since)
    return facts if assignments == facts.assignments else replace(facts, assignments=assignments)


def _view(
    facts: ApplicationFacts, application: ManagedApplication, reading: GuardReading | None
) -> tuple[Mapping[str, ExpectedAssignment] | None, tuple[Exemption, ...] | None]:
    """Return the assignments by folded id and the exemptions, None where there is no news of them."""
    exemptions_read_at = application.exemptions_read_at or application.assignments_read_at
    exemptions = application.exemptions if _is_news(facts, exemptions_read_at) else None
    if reading is not None:
        # Who sees no assignment may see no exemption either, of which ARM then says nothing (FACTS 2.12).
        read = reading.exemptions if reading.assignments else reading.exemptions or None
        return reading.assignments, exemptions if read is None else read
    if application.assignments is None or not _is_news(facts, application.assignments_read_at):
        return None, exemptions
    return {fold(one.id): one for one in application.assignments}, exemptions


def _is_news(facts: ApplicationFacts, read_at: datetime | None) -> bool:
    """Tell whether what the registry has of that time is newer than the last reading of a run."""
    return facts.guard_read_at is None or (read_at is not None and read_at > facts.guard_read_at)


def _last_compared(facts: ApplicationFacts, application: ManagedApplication, now: datetime) -> datetime:
    """Return when the assignments could last be read, this run's time when nobody knows."""
    moments = [facts.guard_read_at, application.assignments_read_at]
    return max((one for one in moments if one is not None), default=now)


def _is_settled(application: ManagedApplication) -> bool:
    return application.provisioning_state.lower() not in _IN_PROGRESS


def _is_moving(application: ManagedApplication) -> bool:
    return application.provisioning_state.lower() in _MOVING


def _arrived(
    assignments: Mapping[str, AssignmentFacts],
    declared: Declared,
    group_id: str,
    listed: Mapping[str, ExpectedAssignment],
) -> Declared:
    """Return the declared assignments that are there as declared: the others may still be on their way.

    A deployment names the plan version from its first moment, and writes the assignments in its course.
    """

    def has_arrived(key: str, baseline: ExpectedAssignment) -> bool:
        known = assignments.get(key)
        seen = listed.get(key) or (known.guard.seen if known is not None and known.ending is None else None)
        return seen is not None and compare(baseline, seen)[0] is GuardState.INTACT

    keys = {relative_id(key, group_id): key for key in assignments}
    arrived = {
        relative: baseline
        for relative, baseline in declared.assignments.items()
        if has_arrived(keys.get(relative, ""), baseline)
    }
    return replace(declared, assignments=arrived)


def _seen(
    known: AssignmentFacts | None, key: str, seen: ExpectedAssignment, now: datetime, *, is_settled: bool
) -> AssignmentFacts:
    """Return an assignment that ARM lists; one that had ended, and is there again, begins anew."""
    if known is None or known.ending is not None:
        known = AssignmentFacts(
            id=key, name=seen.id.rpartition("/")[2], first_seen=now, changed_at=now, undecided_since=now
        )
    guard = known.guard
    if guard.baseline is None and is_settled and seen.posture is not None:
        guard = replace(guard, baseline=seen)
    display_name = seen.display_name or known.display_name
    definition_id = fold(seen.definition_id) or known.definition_id
    if guard is known.guard and (display_name, definition_id) == (known.display_name, known.definition_id):
        return known
    return replace(known, display_name=display_name, definition_id=definition_id, guard=guard)


def _with_declared(
    assignments: dict[str, AssignmentFacts], declared: Declared, group_id: str, now: datetime
) -> dict[str, AssignmentFacts]:
    """Give the declared baseline to every assignment of the plan version; what is not there yet is expected too."""
    by_relative_id = {relative_id(key, group_id): key for key in assignments}
    result = dict(assignments)
    for relative, baseline in declared.assignments.items():
        key = by_relative_id.get(relative) or _absolute(relative, group_id)
        known = result.get(key)
        if known is None or known.ending is not None:
            known = AssignmentFacts(
                id=key,
                name=relative.rpartition("/")[2],
                first_seen=now,
                changed_at=now,
                undecided_since=now,
                display_name=baseline.display_name,
                definition_id=fold(baseline.definition_id),
            )
        if known.guard.baseline != baseline or not known.guard.declared:
            known = replace(known, guard=replace(known.guard, baseline=baseline, declared=True))
        result[key] = known
    return result


def _absolute(relative: str, group_id: str) -> str:
    if relative.startswith("/"):
        return relative
    if "/" in relative:
        return f"{fold(group_id)}/{relative}"
    return f"{fold(group_id)}/providers/microsoft.authorization/policyassignments/{relative}"


def _compared(
    facts: AssignmentFacts,
    listed: Mapping[str, ExpectedAssignment] | None,
    reading: GuardReading | None,
    group_id: str,
    now: datetime,
) -> AssignmentFacts:
    guard = facts.guard
    if guard.baseline is None:
        return facts
    if judges_nothing(guard.baseline, group_id):
        return _of_no_account(facts, listed, now)
    seen = None if listed is None else listed.get(facts.id)
    state: GuardState | None = None
    details: tuple[str, ...] = ()
    if seen is not None:
        if _is_no_news(guard, seen):
            return facts
        state, details = compare(guard.baseline, seen)
        guard = replace(guard, seen=_latest(guard.seen, seen), changed_at=_changed_at(guard, seen, state, now))
    elif reading is not None and reading.missing.get(facts.id):
        state, details = GuardState.WITHDRAWN, ("the assignment was deleted",)
        guard = replace(guard, seen=None)
    elif reading is not None and guard.state in {GuardState.INTACT, GuardState.NOT_KNOWN}:
        state = GuardState.UNREAD
    # Without a reading, what is missing may be what we may not see; and what was found before stays until then.
    if state is None or (state is GuardState.UNREAD and reading is None):
        return facts
    return _as(facts, guard, state, details, now)


def _is_no_news(guard: AssignmentGuard, seen: ExpectedAssignment) -> bool:
    """Tell whether an assignment is what was seen before, and as it has to be: then it need not be compared again.

    One known by its name only is never as it has to be, also when it was intact by a baseline that judges nothing.
    """
    if guard.state is not GuardState.INTACT or guard.since is None or seen.posture is None:
        return False
    if not guard.baseline == seen == guard.seen:
        return False
    changed_at = seen.posture.changed_at
    return changed_at is None or (guard.changed_at is not None and changed_at <= guard.changed_at)


def _changed_at(guard: AssignmentGuard, seen: ExpectedAssignment, state: GuardState, now: datetime) -> datetime | None:
    """Return since when the assignment judges as it does: evaluations before that are no evidence of a repair.

    Azure tells when the assignment was last written. That it is as it has to be again, and was not written since it was
    found to differ, means that its definition was changed back: then it is so since now, as far as we know.
    """
    moments = [guard.changed_at, seen.posture.changed_at if seen.posture else None]
    latest = max((one for one in moments if one is not None), default=None)
    if state is GuardState.INTACT and guard.state in _DIFFERENT and (latest is None or latest <= (guard.since or now)):
        return now
    return latest


def _of_no_account(
    facts: AssignmentFacts, listed: Mapping[str, ExpectedAssignment] | None, now: datetime
) -> AssignmentFacts:
    """Return an assignment that judges nothing by its baseline: nobody misses what becomes of it."""
    seen = (listed or {}).get(facts.id, facts.guard.seen)
    changed_at = seen.posture.changed_at if seen is not None and seen.posture is not None else None
    seen = _latest(facts.guard.seen, seen)
    guard = replace(facts.guard, seen=seen, changed_at=changed_at or facts.guard.changed_at)
    return _as(facts, guard, GuardState.INTACT, (), now)


def _latest(before: ExpectedAssignment | None, seen: ExpectedAssignment | None) -> ExpectedAssignment | None:
    """Return what was seen last; another name or spelling alone is no news, and not worth a write of the ledger."""
    if before is None or seen is None or fold(before.definition_id) != fold(seen.definition_id):
        return seen
    return before if before.posture == seen.posture else seen


def _as(
    facts: AssignmentFacts, guard: AssignmentGuard, state: GuardState, details: tuple[str, ...], now: datetime
) -> AssignmentFacts:
    since = guard.since if guard.state is state and guard.since else now
    return replace(facts, guard=replace(guard, state=state, details=details, since=since))


def _with_new_notices(
    assignments: dict[str, AssignmentFacts], facts: ApplicationFacts, exemptions: tuple[Exemption, ...]
) -> dict[str, AssignmentFacts]:
    """Take the notice from assignments that have an exemption more, of which its words do not tell."""
    before = {*facts.known_exemptions, *(one.id for one in facts.exemptions)}
    exempted = {one.assignment_id for one in exemptions if one.id not in before}
    return {
        key: replace(one, alarms={kind: alarm for kind, alarm in one.alarms.items() if kind is not AlarmKind.NOTICE})
        if key in exempted and AlarmKind.NOTICE in one.alarms
        else one
        for key, one in assignments.items()
    }


def _with_exemptions(facts: ApplicationFacts, exemptions: tuple[Exemption, ...], *, is_first: bool) -> ApplicationFacts:
    """Return the facts with the exemptions as read; those of the first view are part of the baseline."""
    if is_first:
        known = {*facts.known_exemptions, *(one.id for one in exemptions)}
        facts = replace(facts, known_exemptions=tuple(sorted(known)))
    return facts if exemptions == facts.exemptions else replace(facts, exemptions=exemptions)
