"""The result of every application, and the totals of a run; a read that failed has an outcome too."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from publisher.texts import iso_milliseconds
from verdicts.outcome import CUSTOMER_OUTCOMES, ENDED_OUTCOMES, READ_OUTCOMES, Outcome

if TYPE_CHECKING:
    from publisher.errors.kinds import AzureFailure
    from registry.managed_application import MalformedRow, ManagedApplication
    from verdicts.facts import ApplicationFacts


@dataclass(frozen=True, slots=True)
class Run:
    """Identity of one collection run.

    ``started_at`` is TimeGenerated of every row: one value per run keeps all records of an upload inside Azure's
    30-minute range (FACTS 3.3). A ``partial`` run is over chosen applications, not over the whole registry: it says
    nothing of the others, and writes no run row.
    """

    run_id: str
    started_at: datetime
    trigger: str
    partial: bool = False

    @property
    def time_generated(self) -> str:
        """The start in ISO 8601, UTC, with milliseconds."""
        return iso_milliseconds(self.started_at)


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(slots=True)
class ApplicationResult:
    """The result of one application in a run; counts are of policy states unless the name says otherwise."""

    application_id: str
    application_name: str
    customer_subscription_id: str
    managed_resource_group_id: str
    assignments_expected: int | None = None
    outcome: Outcome = Outcome.FAILED
    error_code: str | None = None
    error_message: str | None = None
    states: int = 0
    noncompliant_states: int = 0
    foreign_states: int = 0
    rejected_states: int = 0
    truncated_rows: int = 0
    pages: int = 0
    assignments_without_states: int | None = None
    duration_ms: int = 0
    oldest_evaluation: str | None = None
    latest_evaluation: str | None = None
    compliance: str | None = None
    """What stands about it, as of `last_read`; this and what follows is what the rows of the run say."""
    open_violations: int | None = None
    """Also those that this run did not read as such, and are held; None: nobody knows."""
    check_violations: int | None = None
    """Those that the publisher's checks found; None: none was ever read."""
    last_read: str | None = None
    unread_since: str | None = None
    states_withheld: int | None = None
    """Rows of the states that stand which were not uploaded, being above the ceiling; None: nothing was ever read."""

    @classmethod
    def of(cls, application: ManagedApplication) -> ApplicationResult:
        """Return the empty result of a registered application."""
        return cls(
            application_id=str(application.application_id),
            application_name=application.application_id.name,
            customer_subscription_id=application.application_id.subscription_id,
            managed_resource_group_id=str(application.managed_resource_group_id),
            assignments_expected=None if application.assignments is None else len(application.assignments),
        )

    @classmethod
    def of_malformed(cls, row: MalformedRow) -> ApplicationResult:
        """Return the result of a registry row that cannot be collected; its message names the row.

        AccessDenied when ARM has denied us the application since we were told of it, else Failed.
        """
        refused = row.access_lost_at is not None
        return cls(
            application_id=str(row.application_id or row.name),
            application_name=row.application_id.name if row.application_id else "",
            customer_subscription_id=row.subscription_id,
            managed_resource_group_id="",
            outcome=Outcome.ACCESS_DENIED if refused else Outcome.FAILED,
            error_code="ApplicationNotReadable" if refused else "MalformedRegistryRow",
            error_message=f"Registry row {row.name}: {row.reason}",
        )

    def conclude(self, outcome: Outcome, code: str | None = None, message: str | None = None) -> None:
        """Set the outcome and, for an error, its code and message."""
        self.outcome, self.error_code, self.error_message = outcome, code, message

    def counted(self, count: int) -> int | None:
        """Return one of the counts as it is told; None for zero where the application could not be read.

        A read that broke off counts what came before, and where nothing came, nobody knows.
        """
        return count if count or self.outcome in READ_OUTCOMES else None

    def stands(self, columns: dict[str, Any], *, open_violations: int | None, check_violations: int | None) -> None:
        """Set what is known of it, from the columns that the ledger tells."""
        self.compliance, self.open_violations = columns["Compliance"], open_violations
        self.check_violations = check_violations
        self.last_read, self.unread_since = columns["Last_read"], columns["Unread_since"]
        self.states_withheld = columns["States_withheld"]

    @classmethod
    def of_departed(cls, facts: ApplicationFacts) -> ApplicationResult:
        """Return the result of an application that the ledger knows and the registry has no row of."""
        departure = facts.departure
        result = cls(
            application_id=facts.application_id,
            application_name=facts.application_name,
            customer_subscription_id=facts.customer_subscription_id,
            managed_resource_group_id=facts.managed_resource_group_id,
        )
        if departure is not None:
            result.conclude(departure.outcome, "NotRegistered", departure.reason)
        return result


