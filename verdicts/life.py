"""The life of a finding: how severe it is, in which plan version it opened, until when it is due, and is it overdue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from verdicts.derive import Verdict, accepted_until, compliance_of, not_accepted, opened_since, verdict_of
from verdicts.plan_settings import settings_of_plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from verdicts.facts import ApplicationFacts, AssignmentFacts
    from verdicts.plan_settings import PlanSettings, Severity


class Life(NamedTuple):
    """What is told of an assignment's open violations as one finding; None where none is open.

    `due_by` is of the oldest violation that nobody has accepted, of the oldest one while all are: an acceptance
    suspends, and moves no date. An exemption does neither, nor does a read that fails.
    """

    severity: Severity | None
    """Of a violation, whether one is open or not; None once the assignment is judged no more."""
    opened_in_version: str
    """The plan version that the application had when the oldest one was first seen; "" when that is not known."""
    due_by: datetime | None
    is_overdue: bool


def life_of(
    facts: ApplicationFacts, assignment: AssignmentFacts, settled: Mapping[str, PlanSettings], now: datetime
) -> Life:
    """Return the life of what is open about an assignment; `settled` are the settings of plans, by folded name."""
    if assignment.ending is not None:
        return Life(None, "", None, is_overdue=False)
    settings = settings_of_plan(settled, facts.plan_name)
    severity = settings.severity_of(assignment.id, facts.managed_resource_group_id)
    if verdict_of(facts, assignment) is not Verdict.NON_COMPLIANT:
        return Life(severity, "", None, is_overdue=False)
    since = opened_since(assignment)
    suspended = accepted_until(assignment, now) is not None
    counting = assignment if suspended else replace(assignment, open=tuple(not_accepted(assignment, now)))
    counts_since = opened_since(counting) or since
    due_by = settings.due_by(severity, counts_since) if counts_since else None
    is_overdue = due_by is not None and due_by < now and not suspended
    return Life(severity, _version_at(facts, since), due_by, is_overdue)


def overdue_assignments(facts: ApplicationFacts, settled: Mapping[str, PlanSettings], now: datetime) -> int | None:
    """Return of how many assignments the violations are overdue; None when nobody knows of any assignment."""
    judged = [one for one in facts.assignments.values() if one.ending is None]
    if not judged and compliance_of(facts) == "NotRead":
        return None
    return sum(life_of(facts, one, settled, now).is_overdue for one in judged)


def _version_at(facts: ApplicationFacts, since: datetime | None) -> str:
    """Return the plan version that the application had at a time, "" when that is not known."""
    had = [one.version for one in facts.versions if since is not None and one.since <= since]
    return had[-1] if had else ""
