"""``accept --list``: what is accepted, by whom, why and until when; without ``--list`` it is accepted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from operations.acceptances import accept_open, chosen_facts
from operations.openness import DIFFERENCES
from operations.report import BadUsage, Cell, Listing, Report
from verdicts.exempted import name_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from datetime import datetime

    from operations.report import Console
    from operations.workplace import Workplace
    from verdicts.facts import Acceptance, ApplicationFacts


@dataclass(frozen=True, slots=True)
class _Accepted:
    """One thing that is accepted; `kind` is violations, difference or exemption."""

    facts: ApplicationFacts
    assignment_id: str
    kind: str
    what: str
    acceptance: Acceptance


async def accept(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Accept what is open about an assignment, or list what is accepted."""
    if not options.list:
        if options.expiring is not None:
            raise BadUsage("--expiring is for --list")
        return await accept_open(workplace, options, console)
    check_choice(options)
    facts, untold = await chosen_facts(workplace, options)
    now = workplace.now()
    found = sorted(
        (one for known in facts for one in _accepted(known) if ends_in_time(one.acceptance.until, options, now)),
        key=lambda one: (one.acceptance.until, one.facts.application_id, one.assignment_id, one.what),
    )
    rows = [_row(one, now) for one in found]
    columns = ("Until (UTC)", "Application", "Customer", "Plan", "Assignment", "Accepted", "Who", "Why")
    return Report(
        ok=untold is None,
        document={"acceptances": [_document(one, now) for one in found]},
        listings=(Listing("", columns, rows),) if rows else (),
        notes=() if rows or untold else ("Nothing is accepted.",),
        error=untold,
    )


def check_choice(options: argparse.Namespace) -> None:
    """Raise BadUsage for options that name half a plan version, or an application as well."""
    if (options.plan is None) != (options.version is None) or (options.application and options.plan):
        raise BadUsage("name an application, or --plan and --version, or neither for all")


def ends_in_time(moment: datetime | None, options: argparse.Namespace, now: datetime) -> bool:
    """Tell whether something that ends then belongs to a list, which --expiring may narrow."""
    if options.expiring is None:
        return True
    return moment is not None and moment <= now + timedelta(days=options.expiring)


def _accepted(facts: ApplicationFacts) -> Iterator[_Accepted]:
    for one in facts.assignments.values():
        if one.ending is not None:
            continue
        counts = Counter(key.acceptance for key in one.open if key.acceptance is not None)
        for acceptance, count in counts.items():
            yield _Accepted(facts, one.id, "violations", f"{count} violations", acceptance)
        if one.guard.acceptance is not None and one.guard.state in DIFFERENCES:
            yield _Accepted(facts, one.id, "difference", str(one.guard.state).lower(), one.guard.acceptance)
    for exemption in facts.exemptions:
        # What is accepted of its later stages is accepted with it (operations.openness).
        if (word := facts.accepted_exemptions.get(exemption.id)) is not None:
            yield _Accepted(facts, exemption.assignment_id, "exemption", f"exemption {name_of(exemption)}", word)


def assignment_name(facts: ApplicationFacts, assignment_id: str) -> str:
    """Return what people call an assignment."""
    known = facts.assignments.get(assignment_id)
    return (known.display_name or known.name) if known else assignment_id.rpartition("/")[2]


def _row(one: _Accepted, now: datetime) -> tuple[Cell | str, ...]:
    facts, acceptance = one.facts, one.acceptance
    ended = acceptance.until <= now
    until = f"{acceptance.until:%Y-%m-%d %H:%M}"
    return (
        Cell(f"{until} (ended)" if ended else until, "bad" if ended else ""),
        facts.application_name,
        facts.customer_name,
        f"{facts.plan_name} {facts.plan_version}".strip(),
        assignment_name(facts, one.assignment_id),
        one.what,
        acceptance.person,
        acceptance.reason,
    )


def _document(one: _Accepted, now: datetime) -> dict[str, Any]:
    facts, acceptance = one.facts, one.acceptance
    return {
        "application_id": facts.application_id,
        "customer_name": facts.customer_name,
        "plan": facts.plan_name,
        "version": facts.plan_version,
        "assignment_id": one.assignment_id,
        "assignment": assignment_name(facts, one.assignment_id),
        "kind": one.kind,
        "what": one.what,
        "person": acceptance.person,
        "reason": acceptance.reason,
        "accepted_at": acceptance.accepted_at,
        "until": acceptance.until,
        "ended": acceptance.until <= now,
    }
