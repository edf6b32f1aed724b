"""Alarm keys: each finding gets its key and its words when it opens, for as long as it is open.

What an operator has accepted is told no more. When more opens beside it, that is another finding with words of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from verdicts.derive import (
    alarm_key,
    application_kinds,
    assignment_name,
    guard_accepted,
    not_accepted,
    open_kinds,
    plan_of,
)
from verdicts.facts import Alarm, AlarmKind, Label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from verdicts.derive import Finding
    from verdicts.facts import ApplicationFacts, AssignmentFacts

NAMED_BY_CAUSE: Final = 25
"""Alarms of their own that one run opens by one cause; Azure delivers 300 alerts of a rule at most (FACTS 11.2)."""

NAMED_OPEN: Final = 200
"""Alarms of their own that are open at the same time, before further ones are told by their cause."""


class AlarmBook:
    """Opens and closes the alarms of a run's applications, and counts them.

    Args:
        named_alarms: alarms of their own that were open after the latest completed run.
        shards: how many shards share the run; each opens its share, at least one.
        now: the start of the run.
    """

    def __init__(self, *, named_alarms: int, shards: int = 1, now: datetime) -> None:
        self._now = now
        self._by_cause: Counter[str] = Counter()
        self._most_by_cause = max(1, NAMED_BY_CAUSE // shards)
        room = max(0, NAMED_OPEN - named_alarms)
        self._room = max(1, room // shards) if room else 0
        self.open_alarms = 0
        self.named_alarms = 0

    def update(self, after: ApplicationFacts) -> ApplicationFacts:
        """Return the facts with an alarm for every finding, and none without; an equal object when nothing changed."""
        assignments = {key: self._of_assignment(after, one) for key, one in after.assignments.items()}
        findings = application_kinds(after, self._now)
        alarms = self._alarms(findings, after.alarms, lambda kind: alarm_key(after, None, kind))
        facts = after
        if assignments != after.assignments:
            facts = replace(facts, assignments=assignments)
        if alarms != after.alarms:
            facts = replace(facts, alarms=alarms, label=self._label(after.label, alarms, after))
        if facts != after:  # also when the run learned nothing new: a time that has passed can open an alarm
            facts = replace(facts, changed_at=self._now)
        self.seen(facts)
        return facts

    def seen(self, facts: ApplicationFacts) -> None:
        """Count the alarms of facts."""
        every = [
            *facts.alarms.values(),
            *(alarm for one in facts.assignments.values() for alarm in one.alarms.values()),
        ]
        self.open_alarms += len(every)
        self.named_alarms += sum(not alarm.cause for alarm in every)

    def _of_assignment(self, facts: ApplicationFacts, assignment: AssignmentFacts) -> AssignmentFacts:
        findings = open_kinds(facts, assignment, self._now)
        known = {
            kind: alarm
            for kind, alarm in assignment.alarms.items()
            if kind not in findings or not _is_beyond_acceptance(assignment, kind, alarm, findings[kind], self._now)
        }
        alarms = self._alarms(findings, known, lambda kind: alarm_key(facts, assignment, kind))
        if alarms == assignment.alarms:
            return assignment
        label = self._label(assignment.label, alarms, facts, assignment_name(assignment))
        return replace(assignment, alarms=alarms, label=label, changed_at=self._now)

    def _alarms(
        self, findings: Mapping[AlarmKind, Finding], known: Mapping[AlarmKind, Alarm], key: Callable[[AlarmKind], str]
    ) -> dict[AlarmKind, Alarm]:
        return {
            kind: known[kind] if kind in known and _tells(known[kind], finding) else self._opened(finding, key(kind))
            for kind, finding in findings.items()
        }

    def _opened(self, finding: Finding, key: str) -> Alarm:
        self._by_cause[finding.cause] += 1
        if finding.cause and (self._by_cause[finding.cause] > self._most_by_cause or self._room <= 0):
            return Alarm(f"cause: {finding.cause}", finding.cause, finding.says, self._now)
        self._room -= 1
        return Alarm(key, "", finding.says, self._now)

    @staticmethod
    def _label(
        known: Label | None, alarms: Mapping[AlarmKind, Alarm], facts: ApplicationFacts, assignment: str = ""
    ) -> Label | None:
        """Return the label as it was frozen, a new one for the first alarm, and none without an alarm."""
        if not alarms:
            return None
        return known or Label(facts.customer_name, facts.application_name, plan_of(facts), assignment)


def _is_beyond_acceptance(
    assignment: AssignmentFacts, kind: AlarmKind, alarm: Alarm, finding: Finding, now: datetime
) -> bool:
    """Tell whether what an alarm was opened for is accepted, and what is found now goes beyond that."""
    if kind is AlarmKind.NONCOMPLIANT:
        new = not_accepted(assignment, now)
        return 0 < len(new) < len(assignment.open) and all(key.opened_at > alarm.opened_at for key in new)
    guard = assignment.guard
    if kind is not AlarmKind.GUARD or guard.acceptance is None or guard.acceptance.until <= now:
        return False
    is_covered = guard_accepted(assignment, now) is not None
    return not is_covered and alarm.opened_at <= guard.acceptance.accepted_at and alarm.says != finding.says


def _tells(alarm: Alarm, finding: Finding) -> bool:
    """Tell whether an alarm tells all of a finding; else it is opened again, with the words of now."""
    return finding.since is None or finding.since <= alarm.opened_at
