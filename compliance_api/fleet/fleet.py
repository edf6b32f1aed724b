"""The fleet as of one completed run: every application, what stands about it, and whether it could be read.

"Could not read" and "not evaluated" are states of their own here and never count as compliant.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from publisher.errors.kinds import MalformedAnswer
from publisher.resource_ids import ApplicationId, InvalidResourceId, fold
from publisher.texts import moment_in


class Status(StrEnum):
    """The compliance of an application now; unread: it could not be read in the latest run."""

    NONCOMPLIANT = "noncompliant"
    UNREAD = "unread"
    NOT_EVALUATED = "not_evaluated"
    COMPLIANT = "compliant"


class LastKnown(StrEnum):
    """What was found when an application was last read; unknown: it never was."""

    NONCOMPLIANT = "noncompliant"
    UNKNOWN = "unknown"
    NOT_EVALUATED = "not_evaluated"
    COMPLIANT = "compliant"


class Severity(StrEnum):
    """How severe a violation is, as an operator settled it for the plan, the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


_LAST_KNOWN: Final = {
    "NonCompliant": LastKnown.NONCOMPLIANT,
    "NoStates": LastKnown.NOT_EVALUATED,
    "Compliant": LastKnown.COMPLIANT,
}


@dataclass(frozen=True, slots=True)
class Checks:
    """The publisher's own checks of an application, which have no part in its status: how many there are, and stand so.

    `doubtful` ones could not be decided, or not be read in the latest run.
    """

    total: int
    noncompliant: int
    doubtful: int
    violations: int


@dataclass(frozen=True, slots=True)
class Application:
    """One application. Counts are of its open violations, and of the states last read completely; None: not known."""

    id: str
    name: str
    customer: str
    subscription_id: str
    outcome: str
    error_code: str
    error_message: str
    managed_resource_group_id: str = ""
    plan_name: str = ""
    plan_version: str = ""
    last_known: LastKnown = LastKnown.UNKNOWN
    is_readable: bool = False
    noncompliant: int | None = None
    compliant: int | None = None
    exempt: int | None = None
    unknown: int | None = None
    assignments_without_states: int | None = None
    last_read: datetime | None = None
    last_tried: datetime | None = None
    held_assignments: int | None = None
    """Assignments with violations that were not read as such again, and that nobody has read as repaired."""
    accepted_assignments: int | None = None
    """Assignments all of whose violations an operator has accepted for now."""
    overdue: Mapping[Severity, int] | None = None
    """Assignments whose violations are open for too long, and not accepted, by severity."""
    undated_assignments: int | None = None
    """Assignments with violations of which nobody knows when they are due."""
    guard_changes: int | None = None
    """Assignments that were withdrawn, or differ from their baseline."""
    noncompliant_since: datetime | None = None
    due_by: datetime | None = None
    """When the first of its violations that are not accepted is due."""
    unread_since: datetime | None = None
    checks: "Checks | None" = None
    """None where nobody knows of any."""

    @property
    def status(self) -> Status:
        """What was last found, or UNREAD when the application could not be read in the latest run."""
        return Status(self.last_known.value) if self.is_readable else Status.UNREAD

    @property
    def overdue_assignments(self) -> int | None:
        """How many assignments are overdue, whatever their severity."""
        return None if self.overdue is None else sum(self.overdue.values())

    @property
    def key(self) -> str:
        """The application's id, folded, by which the fleet finds it."""
        return fold(self.id)


@dataclass(frozen=True, slots=True)
class Run:
    """The completed run that answers speak of. `missing_rows` were announced by it, and are lost."""

    id: str
    time: datetime
    missing_rows: int = 0


@dataclass(frozen=True, slots=True)
class Fleet:
    """Every registered application; `run` is None while no run has ever been completed."""

    run: Run | None
    applications: tuple[Application, ...]
    by_key: Mapping[str, Application]

    def find(self, text: str) -> Application | None:
        """Return the application with an id, in any casing, with or without its leading slash."""
        try:
            return self.by_key.get(fold(str(ApplicationId.parse(text))))
        except InvalidResourceId:
            return None

    def unread(self) -> list[Application]:
        """Return the applications that could not be read."""
        return [application for application in self.applications if application.status is Status.UNREAD]

    def states(self, kind: str) -> int | None:
        """Return how many policy states of a kind there are, as far as they are known; None when they are of nobody."""
        return self._sum(getattr(one, kind) for one in self.applications)

    def overdue(self, severity: Severity) -> int | None:
        """Return how many findings of a severity are overdue, as far as it is known; None when it is of nobody."""
        return self._sum(one.overdue[severity] if one.overdue else None for one in self.applications)

    def undated(self) -> int | None:
        """Return of how many findings nobody knows when they are due, as far as it is known; None when of nobody."""
        return self._sum(one.undated_assignments for one in self.applications)

    def _sum(self, counts: Iterable[int | None]) -> int | None:
        known = [count for count in counts if count is not None]
        return sum(known) if known or not self.applications else None


