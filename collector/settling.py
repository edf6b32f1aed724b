"""Settles one application after the other: judges what was read, and queues its verdict rows and its result row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.reporting.outcomes import ApplicationResult
from collector.reporting.rows import result_row
from collector.reporting.serialised import encoded
from verdicts.outcome import ENDED_OUTCOMES, Outcome
from verdicts.rows import result_columns, verdict_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.judging import Judging, Standing
    from collector.reporting.ingestion import RowSink, StreamUploader
    from collector.reporting.outcomes import Run, RunSummary
    from verdicts.evidence import Evidence
    from verdicts.joined import Pair
    from verdicts.publication import Publication


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
        assert pair.application is not None  # noqa: S101 - for the type checker
        evidence.outcome = result.outcome
        evidence.error_code, evidence.error_message = result.error_code or "", result.error_message or ""
        standing = await self._judging.apply(pair.application, pair.entry, evidence)
        self._tell(result, standing, self._judging.publication(standing, evidence), outlets)

    async def settle_absent(self, pair: Pair, outlets: Outlets, *, partial_run: bool) -> None:
        """Judge that the registry has no row of an application, and queue the rows that say what became of it."""
        assert pair.entry is not None  # noqa: S101 - for the type checker
        standing = await self._judging.apply_absence(pair.entry, pair.removal, partial_run=partial_run)
        if standing.facts is None or (standing.facts.departure is None and not standing.code):
            return  # forgotten; or this run may not conclude anything
        result = ApplicationResult.of_departed(standing.facts)
        self._tell(result, standing, self._judging.publication(standing), outlets)

    def _tell(self, result: ApplicationResult, standing: Standing, publication: Publication, outlets: Outlets) -> None:
        if standing.code:
            result.conclude(Outcome.FAILED, standing.code, standing.message)
            self._summary.ledger_failures += 1
        columns = {}
        if standing.facts is not None:
            rows = verdict_rows(standing.facts, publication)
            outlets.verdicts.add_made_at([encoded(row) for row in rows], publication.published_at)
            columns = result_columns(standing.facts, publication)
            self._summary.count_alarms(standing.facts)
        outlets.results.add([encoded(result_row(result, self._run, columns))])
        self._summary.add(result)
        if result.outcome not in ENDED_OUTCOMES:
            self._on_result(result)


def note_refusal(result: ApplicationResult, evidence: Evidence, refusal: Exception) -> None:
    """Note that rows of an application's states were not stored: then nothing that was read counts."""
    result.conclude(Outcome.UPLOAD_FAILED, getattr(refusal, "code", None), str(refusal))
    evidence.complete = False
    evidence.assignments = {}
    evidence.states = None
