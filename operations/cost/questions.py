"""Asks the workspace, table by table, what came in: table-scoped reading has the tables, and not the table Usage.

`_BilledSize` is the size of a row in bytes as it is billed, `_IsBillable` a text that says whether it is. Sources:
learn.microsoft.com/azure/azure-monitor/reference/tables/usage, which has both among its columns, and
learn.microsoft.com/azure/azure-monitor/logs/cost-logs#data-size-calculation. What comes back is summed up already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from compliance_api.workspace.workspace import Question, TooLarge, Workspace
from operations.doctor.causes.cause import Service
from operations.doctor.causes.table import Where
from operations.doctor.checks import Check, Verdict
from publisher.errors.kinds import AzureFailure, MalformedAnswer
from publisher.lenient_json import LARGEST_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

STATES: Final = "PolicyComplianceStates_CL"
RESULTS: Final = "PolicyCollectionResults_CL"
RUNS: Final = "PolicyCollectionRuns_CL"
VERDICTS: Final = "PolicyVerdicts_CL"

_SECONDS: Final = 120
_BILLED: Final = 'iff(tostring(_IsBillable) =~ "true", _BilledSize, 0.0)'


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days in UTC, `last` included, or with `until` the time up to a moment of the present day."""

    first: date
    last: date
    until: datetime | None = None

    @property
    def days(self) -> int:
        """How many whole days; 0 while there is none."""
        return (self.last - self.first).days + 1 if self.until is None else 0

    def started(self, *, before: timedelta = timedelta()) -> datetime:
        """Return when it begins, or so much before."""
        return datetime.combine(self.first, time(), UTC) - before

    @property
    def ended(self) -> datetime:
        """When it is over."""
        return self.until or datetime.combine(self.last + timedelta(days=1), time(), UTC)


@dataclass(frozen=True, slots=True)
class Amount:
    """Rows, and the bytes that are billed for them."""

    rows: int = 0
    bytes: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        """Return both together."""
        return Amount(self.rows + other.rows, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class TableIntake:
    """What a table took in on each day that has rows; `unsized` rows have no size, and count as nothing."""

    table: str
    days: Mapping[date, Amount]
    unsized: int = 0

    def within(self, span: Span) -> Amount:
        """Return what came in in a span of days."""
        return sum((amount for day, amount in self.days.items() if span.first <= day <= span.last), Amount())


@dataclass(frozen=True, slots=True)
class Runs:
    """The collections of a span: how many, how long they took, and what the last of them found."""

    count: int
    seconds: float
    applications: int
    named_alarms: int


class NotTold(Exception):  # noqa: N818 - named for what happened
    """The workspace did not answer a question; `check` says why, and what to do."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.finding)
        self.check = check


class Questions:
    """The questions to one workspace. Every method raises NotTold."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def intake(self, table: str, start: datetime, end: datetime) -> TableIntake:
        """Return what a table took in on each day."""
        query = (
            f"{table} | summarize Rows = count(), Bytes = sum({_BILLED}), Unsized = countif(isnull(_BilledSize)) "
            "by Day = bin(TimeGenerated, 1d)"
        )
        rows = await self._ask(table, query, start, end)
        try:
            days = {moment_of(row["Day"]).date(): Amount(int(row["Rows"]), float(row["Bytes"] or 0)) for row in rows}
            return TableIntake(table, days, sum(int(row["Unsized"]) for row in rows))
        except (TypeError, ValueError, MalformedAnswer) as error:
            raise malformed(table) from error

    async def runs(self, span: Span) -> Runs | None:
        """Return the collections of a span; None when there was none."""
        query = (
            f"{RUNS} | where TimeGenerated < datetime({_text(span.ended)}) | summarize Runs = count(), "
            "Milliseconds = sum(Duration_ms), arg_max(TimeGenerated, Applications, Named_alarms)"
        )
        rows = await self._ask(RUNS, query, span.started(), span.ended)
        try:
            [row] = rows
            if not row["Runs"]:
                return None
            seconds = float(row["Milliseconds"] or 0) / 1000
            return Runs(int(row["Runs"]), seconds, int(row["Applications"] or 0), int(row["Named_alarms"] or 0))
        except (TypeError, ValueError, MalformedAnswer) as error:
            raise malformed(RUNS) from error

    async def rows_of(self, table: str, stages: str, span: Span, *, before: timedelta) -> list[dict[str, Any]]:
        """Return the rows of a table in a span, and in the time before it, after the stages of a query."""
        query = f"{table} | where TimeGenerated < datetime({_text(span.ended)}) | extend Billed = {_BILLED} | {stages}"
        return await self._ask(table, query, span.started(before=before), span.ended)

    async def _ask(self, table: str, query: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
        question = Question(query, f"{_text(start)}/{_text(end)}", _SECONDS, LARGEST_BYTES)
        try:
            return (await self._workspace.ask(question)).complete().as_dicts()
        except AzureFailure as failure:
            raise NotTold(_check(table, failure)) from failure


def moment_of(value: object) -> datetime:
    """Return a time of an answer in UTC; raise TypeError or ValueError when it is none."""
    if not isinstance(value, str):
        raise TypeError("a time is a text")
    moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def malformed(table: str) -> NotTold:
    """Return the failure of an answer whose values are not what was asked for."""
    failure = MalformedAnswer("the workspace's answer has other values than were asked for", code="MalformedAnswer")
    return NotTold(_check(table, failure))


def _check(table: str, failure: AzureFailure) -> Check:
    if isinstance(failure, TooLarge) or failure.code == "PartialAnswer":
        return Check(table, Verdict.FAILED, f"{failure.code}: {failure}", "ask about fewer days: --days 1")
    return Check.of_failure(table, failure, Where(Service.WORKSPACE, "LOG_ANALYTICS_ENDPOINT", role=table))


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
