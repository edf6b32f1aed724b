"""Collects applications after something was done at a customer, and tells the verdicts from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from collector.run import run_collection
from operations.openness import open_about
from operations.report import Cell, Tone
from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import fold
from verdicts.derive import Verdict, held_of, verdict_of
from verdicts.ledger import Entry
from verdicts.outcome import READ_OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collector.reporting.outcomes import ApplicationResult
    from operations.workplace import Workplace
    from publisher.resource_ids import ApplicationId
    from publisher.settings import CollectorSettings
    from verdicts.facts import ApplicationFacts, AssignmentFacts


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection made of one application: its outcome, and what the ledger says afterwards.

    `error` is why it could not be read completely or its verdicts are not known, None when it could and they are.
    """

    outcome: str
    facts: ApplicationFacts | None
    error: str | None = None

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"outcome": self.outcome, "error": self.error}


async def collect(
    workplace: Workplace, settings: CollectorSettings, wanted: Iterable[ApplicationId]
) -> dict[ApplicationId, Collected]:
    """Collect these applications in a partial run, as ``python -m collector --application`` does."""
    results: dict[str, ApplicationResult] = {}

    def note(result: ApplicationResult) -> None:
        results[fold(result.application_id)] = result

    chosen = dict.fromkeys(wanted, "")
    summary = await run_collection(settings, trigger="command line", only=chosen, on_result=note)
    error = str(summary.error) if summary.error else None
    if error is None and summary.ledger_failures:
        error = f"the verdicts of {summary.ledger_failures} applications could not be written to the ledger"
    return {one: await _collected(workplace, one, results.get(fold(str(one))), error) for one in chosen}


async def _collected(
    workplace: Workplace, application_id: ApplicationId, result: ApplicationResult | None, error: str | None
) -> Collected:
    outcome = str(result.outcome) if result else "NotCollected"
    if result is None:
        error = error or "the collection has no result of it"
    elif result.outcome not in READ_OUTCOMES:
        error = f"it could not be collected: {result.outcome} {result.error_code or ''}".rstrip()
    try:
        entry = await workplace.ledger.find(application_id)
    except AzureFailure as unread:
        return Collected(outcome, None, error or f"the ledger cannot be read: {unread.code}: {unread}")
    if not isinstance(entry, Entry):
        return Collected(outcome, None, error or "the ledger has no row of it that can be read: see `ledger check`")
    return Collected(outcome, entry.facts, error)


def verdict_document(facts: ApplicationFacts, assignment: AssignmentFacts) -> dict[str, Any]:
    """Return what stands about an assignment, as JSON."""
    held = held_of(facts, assignment)
    return {
        "assignment_id": assignment.id,
        "name": assignment.name,
        "verdict": str(verdict_of(facts, assignment)),
        "open_violations": len(assignment.open),
        "held": str(held.reason) if held else None,
    }


def verdict_cell(workplace: Workplace, facts: ApplicationFacts, assignment: AssignmentFacts) -> Cell:
    """Return what stands about an assignment in a few words."""
    verdict, held = verdict_of(facts, assignment), held_of(facts, assignment)
    opened = open_about(facts, assignment, workplace.now())
    words = f"{verdict}: {opened}" if opened else str(verdict)
    tones: dict[Verdict, Tone] = {Verdict.COMPLIANT: "good", Verdict.NON_COMPLIANT: "bad"}
    return Cell(f"{words}, held as {held.reason}" if held else words, tones.get(verdict, "doubtful"))
