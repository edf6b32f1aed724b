"""What ends the judging of an assignment: its application left, or its plan version has it no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import fold
from verdicts.facts import Ending
from verdicts.guard.declared import relative_id
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    from datetime import datetime

    from registry.managed_application import ManagedApplication
    from verdicts.evidence import Evidence
    from verdicts.facts import ApplicationFacts, AssignmentFacts
    from verdicts.guard.declared import Declared

ENDED_REMEMBERED: Final = {Ending.LEFT: timedelta(hours=51), Ending.RETIRED: timedelta(days=30)}
"""Closing rows are repeated for 50 hours; of a retired assignment Azure may go on to report states for a while."""


def ended(facts: AssignmentFacts, ending: Ending, now: datetime) -> AssignmentFacts:
    """Return an assignment that is judged no more: nothing of it is open, and its closing rows say why."""
    return replace(
        facts,
        ending=ending,
        ended_at=now,
        changed_at=now,
        open=(),
        overflow=False,
        overflow_since=None,
        clear_since=None,
        held=None,
        label=None,
        alarms={},
    )


def with_retired(
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
        key: ended(one, Ending.RETIRED, now)
        for key, one in facts.assignments.items()
        if one.ending is None
        and not is_check(key)
        and key not in listed
        and relative_id(key, group) not in declared.assignments
        # One that is known from its states alone may be newer than the list.
        and (one.guard.baseline is not None or (listed_at is not None and listed_at > one.first_seen))
    }
    return replace(facts, assignments={**facts.assignments, **retired}) if retired else facts


def without_long_ended(facts: ApplicationFacts, now: datetime) -> ApplicationFacts:
    """Forget assignments that ended long ago: their closing rows were told for long enough."""
    kept = {
        key: one
        for key, one in facts.assignments.items()
        if one.ending is None or now - (one.ended_at or one.changed_at) < ENDED_REMEMBERED[one.ending]
    }
    return facts if len(kept) == len(facts.assignments) else replace(facts, assignments=kept)
