"""The judge: from what the ledger remembers of an application and what a run learned, what the ledger shall remember.

Pure functions of their arguments. They raise nothing, whatever the combination (tests/verdicts).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import fold
from registry.managed_application import ManagedApplication
from verdicts.assignments import first_sight, is_overflow_over, read_completely, with_opened
from verdicts.closing import is_ready
from verdicts.derive import DIFFERENT, guard_accepted, is_expected
from verdicts.facts import ApplicationFacts, Departure, Ending, GuardState, StatesUpload, Unread
from verdicts.guard.declared import relative_id
from verdicts.guard.watch import watch
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from registry.managed_application import MalformedRow, Removal
    from verdicts.control import RunRecord
    from verdicts.evidence import Evidence
    from verdicts.facts import AssignmentFacts
    from verdicts.guard.declared import Declared

GUARD_READ_AT_MOST_EVERY: Final = timedelta(hours=6)
"""For assignments that lack states; a repair that wants to close is not kept waiting."""

NOT_READ_DAILY: Final = timedelta(hours=26)
"""The reconciliation reads assignments daily; when it could not, a run finds out whether they can be read at all."""

LEFT_WHEN_READABLE_WITHIN: Final = timedelta(hours=48)
"""A deletion that ARM does not confirm is believed of an application that was read so shortly before it."""

UNCONFIRMED_FOR: Final = timedelta(days=30)
"""As long as the reconciliation looks at removed applications again."""

ENDED_REMEMBERED: Final = {Ending.LEFT: timedelta(hours=51), Ending.RETIRED: timedelta(days=30)}
"""Closing rows are repeated for 50 hours; of a retired assignment Azure may go on to report states for a while."""


@dataclass(frozen=True, slots=True)
class Wants:
    """What else a complete read needs to be judged: the guard, and proofs that resources (folded ids) are gone."""

    guard: bool = False
    resources: tuple[str, ...] = ()


def applies(facts: ApplicationFacts | None, run_id: str, started_at: datetime) -> bool:
    """Tell whether a run's evidence may change the ledger: not when it is applied already, or began before another."""
    return facts is None or (facts.applied_run != run_id and facts.applied_at <= started_at)


def wants(before: ApplicationFacts | None, application: ManagedApplication, evidence: Evidence) -> Wants:
    """Return what a complete read still needs before it is judged."""
    if before is None or not evidence.complete or _is_another_deployment(before, application):
        return Wants()
    facts = watch(before, application, None, None, evidence.started_at)
    judged = [one for one in facts.assignments.values() if one.ending is None]
    may_close = any(_wants_to_close(one, evidence) or _is_told_as_different(one, evidence) for one in judged)
    return Wants(
        guard=may_close
        or (_may_read_guard(before, evidence) and any(_is_doubtful(one, application, evidence) for one in judged)),
        resources=tuple(sorted({resource for one in judged for resource in _missing_resources(one, evidence)})),
    )


def judge(
    before: ApplicationFacts | None,
    application: ManagedApplication | MalformedRow,
    evidence: Evidence,
    *,
    record: RunRecord | None,
    declared: Declared | None,
) -> ApplicationFacts:
    """Return what the ledger shall remember; an equal object when nothing changed.

    Args:
        before: what it remembers, None for an application that it does not know.
        application: as the registry has it; a row that cannot be collected has the id of its application.
        evidence: what the run learned.
        record: the latest completed run over the whole registry.
        declared: the baseline that an operator declared for the application's plan version.
    """
    if before is not None and not applies(before, evidence.run_id, evidence.started_at):
        return before
    facts = _without_ended(_described(before, application, evidence), evidence.started_at)
    if isinstance(application, ManagedApplication):
        facts = watch(facts, application, evidence.guard, declared, evidence.started_at)
        facts = _retired(facts, application, declared, evidence)
    facts = _states_judged(facts, evidence)
    facts = _read_or_unread(facts, evidence, record)
    return _as_changed(before, facts, evidence)


