"""What the ledger remembers of an application, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from operations.openness import open_about
from operations.report import Cell, Listing, Tone
from publisher.resource_ids import fold
from verdicts.derive import Verdict, accepted_until, compliance_of, guard_accepted, held_of, since_of, verdict_of
from verdicts.exempted import is_known
from verdicts.facts import GuardState
from verdicts.known import check_violations, last_read, open_violations, unread_since
from verdicts.ledger import Entry, UnreadableEntry
from verdicts.life import life_of, overdue_assignments
from verdicts.publisher_checks.ids import is_check, judged_by

if TYPE_CHECKING:
    from datetime import datetime

    from verdicts.control import Control
    from verdicts.facts import ApplicationFacts, AssignmentFacts, Unchecked

_TONES: Final[dict[Verdict, Tone]] = {Verdict.COMPLIANT: "good", Verdict.NON_COMPLIANT: "bad"}
_GUARD_TONES: Final[dict[GuardState, Tone]] = {GuardState.INTACT: "good", GuardState.NOT_KNOWN: ""}


def figures(entry: Entry | UnreadableEntry | None, control: Control, now: datetime) -> dict[str, Any]:
    """Return what is known of an application as a whole, and as of when; None is what nobody knows."""
    if not isinstance(entry, Entry):
        counted = (
            "compliance",
            "open_violations",
            "check_violations",
            "overdue_assignments",
            "last_read",
            "unread_since",
        )
        return dict.fromkeys(counted)
    facts = entry.facts
    return {
        "compliance": compliance_of(facts),
        "open_violations": open_violations(facts),
        "check_violations": check_violations(facts),
        "overdue_assignments": overdue_assignments(facts, control.plans, now),
        "last_read": last_read(facts, control.latest_run),
        "unread_since": unread_since(facts),
    }


def summary(entry: Entry | UnreadableEntry | None, control: Control, now: datetime) -> tuple[str, Tone]:
    """Return the verdicts of an application in a few words, the worst first, with the date of who is unread.

    What the publisher's checks found is told behind them.
    """
    if entry is None:
        return "not collected yet", "doubtful"
    if not isinstance(entry, Entry):
        return "ledger row unreadable", "bad"
    facts = entry.facts
    every = [(verdict_of(facts, one), is_check(key)) for key, one in facts.assignments.items()]
    counts = Counter(str(verdict) for verdict, of_check in every if not of_check)
    checked = Counter(str(verdict) for verdict, of_check in every if of_check)
    words = "; ".join(filter(None, (_counted(counts), f"checks: {_counted(checked)}" if checked else "")))
    counts += checked
    if overdue := overdue_assignments(facts, control.plans, now):
        words = f"{overdue} overdue, {words}"
    if facts.departure is not None:
        return str(facts.departure.outcome), "bad"
    if facts.unread is not None:
        known = f"{words or 'no verdict'} as of {_day(facts.last_read)}" if facts.last_read else words or "never read"
        return f"{known}; unread since {_day(facts.unread.since)}", "bad"
    return words or "no verdict", "bad" if Verdict.NON_COMPLIANT in counts else "good" if counts else "doubtful"


def document_of(entry: Entry | UnreadableEntry | None, control: Control, now: datetime) -> dict[str, Any] | None:
    """Return what the ledger remembers as JSON; None when it knows nothing."""
    if entry is None:
        return None
    if not isinstance(entry, Entry):
        return {"unreadable": entry.reason}
    facts = entry.facts
    return {
        **figures(entry, control, now),
        "last_changed_by_run": facts.applied_run,
        "unread": _unread(facts),
        "departure": _departure(facts),
        "versions": [one._asdict() for one in facts.versions],
        "assignments": [_assignment(facts, one, control, now) for one in facts.assignments.values()],
        "exemptions": [
            {
                "id": one.id,
                "assignment_id": one.assignment_id,
                "category": one.category,
                "expires_at": one.expires_at,
                "created_by": one.created_by,
                "known": is_known(facts, fold(one.id), now),
            }
            for one in facts.exemptions
        ],
    }


def listings_of(entry: Entry | UnreadableEntry | None, control: Control, now: datetime) -> tuple[Listing, ...]:
    """Return the tables for people about what the ledger remembers."""
    if entry is None:
        return ()
    if not isinstance(entry, Entry):
        return (Listing("Ledger", ("Property", "Value"), [("unreadable", Cell(entry.reason, "bad"))]),)
    facts = entry.facts
    state = [
        ("compliance", compliance_of(facts)),
        ("last read", _moment(last_read(facts, control.latest_run)) or "never"),
    ]
    if facts.unread is not None:
        state.append(("unread since", f"{_moment(facts.unread.since)}: {facts.unread.outcome} {facts.unread.code}"))
    if facts.departure is not None:
        departure = facts.departure
        state.append((str(departure.outcome), f"{_moment(departure.at)}: {departure.reason}"))
    tables = [Listing("Ledger", ("Property", "Value"), state)]
    if facts.assignments:
        rows = [_row(facts, one, control, now) for one in facts.assignments.values()]
        columns = ("Assignment", "Verdict", "Since", "Severity", "Due by", "Open", "Held", "Guard", "Accepted until")
        tables.append(Listing("Verdicts", columns, rows))
    if facts.exemptions:
        exempted = [
            (one.display_name or one.id.rpartition("/")[2], one.category, _moment(one.expires_at) or "never")
            for one in facts.exemptions
        ]
        tables.append(Listing("Exemptions", ("Exemption", "Category", "Expires"), exempted))
    return tuple(tables)


def _row(
    facts: ApplicationFacts, assignment: AssignmentFacts, control: Control, now: datetime
) -> tuple[Cell | str, ...]:
    verdict, held = verdict_of(facts, assignment), held_of(facts, assignment)
    acceptance = accepted_until(assignment, now) or guard_accepted(assignment, now)
    life = life_of(facts, assignment, control.plans, now)
    due_by = _day(life.due_by) if life.due_by else ""
    return (
        assignment.display_name or assignment.name,
        Cell(str(verdict), _TONES.get(verdict, "doubtful")),
        _moment(since_of(facts, assignment)),
        str(life.severity or ""),
        Cell(f"{due_by} overdue", "bad") if life.is_overdue else due_by,
        str(open_about(facts, assignment, now)),
        f"{held.reason} since {_day(held.since)}" if held else "",
        _unread_or_guard(assignment),
        f"{_day(acceptance.until)} by {acceptance.person}" if acceptance else "",
    )


def _unread_or_guard(assignment: AssignmentFacts) -> Cell | str:
    """Return how an assignment compares with its baseline; a check has none, and may be unread."""
    guard, unread = assignment.guard, assignment.unread
    if unread is not None:
        return Cell(f"unread since {_day(unread.since)}: {unread.outcome} {unread.code}", "bad")
    if is_check(assignment.id):
        return ""
    return Cell(" ".join((str(guard.state), *guard.details)), _GUARD_TONES.get(guard.state, "bad"))


def _assignment(
    facts: ApplicationFacts, assignment: AssignmentFacts, control: Control, now: datetime
) -> dict[str, Any]:
    held, acceptance, guard = held_of(facts, assignment), accepted_until(assignment, now), assignment.guard
    guard_acceptance = guard_accepted(assignment, now)
    life = life_of(facts, assignment, control.plans, now)
    return {
        "id": assignment.id,
        "name": assignment.name,
        "display_name": assignment.display_name,
        "judged_by": judged_by(assignment.id).value,
        "verdict": str(verdict_of(facts, assignment)),
        "since": since_of(facts, assignment),
        "severity": life.severity.lower() if life.severity else None,
        "due_by": life.due_by,
        "is_overdue": life.is_overdue,
        "opened_in_version": life.opened_in_version or None,
        "open": [
            {
                "resource_id": one.key.resource_id,
                "definition_id": one.key.definition_id,
                "reference_id": one.key.reference_id,
                "opened_at": one.opened_at,
                "evaluated_at": one.evaluated_at,
                "suspended": one.suspended,
                "accepted_until": one.acceptance.until if one.acceptance else None,
            }
            for one in assignment.open
        ],
        "overflow": assignment.overflow,
        "held": {"reason": str(held.reason), "since": held.since} if held else None,
        "unread": _unchecked(assignment.unread),
        "guard": {
            "state": str(guard.state),
            "since": guard.since,
            "details": list(guard.details),
            "declared": guard.declared,
            "accepted_until": guard_acceptance.until if guard_acceptance else None,
        },
        "accepted": {
            "until": acceptance.until,
            "person": acceptance.person,
            "reason": acceptance.reason,
        }
        if acceptance
        else None,
    }


def _unchecked(unread: Unchecked | None) -> dict[str, Any] | None:
    """Return since when a check could not be read, and why; None for one that was, and for a policy assignment."""
    if unread is None:
        return None
    return {
        "since": unread.since,
        "outcome": str(unread.outcome),
        "code": unread.code,
        "message": unread.message,
    }


def _unread(facts: ApplicationFacts) -> dict[str, Any] | None:
    unread = facts.unread
    if unread is None:
        return None
    return {
        "since": unread.since,
        "failures": unread.failures,
        "outcome": str(unread.outcome),
        "code": unread.code,
        "message": unread.message,
    }


def _departure(facts: ApplicationFacts) -> dict[str, Any] | None:
    departure = facts.departure
    if departure is None:
        return None
    return {"outcome": str(departure.outcome), "at": departure.at, "reason": departure.reason}


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=_worst_first))


def _worst_first(counted: tuple[str, int]) -> tuple[bool, str]:
    return counted[0] == Verdict.COMPLIANT, counted[0]


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