_ADDED_UP: Final = (
    "applications",
    "left",
    "states",
    "noncompliant_states",
    "foreign_states",
    "uploaded_rows",
    "rejected_rows",
    "truncated_rows",
    "withheld_rows",
    "verdict_rows",
    "open_alarms",
    "named_alarms",
    "ledger_failures",
    "unwritten",
)


@dataclass(slots=True)
class RunSummary:
    """Totals of a run; ``outcomes`` counts applications by outcome."""

    run: Run
    applications: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    states: int = 0
    noncompliant_states: int = 0
    foreign_states: int = 0
    uploaded_rows: int = 0
    rejected_rows: int = 0
    truncated_rows: int = 0
    withheld_rows: int = 0
    """Rows of the states that stand which were not uploaded, being above the ceiling of their application."""
    result_rows: int = 0
    """Result rows that were accepted."""
    verdict_rows: int = 0
    """Verdict rows that were accepted."""
    left: int = 0
    """Applications that have left and whose closing rows are still told; they are not among `applications`."""
    open_alarms: int = 0
    named_alarms: int = 0
    """How many of the open alarms are alarms of their own, and not one of many by a cause."""
    ledger_failures: int = 0
    """Applications whose verdict could not be read from the ledger, or written to it."""
    unwritten: int = 0
    """Those of them of which this run learned what the ledger does not have."""
    unreadable_control: tuple[str, ...] = ()
    """Why control rows of the ledger cannot be read: the run goes on without them, and has failed."""
    duration_ms: int = 0
    error: AzureFailure | None = None
    """Why the registry could not be read completely, or why nothing could be uploaded."""
    completed: bool = False
    """Whether the run row was accepted, which is sent when the whole registry was read and every result row stored."""

    def add(self, result: ApplicationResult) -> None:
        """Count one application's final result."""
        if result.outcome in ENDED_OUTCOMES:
            self.left += 1
            return
        self.applications += 1
        self.outcomes[result.outcome] = self.outcomes.get(result.outcome, 0) + 1
        self.states += result.states
        self.noncompliant_states += result.noncompliant_states
        self.foreign_states += result.foreign_states
        self.rejected_rows += result.rejected_states
        self.truncated_rows += result.truncated_rows
        self.withheld_rows += result.states_withheld or 0

    def count_alarms(self, facts: ApplicationFacts) -> None:
        """Count the open alarms about one application."""
        alarms = [*facts.alarms.values()]
        for assignment in facts.assignments.values():
            alarms += assignment.alarms.values()
        self.open_alarms += len(alarms)
        self.named_alarms += sum(not alarm.cause for alarm in alarms)

    def add_totals(self, totals: dict[str, Any]) -> None:
        """Count what another process collected for this run: the ``totals`` of its own summary."""
        for outcome, count in totals["outcomes"].items():
            self.outcomes[Outcome(outcome)] = self.outcomes.get(Outcome(outcome), 0) + count
        for name in _ADDED_UP:
            setattr(self, name, getattr(self, name) + totals.get(name, 0))  # another version may count less

    @property
    def succeeded(self) -> int:
        """Applications that were read."""
        return sum(count for outcome, count in self.outcomes.items() if outcome in READ_OUTCOMES)

    @property
    def failed(self) -> int:
        """Applications that were not read, for whatever reason."""
        return self.applications - self.succeeded

    @property
    def failed_by_us_or_azure(self) -> int:
        """Applications that were not read, and not for the customer's reasons: they fail the invocation."""
        return sum(
            count
            for outcome, count in self.outcomes.items()
            if outcome not in READ_OUTCOMES and outcome not in CUSTOMER_OUTCOMES
        )

    def totals(self) -> dict[str, Any]:
        """Return the run's identity and all counts, for logs and JSON."""
        return {
            "run_id": self.run.run_id,
            "started_at": self.run.time_generated,
            "trigger": self.run.trigger,
            "completed": self.completed,
            "totals": {
                "applications": self.applications,
                "succeeded": self.succeeded,
                "failed": self.failed,
                "outcomes": {outcome.value: count for outcome, count in sorted(self.outcomes.items())},
                "states": self.states,
                "noncompliant_states": self.noncompliant_states,
                "foreign_states": self.foreign_states,
                "uploaded_rows": self.uploaded_rows,
                "rejected_rows": self.rejected_rows,
                "truncated_rows": self.truncated_rows,
                "withheld_rows": self.withheld_rows,
                "verdict_rows": self.verdict_rows,
                "left": self.left,
                "open_alarms": self.open_alarms,
                "named_alarms": self.named_alarms,
                "ledger_failures": self.ledger_failures,
                "unwritten": self.unwritten,
                "duration_ms": self.duration_ms,
            },
        }
