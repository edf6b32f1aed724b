"""Which verdict rows a run, or the ledger's own publication, has to write."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verdicts.control import RunRecord, Snooze
    from verdicts.facts import ApplicationFacts, AssignmentFacts, StatesUpload
    from verdicts.plan_settings import PlanSettings

CHANGES_REPEATED: Final = timedelta(hours=50)
"""For so long a change is published again: rules look back two days, and rows can be late (FACTS 4.3)."""

EVERYTHING_EVERY: Final = timedelta(hours=19)
"""So that, with hourly runs, everything is told in any 20 hours, within the two days that rules see."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Publication:
    """A run, or the ledger's own publication, as rows name it.

    `published_at` is when the facts were read or written: the latest row is then of the latest facts. `previous` is
    when the run or publication before it began, None when that is not known: then everything is due. `read_at` is the
    start of this run, for an application that it read completely; `checked_at` too, for one of which it read checks.
    `record` is the latest completed run before. `plans` are the settings of plans, by folded name.
    """

    run_id: str
    published_at: datetime
    previous: datetime | None
    read_at: datetime | None = None
    checked_at: datetime | None = None
    record: RunRecord | None = None
    snoozes: tuple[Snooze, ...] = ()
    plans: Mapping[str, PlanSettings] = field(default_factory=dict)


def everything_is_due(facts: ApplicationFacts, publication: Publication) -> bool:
    """Tell whether all rows of an application are due.

    They are once in 19 hours, spread over the applications, and after an upload of its states, which they name.
    """
    previous = publication.previous
    uploads = [one for one in (facts.states, facts.check_states) if one is not None]
    if previous is None or any(one.time > previous for one in uploads):
        return True
    return is_turn(facts.application_id, previous, publication.published_at)


def states_are_due(application_id: str, upload: StatesUpload | None, now: datetime) -> bool:
    """Tell whether the states of an application have to be uploaded although they may be what they were.

    So they are when no upload stands, and once in 19 hours, in the same turn as all rows of the application.
    """
    return upload is None or not upload.fingerprint or is_turn(application_id, upload.time, now)


def is_due(facts: ApplicationFacts, assignment: AssignmentFacts, publication: Publication, *, everything: bool) -> bool:
    """Tell whether an assignment's row is due: with everything, or because something is open, or it changed lately.

    One that has ended is told for as long as any change, and then no more.
    """
    if publication.published_at - assignment.changed_at < CHANGES_REPEATED:
        return True
    if assignment.ending is not None:
        return False
    is_open = assignment.open or assignment.overflow or assignment.alarms or facts.departure is not None
    return everything or bool(is_open)


def is_turn(application_id: str, previous: datetime, now: datetime) -> bool:
    """Tell whether the turn of an application, which comes every 19 hours, came between two moments."""
    digest = hashlib.blake2b(fold(application_id).encode(), digest_size=8).digest()
    offset = timedelta(seconds=int.from_bytes(digest) % int(EVERYTHING_EVERY.total_seconds()))
    return (previous - _EPOCH - offset) // EVERYTHING_EVERY != (now - _EPOCH - offset) // EVERYTHING_EVERY
