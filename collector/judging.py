"""Judges what a run learned into the ledger, and renders what then stands as rows."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from collector.switched_on import note_checks
from collector.unreadable import CODE, NOT_WRITTEN, UnreadableRows, message_of, nothing_known, unwritten, without_times
from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import ApplicationId
from publisher.table import RowChanged
from registry.managed_application import ManagedApplication
from verdicts.alarms import AlarmBook
from verdicts.control import RunRecord
from verdicts.derive import UNREAD_TOLD_AFTER
from verdicts.evidence import Evidence
from verdicts.guard.declared import plan_key
from verdicts.judging.departures import judge_absent
from verdicts.judging.judge import judge
from verdicts.judging.reads import applies
from verdicts.ledger import Entry, UnreadableEntry
from verdicts.outcome import Outcome
from verdicts.publication import Publication
from verdicts.rows import forgettable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from collector.reporting.outcomes import Run, RunSummary
    from registry.managed_application import MalformedRow, Removal
    from verdicts.control import Control
    from verdicts.facts import ApplicationFacts
    from verdicts.joined import Pair
    from verdicts.ledger import Ledger

    Decide = Callable[[ApplicationFacts | None], ApplicationFacts]
    Remembered = Entry | UnreadableEntry | None

TRIES: Final = 4
"""How often an application is judged when others write its ledger row meanwhile."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands about an application: the ledger's facts, and when they were read or written there.

    `facts` is None when the ledger knows nothing of it. `is_judged` tells whether this run's evidence is in them; when
    it had to be and is not, `code` and `message` say why.
    """

    facts: ApplicationFacts | None
    as_of: datetime
    is_judged: bool = False
    code: str = ""
    message: str = ""
    unreadable: UnreadableEntry | None = None
    """The ledger's row when it cannot be read; then nobody remembers `facts`."""