def judge_absent(
    before: ApplicationFacts,
    removal: Removal | None,
    *,
    run_id: str,
    started_at: datetime,
    partial_run: bool,
    record: RunRecord | None,
) -> ApplicationFacts:
    """Return what the ledger shall remember of an application that is not registered.

    `removal` says how it was removed from the registry, None when the registry has nothing of it.
    """
    if partial_run or not applies(before, run_id, started_at):
        return before
    outcome, at, reason = _departure(before, removal, started_at, record)
    known = before.departure
    if known is not None and known.outcome is outcome:
        return before
    facts = _until_last_run(before, record) if known is None and before.unread is None else before
    facts = replace(facts, departure=Departure(outcome, at, reason), applied_run=run_id, applied_at=started_at)
    facts = replace(facts, changed_at=started_at)
    touched = {key: replace(one, changed_at=started_at) for key, one in facts.assignments.items() if one.ending is None}
    if outcome is Outcome.LEFT:
        touched = {key: _ended(one, Ending.LEFT, started_at) for key, one in touched.items()}
    return replace(facts, assignments={**facts.assignments, **touched})


def _departure(
    before: ApplicationFacts, removal: Removal | None, now: datetime, record: RunRecord | None
) -> tuple[Outcome, datetime, str]:
    if before.departure is not None and before.departure.outcome is Outcome.LEFT:
        return Outcome.LEFT, before.departure.at, before.departure.reason
    if removal is None:
        return Outcome.VANISHED, now, "the registry has no row of it, and nobody confirmed that it was deleted"
    if removal.confirmed:
        return Outcome.LEFT, removal.at, removal.reason
    last_read = before.last_read
    if before.unread is None and before.departure is None and last_read is not None and record is not None:
        last_read = max(last_read, record.started_at)
    known = before.departure is not None and before.departure.outcome is Outcome.LEFT_UNCONFIRMED
    if known or (last_read is not None and removal.at - last_read <= LEFT_WHEN_READABLE_WITHIN):
        if now - removal.at >= UNCONFIRMED_FOR:
            return Outcome.LEFT, removal.at, "for 30 days Azure has shown nothing of it"
        return (
            Outcome.LEFT_UNCONFIRMED,
            removal.at,
            removal.reason or "Azure told of the deletion, and denies us the application",
        )
    return Outcome.VANISHED, now, "Azure told of a deletion that it does not confirm, and it could not be read before"


def _described(
    before: ApplicationFacts | None, application: ManagedApplication | MalformedRow, evidence: Evidence
) -> ApplicationFacts:
    """Return the facts with the application's texts as the registry has them; of another deployment, fresh ones."""
    if not isinstance(application, ManagedApplication):
        return _of_malformed(before, application, evidence)
    fresh = _fresh(application, evidence)
    if before is None:
        return fresh
    if _is_another_deployment(before, application):
        ended = {
            key: one if one.ending else _ended(one, Ending.LEFT, evidence.started_at)
            for key, one in before.assignments.items()
        }
        return replace(fresh, assignments=ended)
    return replace(
        before,
        # Of a row that was malformed when the ledger first met it, the group was not known.
        managed_resource_group_id=before.managed_resource_group_id or fresh.managed_resource_group_id,
        customer_name=fresh.customer_name,
        plan_name=fresh.plan_name,
        plan_version=fresh.plan_version,
        departure=None,
    )


def _fresh(application: ManagedApplication, evidence: Evidence) -> ApplicationFacts:
    identity = application.application_id
    return ApplicationFacts(
        application_id=str(identity),
        customer_subscription_id=identity.subscription_id,
        managed_resource_group_id=str(application.managed_resource_group_id),
        registered_at=application.registered_at,
        application_name=identity.name,
        customer_name=application.customer_name,
        plan_name=application.plan_name,
        plan_version=application.plan_version,
        applied_run=evidence.run_id,
        applied_at=evidence.started_at,
        changed_at=evidence.started_at,
    )


