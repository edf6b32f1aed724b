"""When an application was read, since when it could not be, and which runs count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from verdicts.facts import Unread

if TYPE_CHECKING:
    from datetime import datetime

    from verdicts.control import RunRecord
    from verdicts.evidence import Evidence
    from verdicts.facts import ApplicationFacts


def applies(facts: ApplicationFacts | None, run_id: str, started_at: datetime) -> bool:
    """Tell whether a run's evidence may change the ledger: not when it is applied already, or began before another."""
    return facts is None or (facts.applied_run != run_id and facts.applied_at <= started_at)


def read_or_unread(facts: ApplicationFacts, evidence: Evidence, record: RunRecord | None) -> ApplicationFacts:
    """Return the facts with when the application was last read, or since when it could not be, and why."""
    if evidence.complete:
        last_read = max(facts.last_read or evidence.started_at, evidence.started_at)
        return replace(facts, unread=None, last_read=last_read, states=evidence.states or facts.states)
    if evidence.partial_run:
        return facts
    known = facts.unread
    if known is None:
        facts = until_last_run(facts, record)
    failure = evidence.outcome, evidence.error_code, evidence.error_message
    since, failures = (known.since, known.failures + 1) if known else (evidence.started_at, 1)
    return replace(facts, unread=Unread(since, failures, *failure))


def until_last_run(facts: ApplicationFacts, record: RunRecord | None) -> ApplicationFacts:
    """Say that the latest completed run read the application: a run that changes nothing writes nothing."""
    if record is None or facts.last_read is None or facts.last_read >= record.started_at:
        return facts
    return replace(facts, last_read=record.started_at)
