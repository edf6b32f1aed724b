"""What drives the log volume: why states were uploaded, and how compliant ones were stored.

Everything is told by the rows alone. An upload is told apart by its application and run, and the turn of an
application, after 19 hours, is computed as the collector does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from operations.cost.questions import RESULTS, STATES, Amount, Questions, Span, malformed, moment_of
from publisher.errors.kinds import MalformedAnswer
from verdicts.publication import EVERYTHING_EVERY, is_turn

if TYPE_CHECKING:
    from collections.abc import Iterable

_BEFORE: Final = 2 * EVERYTHING_EVERY
"""So long before a span the upload is looked for that its first one followed."""

_MANY_READS: Final = 24
"""As many as a day of one application has, hourly."""

_UPLOADS: Final = (
    "summarize Rows = count(), Bytes = sum(Billed), Time = min(TimeGenerated) by Application_id, Run_id "
    "| order by Application_id asc, Time asc"
)
_READS: Final = 'where Outcome == "Succeeded" | distinct Application_id, Run_id | summarize Reads = count()'
_KINDS: Final = (
    'extend Kind = case(Compliance_state != "Compliant", "other", isempty(Resource_id), "summarised", "detailed"), '
    "Single = Billed - strlen(Resource_id) - strlen(Resource_type) - strlen(Resource_location) "
    "| summarize Rows = count(), Bytes = sum(Billed), Single = min(Single) by Kind, Application_id, Run_id, "
    "Policy_assignment_id, Reference = tolower(Policy_definition_reference_id), Policy_definition_id "
    "| summarize Rows = sum(Rows), Bytes = sum(Bytes), Policies = count(), "
    "Summaries = sum(Single + strlen(tostring(Rows)) - 1) by Kind"
)
"""A summarised row is one of the detailed rows without its resource, and with the number of them."""


class Reason(StrEnum):
    """Why the states of an application were uploaded, as far as rows tell it."""

    TURN = "turn"
    """The application's turn had come since its last upload, whether anything changed or not."""
    CHANGED = "changed"
    """It had not, and some reads were not uploaded: so states, names or settings changed, or the ledger did not learn
    of the upload before."""
    EVERY_READ = "every_read"
    """It had not, and every one of many reads was uploaded, as UPLOADED_STATES=all does."""
    UNCLEAR = "unclear"
    """It had not, and every read was uploaded, of too few to tell a change from the setting."""
    FIRST = "first"
    """There is no upload of it before."""


@dataclass(frozen=True, slots=True)
class Driven:
    """Uploads that had one reason, and what came in with them."""

    uploads: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class Drivers:
    """What drives the volume of a span.

    Args:
        reads: applications that were read, counted once for each run.
        reasons: the uploads by their reason.
        kinds: rows of compliant states in `detailed` and in `summarised` form, and the `other` states' rows.
        summaries: what the detailed rows would have taken, summarised.
    """

    reads: int
    reasons: dict[Reason, Driven]
    kinds: dict[str, Amount]
    summaries: Amount


async def drivers_of(questions: Questions, span: Span) -> Drivers:
    """Return what drives the volume of a span; raise NotTold."""
    counted = await questions.rows_of(RESULTS, _READS, span, before=timedelta())
    uploads = await questions.rows_of(STATES, _UPLOADS, span, before=_BEFORE)
    kinds = await questions.rows_of(STATES, _KINDS, span, before=timedelta())
    try:
        reads = sum(int(row["Reads"]) for row in counted)
        detailed = [row for row in kinds if row["Kind"] == "detailed"]
        return Drivers(
            reads=reads,
            reasons=_reasons(uploads, span, reads),
            kinds={str(row["Kind"]): _amount(row) for row in kinds},
            summaries=sum((Amount(int(row["Policies"]), float(row["Summaries"])) for row in detailed), Amount()),
        )
    except (TypeError, ValueError, MalformedAnswer) as error:
        raise malformed(STATES) from error


def _reasons(rows: Iterable[dict[str, Any]], span: Span, reads: int) -> dict[Reason, Driven]:
    found: dict[Reason, Driven] = {}
    for application_id, uploads in groupby(rows, key=itemgetter("Application_id")):
        timed = [(moment_of(row["Time"]), _amount(row)) for row in uploads]
        before: list[tuple[datetime | None, Amount]] = [(None, Amount()), *timed]
        for (previous, _), (moment, amount) in pairwise(before):
            if moment is None or moment < span.started():
                continue
            reason = _reason(str(application_id), previous, moment)
            driven = found.get(reason, Driven(0, Amount()))
            found[reason] = Driven(driven.uploads + 1, driven.amount + amount)
    if Reason.CHANGED in found and reads <= sum(one.uploads for one in found.values()):
        found[Reason.EVERY_READ if reads >= _MANY_READS else Reason.UNCLEAR] = found.pop(Reason.CHANGED)
    return found


def _reason(application_id: str, previous: datetime | None, moment: datetime) -> Reason:
    if previous is None:
        return Reason.FIRST
    return Reason.TURN if is_turn(application_id, previous, moment) else Reason.CHANGED


def _amount(row: dict[str, Any]) -> Amount:
    return Amount(int(row["Rows"]), float(row["Bytes"] or 0))