def _of_malformed(before: ApplicationFacts | None, row: MalformedRow, evidence: Evidence) -> ApplicationFacts:
    if before is not None and (before.departure is None or before.departure.outcome is not Outcome.LEFT):
        return replace(before, departure=None) if before.departure else before
    identity = row.application_id
    return ApplicationFacts(
        application_id=str(identity or row.name),
        customer_subscription_id=row.subscription_id,
        managed_resource_group_id="",
        registered_at=None,
        application_name=identity.name if identity else row.name,
        customer_name=row.subscription_id,
        plan_name="",
        plan_version="",
        applied_run=evidence.run_id,
        applied_at=evidence.started_at,
        changed_at=evidence.started_at,
    )


def _is_another_deployment(before: ApplicationFacts, application: ManagedApplication) -> bool:
    """Tell whether the application was deployed anew under its id since the ledger knew it."""
    if before.departure is not None and before.departure.outcome is Outcome.LEFT:
        return True
    group = before.managed_resource_group_id
    if group and fold(group) != fold(str(application.managed_resource_group_id)):
        return True
    return application.registered_at is not None and application.registered_at != before.registered_at


def _retired(
    facts: ApplicationFacts, application: ManagedApplication, declared: Declared | None, evidence: Evidence
) -> ApplicationFacts:
    """End assignments that the declared plan version does not have and that Azure no longer lists."""
    if declared is None or application.assignments is None:
        return facts
    listed = {fold(one.id) for one in application.assignments}
    if evidence.guard is not None:
        listed |= (evidence.guard.assignments or {}).keys()
    now, group, listed_at = evidence.started_at, facts.managed_resource_group_id, application.assignments_read_at
    retired = {
        key: _ended(one, Ending.RETIRED, now)
        for key, one in facts.assignments.items()
        if one.ending is None
        and key not in listed
        and relative_id(key, group) not in declared.assignments
        # One that is known from its states alone may be newer than the list.
        and (one.guard.baseline is not None or (listed_at is not None and listed_at > one.first_seen))
    }
    return replace(facts, assignments={**facts.assignments, **retired}) if retired else facts


def _without_ended(facts: ApplicationFacts, now: datetime) -> ApplicationFacts:
    """Forget assignments that ended long ago: their closing rows were told for long enough."""
    kept = {
        key: one
        for key, one in facts.assignments.items()
        if one.ending is None or now - (one.ended_at or one.changed_at) < ENDED_REMEMBERED[one.ending]
    }
    return facts if len(kept) == len(facts.assignments) else replace(facts, assignments=kept)


def _ended(facts: AssignmentFacts, ending: Ending, now: datetime) -> AssignmentFacts:
    return replace(
        facts,
        ending=ending,
        ended_at=now,
        changed_at=now,
        open=(),
        overflow=False,
        clear_since=None,
        held=None,
        label=None,
        alarms={},
    )


def _states_judged(facts: ApplicationFacts, evidence: Evidence) -> ApplicationFacts:
    now, group_id = evidence.started_at, facts.managed_resource_group_id
    assignments = dict(facts.assignments)
    for key, found in evidence.assignments.items():
        known = assignments.get(key) or first_sight(found, now)
        if known.ending is Ending.LEFT and relative_id(key, group_id) != key:
            known = first_sight(found, now)  # the application was deployed anew into the group of this name
        if known.ending is None:  # Azure goes on to report states of an assignment for a while after it is gone
            assignments[key] = with_opened(known, found, now)
    if evidence.complete:
        for key, known in assignments.items():
            if known.ending is None:
                assignments[key] = read_completely(known, evidence.assignments.get(key), evidence, group_id)
    return facts if assignments == facts.assignments else replace(facts, assignments=assignments)


