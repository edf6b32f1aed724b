"""Rows about verdicts and applications, rendered from what the ledger remembers and nothing else.

Their columns are declared in infra/tables; tests compare the rows with them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from publisher.texts import iso_milliseconds, one_line
from verdicts.derive import (
    accepted_until,
    assignment_name,
    compliance_of,
    guard_accepted,
    held_of,
    is_expected,
    is_verdict_current,
    plan_of,
    resources_of,
    since_of,
    verdict_of,
)
from verdicts.exempted import exemption_accepted, exemptions_of, told_again_at
from verdicts.facts import AlarmKind
from verdicts.known import last_read, unread_since
from verdicts.life import life_of
from verdicts.outcome import Outcome
from verdicts.publication import CHANGES_REPEATED, everything_is_due, is_due
from verdicts.publisher_checks.ids import is_check, judged_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verdicts.facts import Alarm, ApplicationFacts, AssignmentFacts, Label
    from verdicts.publication import Publication

    Row = dict[str, Any]

HEARTBEAT: Final = "Heartbeat"
_ALARM_COLUMNS: Final = {
    AlarmKind.NONCOMPLIANT: "Alarm",
    AlarmKind.GUARD: "Guard_alarm",
    AlarmKind.NOTICE: "Notice_alarm",
    AlarmKind.UNDECIDED: "Undecided_alarm",
}


def verdict_rows(facts: ApplicationFacts, publication: Publication) -> list[Row]:
    """Return the PolicyVerdicts_CL rows of an application that are due."""
    everything = everything_is_due(facts, publication)
    return [
        _verdict_row(facts, assignment, publication)
        for assignment in facts.assignments.values()
        if is_due(facts, assignment, publication, everything=everything)
    ]


def result_columns(facts: ApplicationFacts, publication: Publication) -> Row:
    """Return the columns of an application's PolicyCollectionResults_CL row that the ledger knows."""
    unread = facts.unread
    label = facts.label
    uploads = [one for one in (facts.states, facts.check_states) if one is not None]
    return {
        "Customer_name": facts.customer_name,
        "Plan_name": facts.plan_name,
        "Plan_version": facts.plan_version,
        "Compliance": compliance_of(facts),
        "Last_read": _time(_last_read(facts, publication)),
        "Unread_since": _time(unread_since(facts)),
        "Failures_in_a_row": unread.failures if unread else 0,
        "Registered_at": _time(facts.registered_at),
        "Guard_read_at": _time(facts.guard_read_at),
        "Label_customer": label.customer if label else facts.customer_name,
        "Label_application": label.application if label else facts.application_name,
        "Label_plan": label.plan if label else plan_of(facts),
        **_alarm_columns("Unread_alarm", facts.alarms.get(AlarmKind.UNREAD)),
        **_alarm_columns("Left_alarm", facts.alarms.get(AlarmKind.LEFT)),
        "Snoozed_until": _time(_snoozed_until(facts, publication)),
        "States_withheld": sum(one.withheld for one in uploads) if uploads else None,
    }


def result_row_of_ledger(facts: ApplicationFacts, publication: Publication) -> Row | None:
    """Return a PolicyCollectionResults_CL row of an application that is unread, has vanished or left; else None."""
    if facts.departure is not None:
        outcome, code, message = facts.departure.outcome, "", facts.departure.reason
    elif facts.unread is not None:
        outcome, code, message = facts.unread.outcome, facts.unread.code, facts.unread.message
    else:
        return None
    return {
        "TimeGenerated": iso_milliseconds(publication.published_at),
        "Run_id": publication.run_id,
        "Application_id": facts.application_id,
        "Application_name": facts.application_name,
        "Customer_subscription_id": facts.customer_subscription_id,
        "Managed_resource_group_id": facts.managed_resource_group_id,
        "Outcome": outcome.value,
        "Error_code": code,
        "Error_message": message,
        **result_columns(facts, publication),
    }


