"""The rows of a small fleet over two days of hourly runs, as the collector and the judge render them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from bench.answers import Answers, registered
from bench.row_sizes import rendered
from bench.standing_still import gather
from bench.workloads import Workload
from collector.reporting.outcomes import ApplicationResult, Run, RunSummary
from collector.reporting.rows import StateRows, result_row, run_row
from publisher.configuration.version import VERSION
from publisher.policy_states.state import SELECTED_FIELDS, state_of
from sandbox.workspace.schema import read_tables
from sandbox.workspace.workspace import Workspace
from verdicts.alarms import AlarmBook
from verdicts.control import RunRecord
from verdicts.evidence import Evidence
from verdicts.facts import StatesUpload
from verdicts.judging.judge import judge
from verdicts.outcome import Outcome
from verdicts.publication import Publication, states_are_due
from verdicts.rows import result_columns, verdict_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry.managed_application import ManagedApplication
    from verdicts.facts import ApplicationFacts

    Row = dict[str, Any]

STATES: Final = "PolicyComplianceStates_CL"
RESULTS: Final = "PolicyCollectionResults_CL"
RUNS: Final = "PolicyCollectionRuns_CL"
VERDICTS: Final = "PolicyVerdicts_CL"

STATES_EACH: Final = 300
HOURS: Final = 48
WATCHED_BEFORE: Final = 52
"""Hours of runs before the two days: what is told of a fleet only because it is new is over by then."""

ONE_IN_VIOLATION: Final = 10
"""Of so many applications one has violations from the start: every tenth of its states."""
ONE_IN_CHANGE: Final = 20
"""Of so many applications one has a new violation each day."""

_BEGIN: Final = datetime(2026, 1, 5, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_PUBLISHED_EVERY: Final = 6
NOW: Final = _BEGIN + HOURS * _HOUR - timedelta(minutes=30)
"""When the queries are asked: half an hour after the last run."""


def filled(applications: int, *, uploads_all: bool) -> Workspace:
    """Return a workspace with the rows of two days of so many applications; the caller closes it.

    `uploads_all` uploads every state in every run, as it was before the upload of changes.
    """
    workspace = Workspace(read_tables(), clock=lambda: NOW)
    fleet = [_Watched(number, uploads_all=uploads_all) for number in range(applications)]
    previous: RunRecord | None = None
    for hour in range(-WATCHED_BEFORE, HOURS):
        run = Run(f"run-{hour}", _BEGIN + hour * _HOUR, "timer")
        rows = _rows_of_run(fleet, run, previous, hour)
        previous = RunRecord(run.run_id, run.started_at, 0)
        if hour >= 0:
            for table, stored in rows.items():
                workspace.insert(table, stored)
            if hour % _PUBLISHED_EVERY == 0:
                workspace.insert(VERDICTS, _published(fleet, previous))
    return workspace


def violating(applications: int) -> list[str]:
    """Return the ids of the applications that have violations from the start."""
    return [str(registered(number).application_id) for number in range(0, applications, ONE_IN_VIOLATION)]


def _rows_of_run(fleet: list[_Watched], run: Run, previous: RunRecord | None, hour: int) -> dict[str, list[Row]]:
    summary = RunSummary(run)
    rows: dict[str, list[Row]] = {STATES: [], VERDICTS: [], RESULTS: []}
    for watched in fleet:
        states, verdicts, result = watched.read(run, previous, hour)
        rows[STATES] += states
        rows[VERDICTS] += verdicts
        rows[RESULTS].append(result_row(result, run, watched.result_columns, verdicts=0))
        summary.add(result)
    summary.result_rows, summary.verdict_rows = len(rows[RESULTS]), len(rows[VERDICTS])
    summary.uploaded_rows = summary.result_rows + len(rows[STATES])
    return {**rows, RUNS: [run_row(summary, VERSION, interval=_HOUR)]}


def _published(fleet: list[_Watched], latest: RunRecord) -> list[Row]:
    """Return what the ledger's own publication tells, twenty minutes after a run."""
    now = latest.started_at + timedelta(minutes=20)
    publication = Publication(f"publication-{now:%d-%H}", now, latest.started_at, record=latest)
    return [row for watched in fleet if watched.facts for row in verdict_rows(watched.facts, publication)]


class _Watched:
    """One application: what Azure says of it, and what the ledger remembers."""

    def __init__(self, number: int, *, uploads_all: bool) -> None:
        self.facts: ApplicationFacts | None = None
        self.result_columns: Row = {}
        self._number = number
        self._application = registered(number)
        self._uploads_all = uploads_all
        self._documents = _documents(number)
        self._change(None)

    def _change(self, day: int | None) -> None:
        if day is not None:
            self._documents[1 + 10 * day]["complianceState"] = "NonCompliant"
        evidence = Evidence("", _BEGIN, Outcome.SUCCEEDED)
        for document in self._documents:
            gather(evidence, document)
        self._assignments = evidence.assignments
        self._fingerprint = f"after the change of day {day}"

    def read(self, run: Run, previous: RunRecord | None, hour: int) -> tuple[list[Row], list[Row], ApplicationResult]:
        """Judge what a run reads; return its state rows, its verdict rows and its result."""
        if (day := _day_of_change(self._number, hour)) is not None:
            self._change(day)
        stands = self.facts.states if self.facts and not self._uploads_all else None
        is_due = states_are_due(str(self._application.application_id), stands, run.started_at)
        rows: list[Row] = []
        if stands is None or is_due or stands.fingerprint != self._fingerprint:
            stands = StatesUpload(run.run_id, run.started_at, STATES_EACH, self._fingerprint)
            rows = list(_state_rows(self._application, run, self._documents)) if hour >= 0 else []
        evidence = Evidence(run.run_id, run.started_at, Outcome.SUCCEEDED, complete=True, states=stands)
        evidence.assignments = self._assignments
        judged = judge(self.facts, self._application, evidence, record=previous, declared=None)
        self.facts = AlarmBook(named_alarms=0, now=run.started_at).update(judged)
        begun = previous.started_at if previous else None
        publication = Publication(run.run_id, run.started_at, begun, read_at=run.started_at, record=previous)
        self.result_columns = result_columns(self.facts, publication)
        result = ApplicationResult.of(self._application)
        result.conclude(Outcome.SUCCEEDED)
        result.states = STATES_EACH
        return rows, verdict_rows(self.facts, publication), result


def _documents(number: int) -> list[Row]:
    """Return the states of an application as Azure answers them: compliant ones alone unless it is in violation."""
    group = registered(number).managed_resource_group_id
    answers = Answers(Workload("scanned", 1, STATES_EACH, 0), "https://example.invalid")
    states = orjson.loads(answers.page(f"{group}/providers/x", f"$select={','.join(SELECTED_FIELDS)}"))["value"]
    if number % ONE_IN_VIOLATION:
        states = [{**state, "complianceState": "Compliant"} for state in states]
    return [{**state, "timestamp": (_BEGIN - _HOUR).isoformat()} for state in states]


def _day_of_change(number: int, hour: int) -> int | None:
    """Return the day (0 or 1) when an application gets a new violation at this hour of the two days, else None."""
    day, hour_of_day = divmod(hour, 24)
    changes = number % ONE_IN_CHANGE == 3 + day and hour_of_day == 1 + number * 7 % 23
    return day if changes else None


def _state_rows(application: ManagedApplication, run: Run, documents: list[Row]) -> Iterator[Row]:
    rows = StateRows(application, run)
    for document in documents:
        yield orjson.loads(rendered(rows, state_of(document)))