class Judging:
    """Judges one application after the other for a run, or for one shard of it.

    Args:
        run: what judges.
        ledger: what remembers.
        control: the ledger's control rows, as of the run's start.
        interval: the longest time between two runs.
        clock: aware UTC time.
        shards: in how many parts the run is done.
    """

    def __init__(
        self,
        run: Run,
        ledger: Ledger,
        control: Control,
        *,
        interval: timedelta,
        clock: Callable[[], datetime],
        shards: int = 1,
    ) -> None:
        self.ledger = ledger
        self.clock = clock
        self._began = clock()
        self._run = run
        self._control = control
        self._record = control.latest_run
        # A single failure to write is made up for by the next run.
        told_after = interval + UNREAD_TOLD_AFTER
        self._tells_unwritten = not self._record or run.started_at - self._record.started_at >= told_after
        named = self._record.named_alarms if self._record else 0
        self._unreadable_rows = UnreadableRows(run.run_id, run.started_at, shards=shards)
        self._alarms = AlarmBook(named_alarms=named, shards=shards, now=run.started_at)

    def evidence(self, pair: Pair, outcome: Outcome) -> Evidence:
        """Return the evidence about an application of the stream to be filled, with the checks that are switched on."""
        run = self._run
        evidence = Evidence(run.run_id, run.started_at, outcome, partial_run=run.partial, probed=pair.probed)
        if isinstance(pair.application, ManagedApplication):
            note_checks(evidence, pair.application, _facts_of(pair.entry), self._control)
        return evidence

    async def apply(
        self, application: ManagedApplication | MalformedRow, remembered: Remembered, evidence: Evidence
    ) -> Standing:
        """Judge what the run learned about a registered application into the ledger.

        `remembered` is its ledger row. Raises nothing: when the ledger cannot be written, the answer says so, and has
        what stood before. The application has an id.
        """
        declared = None
        if isinstance(application, ManagedApplication):
            declared = self._control.declared.get(plan_key(application))

        def decide(before: ApplicationFacts | None) -> ApplicationFacts:
            return judge(before, application, evidence, record=self._record, declared=declared)

        assert application.application_id is not None  # noqa: S101 - for the type checker
        standing = await self._guarded(application.application_id, remembered, decide)
        if standing.unreadable is None:
            return self._told(standing, application)
        # Nothing that was open is known, so what was read may add violations and close nothing.
        evidence.complete, evidence.outcome = False, Outcome.FAILED
        evidence.error_code, evidence.error_message = standing.code, standing.message
        fresh = decide(None)
        violated = {key: one for key, one in fresh.assignments.items() if one.open}
        told = self._unreadable_rows.alarmed(replace(fresh, assignments=violated), standing.unreadable)
        return replace(standing, facts=without_times(self._alarms.update(told)))

    async def apply_absence(self, entry: Entry | UnreadableEntry, removal: Removal | None) -> Standing:
        """Judge that the registry has no row of an application; forget it when its closing rows were told long enough.

        `facts` is None when it was forgotten.
        """
        if isinstance(entry, UnreadableEntry):
            return replace(_unreadable(entry, self._began), facts=self._unreadable_rows.facts_of(entry))
        if forgettable(entry.facts, self.clock()):
            try:
                await self.ledger.forget(entry)
            except RowChanged:
                pass  # others forgot it, or it is there again: the next run tells
            except AzureFailure as failure:
                message = f"the ledger could not be written: {failure}"
                return Standing(entry.facts, self._began, code=NOT_WRITTEN, message=message)
            return Standing(None, self._began)

        def decide(before: ApplicationFacts | None) -> ApplicationFacts:
            return judge_absent(
                before or entry.facts,
                removal,
                run_id=self._run.run_id,
                started_at=self._run.started_at,
                partial_run=self._run.partial,
                record=self._record,
            )

        return self._told(await self._guarded(ApplicationId.parse(entry.facts.application_id), entry, decide))

    async def note_run(self, summary: RunSummary) -> None:
        """Remember that a run read the whole registry, and that everything it learned is in the ledger.

        An application whose row cannot be read is no obstacle: the record says nothing of it.
        """
        if summary.unwritten:
            return
        try:
            record = RunRecord(self._run.run_id, self._run.started_at, summary.named_alarms)
            await self.ledger.note_run(record)
        except (AzureFailure, RowChanged) as failure:
            logger.warning("the ledger was not told that run %s is complete: %s", self._run.run_id, failure)

    def publication(self, standing: Standing, evidence: Evidence | None = None) -> Publication:
        """Return how rows of what stands are made; `evidence` is what this run learned about the application."""
        learned = evidence if evidence is not None and standing.is_judged else None
        read = learned is not None and learned.complete
        checked = learned is not None and any(one.failure is None for one in learned.checks.values())
        return Publication(
            run_id=self._run.run_id,
            published_at=standing.as_of,
            previous=self._record.started_at if self._record else None,
            read_at=self._run.started_at if read else None,
            checked_at=self._run.started_at if checked else None,
            record=self._record,
            snoozes=self._control.snoozes,
            plans=self._control.plans,
        )

    def _told(self, standing: Standing, application: ManagedApplication | MalformedRow | None = None) -> Standing:
        """Return what stands, with an alarm when nothing could be written for long."""
        if not standing.code or standing.unreadable or not self._tells_unwritten:
            return standing
        began = self._run.started_at
        facts = standing.facts
        if facts is None:  # nothing stands about a new application
            identity = str(application.application_id) if application else ""
            facts = nothing_known(identity, self._run.run_id, began, application)
        return replace(standing, facts=unwritten(facts, standing.message, self._record, began))

    async def _guarded(self, application_id: ApplicationId, remembered: Remembered, decide: Decide) -> Standing:
        """Judge one application; an unexpected error is its own alone."""
        try:
            return await self._apply(application_id, remembered, decide)
        except Exception as error:
            logger.exception("application %s could not be judged", application_id)
            message = "unexpected error in the collector; its log has details"
            return Standing(_facts_of(remembered), self._began, code=type(error).__name__, message=message)

    async def _apply(self, application_id: ApplicationId, remembered: Remembered, decide: Decide) -> Standing:
        """Judge one application, again when others wrote its row meanwhile."""
        # Rows of facts that others may have replaced since they were read must not look newer than those of the others.
        as_of = self._began
        for _ in range(TRIES):
            if isinstance(remembered, UnreadableEntry):
                return _unreadable(remembered, as_of)
            try:
                return await self._apply_once(remembered, decide, as_of)
            except RowChanged:
                as_of = self.clock()
            except AzureFailure as failure:
                message = f"the ledger could not be written: {failure}"
                return Standing(_facts_of(remembered), as_of, code=NOT_WRITTEN, message=message)
            try:
                remembered = await self.ledger.find(application_id)
            except AzureFailure as failure:
                message = f"the ledger could not be read again: {failure}"
                return Standing(_facts_of(remembered), as_of, code=NOT_WRITTEN, message=message)
        message = f"others wrote the application's ledger row {TRIES} times meanwhile"
        return Standing(_facts_of(remembered), as_of, code=NOT_WRITTEN, message=message)

    async def _apply_once(self, entry: Entry | None, decide: Decide, as_of: datetime) -> Standing:
        """Judge one application; raise RowChanged when others wrote its row since it was read."""
        before = entry.facts if entry else None
        if not applies(before, self._run.run_id, self._run.started_at):
            return Standing(before, as_of)
        after = self._alarms.update(decide(before))
        if after == before:
            return Standing(before, as_of, is_judged=True)
        written = await self.ledger.write(after, replacing=entry)
        return Standing(written.facts, self.clock(), is_judged=True)


def _unreadable(entry: UnreadableEntry, as_of: datetime) -> Standing:
    return Standing(None, as_of, code=CODE, message=message_of(entry), unreadable=entry)


def _facts_of(remembered: Remembered) -> ApplicationFacts | None:
    return remembered.facts if isinstance(remembered, Entry) else None