def heartbeat_rows(publication: Publication) -> dict[str, Row]:
    """Return a row without application for each table that can be quiet for long, by the table's name.

    A rule can fail when its table has had no data for 30 days (FACTS 11.2).
    """
    common = {"TimeGenerated": iso_milliseconds(publication.published_at), "Application_id": ""}
    return {
        "PolicyVerdicts_CL": {**common, "Run_id": publication.run_id, "Verdict": HEARTBEAT},
        "PolicyCollectionResults_CL": {**common, "Run_id": publication.run_id, "Outcome": HEARTBEAT},
        "ManagedApplicationEvents_CL": {**common, "Event_id": publication.run_id, "Event_type": HEARTBEAT},
    }


def forgettable(facts: ApplicationFacts, now: datetime) -> bool:
    """Tell whether an application that has left was told for long enough, and can be forgotten."""
    departure = facts.departure
    return (
        departure is not None
        and departure.outcome is Outcome.LEFT
        and now - facts.changed_at >= CHANGES_REPEATED + timedelta(hours=1)
    )


def _verdict_row(facts: ApplicationFacts, assignment: AssignmentFacts, publication: Publication) -> Row:
    now = publication.published_at
    states = facts.check_states if is_check(assignment.id) else facts.states
    return {
        "TimeGenerated": iso_milliseconds(now),
        "Run_id": publication.run_id,
        "Application_id": facts.application_id,
        "Application_name": facts.application_name,
        "Customer_name": facts.customer_name,
        "Customer_subscription_id": facts.customer_subscription_id,
        "Managed_resource_group_id": facts.managed_resource_group_id,
        "Plan_name": facts.plan_name,
        "Plan_version": facts.plan_version,
        "Policy_assignment_id": assignment.id,
        "Policy_assignment_name": assignment.name,
        "Policy_assignment_display_name": assignment_name(assignment),
        "Policy_definition_id": assignment.definition_id,
        "Judged_by": judged_by(assignment.id).value,
        **_verdict_columns(facts, assignment),
        **_life_columns(facts, assignment, publication),
        **_read_columns(facts, assignment, publication),
        "Changed_at": _time(assignment.changed_at),
        "States_id": states.run_id if states else "",
        "States_time": _time(states.time if states else None),
        "States_rows": states.rows if states else None,
        "States_withheld": states.withheld if states else None,
        **_guard_columns(facts, assignment, now),
        **_acceptance_columns(assignment, now),
        "Snoozed_until": _time(_snoozed_until(facts, publication)),
        **_label_columns(facts, assignment),
    }


def _verdict_columns(facts: ApplicationFacts, assignment: AssignmentFacts) -> Row:
    held = held_of(facts, assignment)
    resources = resources_of(assignment)
    counts = assignment.counts
    return {
        "Verdict": verdict_of(facts, assignment).value,
        "Since": _time(since_of(facts, assignment)),
        "Current": is_verdict_current(facts, assignment),
        "Expected": is_expected(assignment, facts.managed_resource_group_id),
        "Held_reason": held.reason.value if held else "",
        "Held_since": _time(held.since if held else None),
        "Noncompliant_states": len(assignment.open),
        "Suspended_states": sum(key.suspended for key in assignment.open),
        "Compliant_states": counts.compliant,
        "Exempt_states": counts.exempt,
        "Unknown_states": counts.manual + counts.undecided,
        "Overflow": assignment.overflow,
        "Resources": ", ".join(resource.rpartition("/")[2] for resource in resources),
        "Resource_ids": orjson.dumps(resources).decode(),
    }


def _life_columns(facts: ApplicationFacts, assignment: AssignmentFacts, publication: Publication) -> Row:
    life = life_of(facts, assignment, publication.plans, publication.published_at)
    return {
        "Severity": life.severity.value if life.severity else "",
        "Due_by": _time(life.due_by),
        "Opened_in_version": life.opened_in_version,
    }


