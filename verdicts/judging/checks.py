"""Judges the publisher's checks, each by what it read itself and whatever became of Azure's states."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from verdicts.facts import Ending, Unchecked
from verdicts.judging.assignments import first_sight, read_completely, with_opened
from verdicts.judging.endings import ended
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    from verdicts.control import RunRecord
    from verdicts.evidence import AssignmentEvidence, CheckFailure, Evidence
    from verdicts.facts import ApplicationFacts, AssignmentFacts


def checks_judged(facts: ApplicationFacts, evidence: Evidence, record: RunRecord | None) -> ApplicationFacts:
    """Return the facts with what the run learned by checks; those that the operator switched off end.

    One that could not be read is no news: what is open about it stays, and what is not open is as of its last read.
    """
    now = evidence.started_at
    assignments = dict(facts.assignments)
    for key, check in evidence.checks.items():
        known = assignments.get(key)
        if known is None or known.ending is not None:
            known = first_sight(check.found, now)
        if check.failure is None:
            assignments[key] = _read(known, check.found, evidence, facts.managed_resource_group_id)
        else:
            assignments[key] = _unread(known, check.failure, evidence, record)
    if evidence.checks_are_known:
        switched_off = [key for key in assignments if is_check(key) and key not in evidence.checks]
        for key in switched_off:
            if assignments[key].ending is None:
                assignments[key] = ended(assignments[key], Ending.RETIRED, now)
    states = evidence.check_states or facts.check_states
    if assignments == facts.assignments and states == facts.check_states:
        return facts
    return replace(facts, assignments=assignments, check_states=states)


def _read(known: AssignmentFacts, found: AssignmentEvidence, evidence: Evidence, group_id: str) -> AssignmentFacts:
    if evidence.partial_run and not evidence.complete:
        return with_opened(
            known, found, evidence.started_at
        )  # such a run does not count as applied, so it closes nothing
    after = read_completely(known, found, evidence, group_id)
    if after == known and known.unread is None and known.last_read is not None:
        return known
    return replace(after, unread=None, last_read=evidence.started_at)


def _unread(
    known: AssignmentFacts, failure: CheckFailure, evidence: Evidence, record: RunRecord | None
) -> AssignmentFacts:
    if evidence.partial_run:
        return known
    since, last_read = evidence.started_at, known.last_read
    if known.unread is not None:
        since = known.unread.since
    elif record is not None and last_read is not None:
        last_read = max(last_read, record.started_at)  # a run that changes nothing writes nothing
    return replace(known, unread=Unchecked(since, *failure), last_read=last_read)
