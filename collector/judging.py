"""Judges what a run learned into the ledger, and renders what then stands as rows."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from publisher.errors import AzureFailure
from publisher.resource_ids import ApplicationId, InvalidResourceId
from publisher.table import RowChanged
from verdicts.alarms import AlarmBook
from verdicts.guard.declared import plan_key
from verdicts.judge import applies, judge, judge_absent
from verdicts.ledger import Entry, UnreadableEntry
from verdicts.publication import Publication
from verdicts.rows import forgettable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from collector.reporting.outcomes import Run
    from registry.managed_application import MalformedRow, ManagedApplication, Removal
    from verdicts.control import Control
    from verdicts.evidence import Evidence
    from verdicts.facts import ApplicationFacts
    from verdicts.ledger import Ledger

    Decide = Callable[[ApplicationFacts | None], ApplicationFacts]
    Remembered = Entry | UnreadableEntry | None

TRIES: Final = 4
"""How often an application is judged when others write its ledger row meanwhile."""

NOT_WRITTEN: Final = "LedgerNotWritten"
UNREADABLE: Final = "MalformedLedgerRow"

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


class Judging:
    """Judges one application after the other for a run, or for one shard of it.

    Args:
        run: what judges.
        ledger: what remembers.
        control: the ledger's control rows, as of the run's start.
        clock: aware UTC time.
        shards: in how many parts the run is done.
    """

    def __init__(
        self, run: Run, ledger: Ledger, control: Control, *, clock: Callable[[], datetime], shards: int = 1
    ) -> None:
        self.ledger = ledger
        self.clock = clock
        self._began = clock()
        self._run = run
        self._control = control
        self._record = control.latest_run
        named = self._record.named_alarms if self._record else 0
        self._alarms = AlarmBook(named_alarms=named, shards=shards, now=run.started_at)

    async def apply(
        self, application: ManagedApplication | MalformedRow, remembered: Remembered, evidence: Evidence
    ) -> Standing:
        """Judge what the run learned about a registered application into the ledger.

        `remembered` is its ledger row. Raises nothing of Azure's: a ledger that cannot be written is in the answer, with
        what stood before.
        """
        declared = self._control.declared.get(plan_key(application))

        def decide(before: ApplicationFacts | None) -> ApplicationFacts:
            return judge(before, application, evidence, record=self._record, declared=declared)

        return await self._apply(remembered, decide)

    async def apply_absence(self, entry: Entry, removal: Removal | None, *, partial_run: bool) -> Standing:
        """Judge that the registry has no row of an application; forget it when its closing rows were told long enough.

        `facts` is None when it was forgotten.
        """

        def decide(before: ApplicationFacts | None) -> ApplicationFacts:
            return judge_absent(
                before or entry.facts,
                removal,
                run_id=self._run.run_id,
                started_at=self._run.started_at,
                partial_run=partial_run,
                record=self._record,
            )

        if forgettable(entry.facts, self.clock()):
            try:
                await self.ledger.forget(entry)
            except AzureFailure as failure:
                return Standing(entry.facts, self._began, code=NOT_WRITTEN, message=str(failure))
            return Standing(None, self._began)
        return await self._apply(entry, decide)

    async def note_run(self, summary: RunSummary) -> None:
        """Remember that a run read the whole registry, and that everything it learned is in the ledger."""
        if summary.ledger_failures:
            return
        try:
            record = RunRecord(self._run.run_id, self._run.started_at, summary.named_alarms)
            await self.ledger.note_run(record)
        except AzureFailure as failure:
            logger.warning("the ledger was not told that run %s is complete: %s", self._run.run_id, failure)

    def publication(self, standing: Standing, evidence: Evidence | None = None) -> Publication:
        """Return how rows of what stands are made; `evidence` is what this run learned about the application."""
        read = evidence if evidence is not None and evidence.complete and standing.is_judged else None
        return Publication(
            run_id=self._run.run_id,
            published_at=standing.as_of,
            previous=self._record.started_at if self._record else None,
            read_at=self._run.started_at if read else None,
            states=read.states if read else None,
            record=self._record,
            snoozes=self._control.snoozes,
        )

    async def _apply(self, remembered: Remembered, decide: Decide) -> Standing:
        # Rows of facts that others may have replaced since they were read must not look newer than those of the others.
        as_of, before = self._began, None
        for _ in range(TRIES):
            if isinstance(remembered, UnreadableEntry):
                return self._unreadable(remembered, decide)
            before = remembered.facts if remembered else None
            if not applies(before, self._run.run_id, self._run.started_at):
                return Standing(before, as_of)
            after = self._alarms.update(before, decide(before))
            if after == before:
                return Standing(before, as_of, is_judged=True)
            try:
                written = await self.ledger.write(after, replacing=remembered)
                return Standing(written.facts, self.clock(), is_judged=True)
            except AzureFailure as failure:
                return _not_written(before, as_of, f"the ledger could not be written: {failure}")
            except RowChanged:
                as_of = self.clock()
            try:
                remembered = await self.ledger.find(ApplicationId.parse(after.application_id))
            except AzureFailure as failure:
                return _not_written(before, as_of, f"the ledger could not be read again: {failure}")
        return _not_written(before, as_of, f"others wrote the application's ledger row {TRIES} times meanwhile")


def _not_written(facts: ApplicationFacts | None, as_of: datetime, message: str) -> Standing:
    return Standing(facts, as_of, code=NOT_WRITTEN, message=message)