def _read_or_unread(facts: ApplicationFacts, evidence: Evidence, record: RunRecord | None) -> ApplicationFacts:
    if evidence.complete:
        last_read = max(facts.last_read or evidence.started_at, evidence.started_at)
        return replace(facts, unread=None, last_read=last_read, states=evidence.states or facts.states)
    if evidence.partial_run:
        return facts
    known = facts.unread
    if known is None:
        facts = _until_last_run(facts, record)
    failure = evidence.outcome, evidence.error_code, evidence.error_message
    since, failures = (known.since, known.failures + 1) if known else (evidence.started_at, 1)
    return replace(facts, unread=Unread(since, failures, *failure))


def _until_last_run(facts: ApplicationFacts, record: RunRecord | None) -> ApplicationFacts:
    """Say that the latest completed run read the application: a run that changes nothing writes nothing."""
    if record is None or facts.last_read is None or facts.last_read >= record.started_at:
        return facts
    rows = facts.states.rows if facts.states else 0
    return replace(facts, last_read=record.started_at, states=StatesUpload(record.run_id, record.started_at, rows))


def _as_changed(before: ApplicationFacts | None, facts: ApplicationFacts, evidence: Evidence) -> ApplicationFacts:
    """Note when the application and its assignments changed; return `before` when only the time of the read did."""
    now = evidence.started_at
    if before is not None:
        unchanged = replace(facts, last_read=before.last_read, states=before.states)
        if unchanged == before:
            return before
    known: Mapping[str, AssignmentFacts] = before.assignments if before else {}
    assignments = {
        key: one if known.get(key) == one else replace(one, changed_at=now) for key, one in facts.assignments.items()
    }
    return replace(facts, assignments=assignments, applied_run=evidence.run_id, applied_at=now, changed_at=now)


def _wants_to_close(facts: AssignmentFacts, evidence: Evidence) -> bool:
    found = evidence.assignments.get(facts.id)
    if found is None:
        return False
    if is_overflow_over(facts, evidence.started_at):
        return True
    return any(
        key.key in found.compliant
        and key.key not in found.noncompliant
        and key.key not in found.other
        and key.key not in found.exempt
        and is_ready(key, found.compliant[key.key], facts, evidence.started_at)
        for key in facts.open
    )


def _is_told_as_different(facts: AssignmentFacts, evidence: Evidence) -> bool:
    """Tell whether an alarm says that the assignment differs: the run that finds it as it has to be shall end that."""
    return facts.guard.state in DIFFERENT and guard_accepted(facts, evidence.started_at) is None


def _may_read_guard(before: ApplicationFacts, evidence: Evidence) -> bool:
    read_at = before.guard_read_at
    return read_at is None or evidence.started_at - read_at >= GUARD_READ_AT_MOST_EVERY


def _is_doubtful(facts: AssignmentFacts, application: ManagedApplication, evidence: Evidence) -> bool:
    """Tell whether an assignment may be another than we know.

    It lacks states that it has to have or once had, or could not be listed for longer than a day.
    """
    now = evidence.started_at
    if not is_expected(facts, str(application.managed_resource_group_id)):
        return False
    if facts.id not in evidence.assignments and facts.guard.state is not GuardState.WITHDRAWN:
        return True
    if now - (application.assignments_read_at or facts.first_seen) >= NOT_READ_DAILY:
        return True
    if any(_missing_resources(facts, evidence)):  # gone, or left out of what the assignment judges
        return True
    listed = application.assignments
    return facts.guard.baseline is not None and listed is not None and facts.id not in {fold(one.id) for one in listed}


def _missing_resources(facts: AssignmentFacts, evidence: Evidence) -> Iterator[str]:
    found = evidence.assignments.get(facts.id)
    seen = () if found is None else (found.noncompliant, found.other, found.exempt, found.compliant)
    for key in facts.open:
        if key.key.resource_id and not any(key.key in keys for keys in seen):
            yield key.key.resource_id