def fleet_of(applications: Iterable[Mapping[str, Any]], run: Run | None) -> Fleet:
    """Return the fleet as of a run, from rows of the saved query `applications`."""
    found = {application.key: application for application in map(_application, applications)}
    return Fleet(run, tuple(found.values()), found)


def run_of(rows: Iterable[Mapping[str, Any]]) -> Run | None:
    """Return the latest run that counts, from the rows of the saved query `latest_run`; None while there is none."""
    return next((_run(row) for row in rows), None)


def _run(row: Mapping[str, Any]) -> Run:
    time = _time(row["TimeGenerated"]) or datetime.min.replace(tzinfo=UTC)
    return Run(str(row["Run_id"]), time, _count(row.get("Missing_rows")) or 0)


def _application(row: Mapping[str, Any]) -> Application:
    counts = {name: _count(row.get(f"{name}_states")) for name in ("Noncompliant", "Compliant", "Exempt", "Unknown")}
    is_readable = row.get("Readable") is True
    last_known = _LAST_KNOWN.get(str(row.get("Compliance")), LastKnown.UNKNOWN)
    return Application(
        id=str(row["Application_id"] or ""),
        name=str(row.get("Application_name") or ""),
        customer=str(row.get("Customer_name") or row.get("Customer_subscription_id") or ""),
        subscription_id=str(row.get("Customer_subscription_id") or ""),
        outcome=str(row.get("Outcome") or ""),
        error_code=str(row.get("Error_code") or ""),
        error_message=str(row.get("Error_message") or ""),
        managed_resource_group_id=str(row.get("Managed_resource_group_id") or ""),
        plan_name=str(row.get("Plan_name") or ""),
        plan_version=str(row.get("Plan_version") or ""),
        last_known=last_known,
        is_readable=is_readable and last_known is not LastKnown.UNKNOWN,
        noncompliant=counts["Noncompliant"],
        compliant=counts["Compliant"],
        exempt=counts["Exempt"],
        unknown=counts["Unknown"],
        assignments_without_states=_count(row.get("Assignments_without_states")),
        held_assignments=_count(row.get("Held_assignments")),
        accepted_assignments=_count(row.get("Accepted_assignments")),
        overdue=_overdue(row),
        undated_assignments=_count(row.get("Undated_assignments")),
        guard_changes=_count(row.get("Guard_changes")),
        last_read=_time(row.get("Last_read")),
        last_tried=_time(row.get("Last_seen")),
        noncompliant_since=_time(row.get("Noncompliant_since")) if last_known is LastKnown.NONCOMPLIANT else None,
        due_by=_time(row.get("Due_by")) if last_known is LastKnown.NONCOMPLIANT else None,
        unread_since=None if is_readable else _time(row.get("Unread_since")),
        checks=_checks(row),
    )


def _checks(row: Mapping[str, Any]) -> Checks | None:
    names = ("Checks", "Checks_noncompliant", "Checks_doubtful", "Check_violations")
    total, noncompliant, doubtful, violations = (_count(row.get(name)) or 0 for name in names)
    return Checks(total, noncompliant, doubtful, violations) if total else None


def _overdue(row: Mapping[str, Any]) -> Mapping[Severity, int] | None:
    counts = {severity: _count(row.get(f"Overdue_{severity.value}")) for severity in Severity}
    known = {severity: count for severity, count in counts.items() if count is not None}
    return known if len(known) == len(counts) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _time(value: object) -> datetime | None:
    """Return a time as the query API spells it (ISO 8601, UTC), or as the queries format it; None for none.

    Raises MalformedAnswer for a text that is no time.
    """
    if not isinstance(value, str) or not value:
        return None
    time = moment_in(value)
    if time is None:
        raise MalformedAnswer("the workspace's answer has a time that is none", code="MalformedAnswer")
    return time


def share(part: int, whole: int) -> float | None:
    """Return a part in percent with one decimal; None when there is no whole.

    Rounded down: a fleet with one bad customer in ten thousand is not 100 % compliant.
    """
    return None if whole == 0 else (1000 * part // whole) / 10


def age_seconds(run: Run | None, now: datetime) -> int | None:
    """Return how long ago a run began; None without a run."""
    return None if run is None else max(0, int((now - run.time) / timedelta(seconds=1)))