def _read_columns(facts: ApplicationFacts, assignment: AssignmentFacts, publication: Publication) -> Row:
    """Return when what stands about an assignment was last read, which a check is by itself."""
    if not is_check(assignment.id) or facts.departure is not None:
        return {
            "Last_read": _time(_last_read(facts, publication)),
            "Unread_since": _time(unread_since(facts)),
            "Unread_outcome": _unread_outcome(facts),
            "Unread_reason": "",
        }
    unread, read = assignment.unread, assignment.last_read
    if unread is None:
        known = (read, publication.record.started_at if publication.record and read else None, publication.checked_at)
        read = max((one for one in known if one is not None), default=None)
    return {
        "Last_read": _time(read),
        "Unread_since": _time(unread.since if unread else None),
        "Unread_outcome": unread.outcome.value if unread else "",
        "Unread_reason": one_line(": ".join(filter(None, (unread.code, unread.message)))) if unread else "",
    }


def _guard_columns(facts: ApplicationFacts, assignment: AssignmentFacts, now: datetime) -> Row:
    guard = assignment.guard
    in_force = [one for one in exemptions_of(facts, assignment) if one.expires_at is None or one.expires_at > now]
    first = in_force[0] if in_force else None
    accepted = guard_accepted(assignment, now)
    exempted = exemption_accepted(facts, first, now) if first else None
    return {
        "Guard": guard.state.value,
        "Guard_since": _time(guard.since),
        "Guard_details": one_line("; ".join(guard.details)),
        "Exemption_category": first.category if first else "",
        "Exemption_created_by": first.created_by if first else "",
        "Exemption_expires_at": _time(first.expires_at if first else None),
        "Exemptions": len(in_force),
        "Exemption_accepted_until": _time(told_again_at(facts, first, now) if first and exempted else None),
        "Exemption_accepted_by": exempted.person if exempted else "",
        "Exemption_accepted_reason": exempted.reason if exempted else "",
        "Guard_accepted_until": _time(accepted.until if accepted else None),
        "Guard_accepted_by": accepted.person if accepted else "",
        "Guard_accepted_reason": accepted.reason if accepted else "",
    }


def _acceptance_columns(assignment: AssignmentFacts, now: datetime) -> Row:
    acceptance = accepted_until(assignment, now)
    return {
        "Accepted_until": _time(acceptance.until if acceptance else None),
        "Accepted_by": acceptance.person if acceptance else "",
        "Accepted_reason": acceptance.reason if acceptance else "",
    }


def _label_columns(facts: ApplicationFacts, assignment: AssignmentFacts) -> Row:
    label: Label | None = assignment.label
    columns: Row = {
        "Label_customer": label.customer if label else facts.customer_name,
        "Label_application": label.application if label else facts.application_name,
        "Label_plan": label.plan if label else plan_of(facts),
        "Label_assignment": one_line(label.assignment) if label else assignment_name(assignment),
    }
    for kind, prefix in _ALARM_COLUMNS.items():
        columns |= _alarm_columns(prefix, assignment.alarms.get(kind))
    return columns


def _alarm_columns(prefix: str, alarm: Alarm | None) -> Mapping[str, str]:
    return {
        f"{prefix}_key": alarm.key if alarm else "",
        f"{prefix}_cause": one_line(alarm.cause) if alarm else "",
        f"{prefix}_says": one_line(alarm.says) if alarm else "",
    }


def _last_read(facts: ApplicationFacts, publication: Publication) -> datetime | None:
    return publication.read_at if publication.read_at is not None else last_read(facts, publication.record)


def _unread_outcome(facts: ApplicationFacts) -> str:
    if facts.unread is not None:
        return facts.unread.outcome.value
    vanished = facts.departure is not None and facts.departure.outcome is Outcome.VANISHED
    return Outcome.VANISHED.value if vanished else ""


def _snoozed_until(facts: ApplicationFacts, publication: Publication) -> datetime | None:
    ends = [one.until for one in publication.snoozes if one.covers(facts.plan_name, facts.plan_version)]
    latest = max(ends, default=None)
    return latest if latest is not None and latest > publication.published_at else None


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else iso_milliseconds(moment)
