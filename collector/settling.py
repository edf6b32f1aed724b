"""Settles one application after the other: judges what was read, and queues its verdict rows and its result row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.reporting.outcomes import ApplicationResult
from collector.reporting.rows import result_row
from collector.reporting.serialised import encoded
from collector.switched_on import note_not_read
from verdicts.evidence import CheckFailure
from verdicts.known import check_violations, open_violations
from verdicts.outcome import ENDED_OUTCOMES, Outcome
from verdicts.rows import result_columns, verdict_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.judging import Judging, Standing
    from collector.reporting.ingestion import RowSink, StreamUploader
    from collector.reporting.outcomes import Run, RunSummary
    from collector.reporting.serialised import Row
    from registry.managed_application import Removal
    from verdicts.evidence import Evidence
    from verdicts.joined import Pair
    from verdicts.ledger import Entry, UnreadableEntry


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where the rows of applications go to."""

    verdicts: StreamUploader
    results: RowSink


class Settling:
    """Judges what a run learned about each application, and tells it.

    Args:
        run: what the rows name.
        judging: judges into the ledger.
        summary: the run's totals, to which every application is added.
        on_result: called with each application's final result.
    """

    def __init__(
        self, run: Run, judging: Judging, summary: RunSummary, on_result: Callable[[ApplicationResult], None]
    ) -> None:
        self._run = run
        self._judging = judging
        self._summary = summary
        self._on_result = on_result

    async def settle(self, pair: Pair, result: ApplicationResult, evidence: Evidence, outlets: Outlets) -> None:
        """Judge what was learned about a registered application, and queue its rows."""
        application = pair.application
        if application is None or application.application_id is None:
            self._report(result, {}, 0, outlets)  # a row of the registry that names no application
            return
        evidence.outcome = result.outcome
        evidence.error_code, evidence.error_message = result.error_code or "", result.error_message or ""
        note_not_read(evidence)
        standing = await self._judging.apply(application, pair.entry, evidence)
        self._tell(result, standing, evidence, outlets)

    async def settle_absent(self, entry: Entry | UnreadableEntry, removal: Removal | None, outlets: Outlets) -> None:
        """Judge that the registry has no row of an application, and queue the rows that say what became of it."""
        standing = await self._judging.apply_absence(entry, removal)
        if standing.facts is not None and (standing.facts.departure is not None or standing.code):
            # Otherwise it is forgotten, or this run may not conclude anything.
            self._tell(ApplicationResult.of_departed(standing.facts), standing, None, outlets)

    def _tell(self, result: ApplicationResult, standing: Standing, evidence: Evidence | None, outlets: Outlets) -> None:
        """Queue the rows that the ledger tells of an application."""
        if standing.code:
            result.conclude(Outcome.FAILED, standing.code, standing.message)
            self._summary.ledger_failures += 1
            self._summary.unwritten += standing.unreadable is None
        columns: Row = {}
        rows: list[Row] = []
        if standing.facts is not None:
            publication = self._judging.publication(standing, evidence)
            rows = verdict_rows(standing.facts, publication)
            outlets.verdicts.add_made_at([encoded(row) for row in rows], publication.published_at)
            columns = result_columns(standing.facts, publication)
            result.stands(
                columns,
                open_violations=open_violations(standing.facts),
                check_violations=check_violations(standing.facts),
            )
            self._summary.count_alarms(standing.facts)
        self._report(result, columns, len(rows), outlets)

    def _report(self, result: ApplicationResult, columns: Row, verdicts: int, outlets: Outlets) -> None:
        """Queue an application's result row, and count it; `verdicts` is how many verdict rows about it were queued."""
        outlets.results.add([encoded(result_row(result, self._run, columns, verdicts=verdicts))])
        self._summary.add(result)
        if result.outcome not in ENDED_OUTCOMES:
            self._on_result(result)


def note_refusal(result: ApplicationResult, evidence: Evidence, refusal: Exception) -> None:
    """Note that rows of an application's states were not stored: then nothing that was read counts."""
    result.conclude(Outcome.UPLOAD_FAILED, getattr(refusal, "code", None), str(refusal))
    evidence.complete = False
    evidence.assignments = {}
    evidence.states = evidence.check_states = None
    for check in evidence.checks.values():
        check.failure = check.failure or CheckFailure(Outcome.UPLOAD_FAILED, result.error_code or "", str(refusal))
