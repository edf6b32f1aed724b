"""Rows as the collector publishes them from the ledger, in a notation short enough to read in a test.

Each function makes one row, `hours_ago` before NOW; `store` puts them into a workspace. Further columns are given by
name and stand as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tests.queries.fleet import NOW, application_id, subscription_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.workspace.workspace import Workspace

VERDICTS = "PolicyVerdicts_CL"
RESULTS = "PolicyCollectionResults_CL"
RUNS = "PolicyCollectionRuns_CL"
EVENTS = "ManagedApplicationEvents_CL"
KINDS = {"noncompliant": "Alarm", "guard": "Guard_alarm", "notice": "Notice_alarm", "undecided": "Undecided_alarm"}
"""By kind of alarm: how its columns in PolicyVerdicts_CL begin."""


@dataclass(frozen=True)
class Row:
    """A row, and the table that it belongs to."""

    table: str
    values: dict[str, Any]

    def with_(self, **changes: Any) -> Row:
        return Row(self.table, {**self.values, **changes})

    def shouted(self) -> Row:
        """The same with every resource id in capitals, as Azure sometimes writes them."""
        ids = {name for name in self.values if name.endswith("_id") and name not in ("Run_id", "Event_id")}
        return self.with_(**{name: self.values[name].upper() for name in ids})


def store(workspace: Workspace, *rows: Row) -> None:
    """Insert the rows in this order."""
    for table, some in groupby(rows, attrgetter("table")):
        workspace.insert(table, [row.values for row in some])


def time(hours_ago: float) -> str:
    return (NOW - timedelta(hours=hours_ago)).isoformat()


def key_of(name: str, assignment: str = "", kind: str = "noncompliant") -> str:
    """The alarm key of a finding that is told by its own name."""
    key = application_id(name).lower() + (f"#{assignment}" if assignment else "")
    return key if kind == "noncompliant" else f"{key}#{kind}"


def verdict(
    name: str,
    verdict: str = "Compliant",
    *,
    assignment: str = "baseline",
    hours_ago: float = 0,
    alarms: Iterable[str] = (),
    cause: str = "",
    **columns: Any,
) -> Row:
    """What stands about an assignment; `alarms` are the kinds that are open, by `cause` where one is given."""
    group = f"/subscriptions/{subscription_of(name)}/resourcegroups/mrg-{name}".lower()
    alarm_columns = {}
    for kind in alarms:
        alarm_columns |= {
            f"{KINDS[kind]}_key": f"cause: {cause}" if cause else key_of(name, assignment, kind),
            f"{KINDS[kind]}_cause": cause,
            f"{KINDS[kind]}_says": f"{kind} of {assignment}",
        }
    values = {
        "TimeGenerated": time(hours_ago),
        "Run_id": f"run {hours_ago}",
        "Application_id": application_id(name),
        "Application_name": name,
        "Customer_name": f"Customer {name}",
        "Customer_subscription_id": subscription_of(name),
        "Policy_assignment_id": f"{group}/providers/microsoft.authorization/policyassignments/{assignment}",
        "Verdict": verdict,
        "Noncompliant_states": 1 if verdict == "NonCompliant" else 0,
        **_labels(name),
        "Label_assignment": assignment,
    }
    return Row(VERDICTS, {**values, **alarm_columns, **columns})


def violated(name: str, **more: Any) -> Row:
    """A verdict NonCompliant with its alarm open."""
    return verdict(name, "NonCompliant", alarms=("noncompliant", *more.pop("alarms", ())), **more)


def result(name: str, outcome: str = "Succeeded", *, hours_ago: float = 0, **columns: Any) -> Row:
    """What became of an application in a run."""
    values = {
        "TimeGenerated": time(hours_ago),
        "Run_id": f"run {hours_ago}",
        "Application_id": application_id(name),
        "Application_name": name,
        "Customer_subscription_id": subscription_of(name),
        "Outcome": outcome,
        **_labels(name),
    }
    return Row(RESULTS, {**values, **columns})


def unread(name: str, outcome: str = "AccessDenied", *, cause: str = "", **more: Any) -> Row:
    """A result whose application could not be read, with its alarm open."""
    key = f"cause: {cause}" if cause else application_id(name).lower()
    alarm = {"Unread_alarm_key": key, "Unread_alarm_cause": cause, "Unread_alarm_says": f"{outcome} at first"}
    return result(name, outcome, **{**alarm, **more})


def run(*, hours_ago: float = 0, interval: timedelta = timedelta(hours=1), **columns: Any) -> Row:
    """A completed run; it is due again two intervals and 90 minutes after its start."""
    due_by = NOW - timedelta(hours=hours_ago) + 2 * interval + timedelta(minutes=90)
    values = {
        "TimeGenerated": time(hours_ago),
        "Run_id": f"run {hours_ago}",
        "Duration_ms": 60_000,
        "Due_by": due_by.isoformat(),
        "Open_alarms": 0,
    }
    return Row(RUNS, {**values, **columns})


def event(
    event_type: str, state: str = "", *, minutes_ago: float = 0, name: str = "alpha", after: float = 0, **columns: Any
) -> Row:
    """A delivery of an event that happened `minutes_ago` and was told `after` minutes later."""
    happened = NOW - timedelta(minutes=minutes_ago)
    told = (happened + timedelta(minutes=after)).isoformat()
    values = {
        "TimeGenerated": told,
        "Received_at": told,
        "Event_time": happened.isoformat(),
        "Event_id": f"{name} {event_type} {state} {minutes_ago}",
        "Application_id": application_id(name),
        "Application_name": name,
        "Customer_subscription_id": subscription_of(name),
        "Event_type": event_type,
        "Provisioning_state": state,
        "Registry_action": "Ignored",
        "Registry_error": "",
    }
    return Row(EVENTS, {**values, **columns})


def heartbeat(table: str, *, hours_ago: float = 0) -> Row:
    """The row without an application that keeps a quiet table alive."""
    column = {VERDICTS: "Verdict", RESULTS: "Outcome", EVENTS: "Event_type"}[table]
    values = {"TimeGenerated": time(hours_ago), "Run_id": "publication", "Application_id": "", column: "Heartbeat"}
    return Row(table, values)


def at(hours: float) -> datetime:
    """The time so many hours after NOW."""
    return NOW + timedelta(hours=hours)


def _labels(name: str) -> dict[str, str]:
    return {"Label_customer": f"Customer {name}", "Label_application": name, "Label_plan": "standard 1.0.0"}
