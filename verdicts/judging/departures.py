"""Judges an application that is not registered: it left, it left as far as Azure tells, or it vanished."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from verdicts.facts import Departure, Ending
from verdicts.judging.endings import ended
from verdicts.judging.reads import applies, until_last_run
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from registry.managed_application import Removal
    from verdicts.control import RunRecord
    from verdicts.facts import ApplicationFacts

LEFT_WHEN_READABLE_WITHIN: Final = timedelta(hours=48)
"""A deletion that ARM does not confirm is believed of an application that was read so shortly before it."""

UNCONFIRMED_FOR: Final = timedelta(days=30)
"""As long as the reconciliation looks at removed applications again."""


def judge_absent(
    before: ApplicationFacts,
    removal: Removal | None,
    *,
    run_id: str,
    started_at: datetime,
    partial_run: bool,
    record: RunRecord | None,
) -> ApplicationFacts:
    """Return what the ledger shall remember of an application that is not registered.

    `removal` says how it was removed from the registry, None when the registry has nothing of it.
    """
    if partial_run or not applies(before, run_id, started_at):
        return before
    outcome, at, reason = _departure(before, removal, started_at, record)
    known = before.departure
    if known is not None and known.outcome is outcome:
        return before
    facts = until_last_run(before, record) if known is None and before.unread is None else before
    facts = replace(facts, departure=Departure(outcome, at, reason), applied_run=run_id, applied_at=started_at)
    facts = replace(facts, changed_at=started_at)
    touched = {key: replace(one, changed_at=started_at) for key, one in facts.assignments.items() if one.ending is None}
    if outcome is Outcome.LEFT:
        touched = {key: ended(one, Ending.LEFT, started_at) for key, one in touched.items()}
    return replace(facts, assignments={**facts.assignments, **touched})


def _departure(
    before: ApplicationFacts, removal: Removal | None, now: datetime, record: RunRecord | None
) -> tuple[Outcome, datetime, str]:
    if before.departure is not None and before.departure.outcome is Outcome.LEFT:
        return Outcome.LEFT, before.departure.at, before.departure.reason
    if removal is None:
        return Outcome.VANISHED, now, "the registry has no row of it, and nobody confirmed that it was deleted"
    if removal.confirmed:
        return Outcome.LEFT, removal.at or now, removal.reason
    last_read = before.last_read
    if before.unread is None and before.departure is None and last_read is not None and record is not None:
        last_read = max(last_read, record.started_at)
    known = before.departure if before.departure and before.departure.outcome is Outcome.LEFT_UNCONFIRMED else None
    # Of a removal whose time nobody can read, it is certain that it is no later than when it was first judged.
    at = removal.at or (known.at if known else now)
    if known or (last_read is not None and at - last_read <= LEFT_WHEN_READABLE_WITHIN):
        if now - at >= UNCONFIRMED_FOR:
            return Outcome.LEFT, at, "for 30 days Azure has shown nothing of it"
        told = removal.reason or "Azure told of the deletion, and denies us the application"
        return Outcome.LEFT_UNCONFIRMED, at, told
    return Outcome.VANISHED, now, "Azure told of a deletion that it does not confirm, and it could not be read before"
