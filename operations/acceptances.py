"""``accept``: open violations and differences of an assignment are accepted, by name, with a reason, and for a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from operations.decision import Decision, make_sure
from operations.openness import Openness, accept, named, open_about
from operations.report import BadUsage, Cell, Listing, Refused, Report
from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import ApplicationId, fold
from registry.inventory import each
from registry.repeating import repeated_on_row_change
from verdicts.facts import Acceptance
from verdicts.ledger import Entry

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from operations.report import Console
    from operations.workplace import Workplace
    from verdicts.facts import ApplicationFacts

_SHOWN_RESOURCES: Final = 3
_OVERFLOW: Final = (
    "{} of them have more violations than the ledger remembers one by one. Those that it does not remember cannot be "
    "accepted, so the alarms about their violations go on."
)


@dataclass(frozen=True, slots=True)
class _Target:
    """An application, and what is open about the assignment that was named."""

    facts: ApplicationFacts
    opened: Openness

    @property
    def identity(self) -> ApplicationId:
        return ApplicationId.parse(self.facts.application_id)


async def accept_open(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Accept what is open about an assignment of one application, or of every application of a plan version."""
    lacking = [name for name in ("assignment", "until", "reason") if getattr(options, name) is None]
    if lacking:
        raise BadUsage(
            f"{', '.join(f'--{name}' for name in lacking)} is missing: what is accepted, until when and why?"
        )
    if (options.application is None) == (options.plan is None) or (options.plan is None) != (options.version is None):
        raise BadUsage("name an application, or --plan and --version")
    decision = Decision.of(options)
    found, untold = await chosen_facts(workplace, options)
    now = workplace.now()
    targets = [target for facts in found for target in _targets(facts, options.assignment, now)]
    if not targets:
        raise Refused(_nothing_open(found, options, now))
    listing = _listing(targets)
    beyond = sum(target.opened.overflows for target in targets)
    if options.dry_run:
        note = f"Until {options.until:%Y-%m-%d %H:%M} UTC this would be accepted. Nothing was changed."
        document = {"accepted": [], "open": _document(targets)}
        notes = (note, _OVERFLOW.format(beyond)) if beyond else (note,)
        return Report(ok=untold is None, document=document, listings=(listing,), notes=notes, error=untold)
    console.show_listing(listing)
    if beyond:
        console.say(_OVERFLOW.format(beyond))
    if untold:
        console.say(untold)
    question = f"Accept this until {options.until:%Y-%m-%d %H:%M} UTC?"
    make_sure(question, decision, options, console)
    return await _accept_all(workplace, targets, options, decision, untold)


async def chosen_facts(workplace: Workplace, options: argparse.Namespace) -> tuple[list[ApplicationFacts], str | None]:
    """Return what the ledger knows of an application, of those of a plan version, or of all, and what it cannot tell.

    Raises Refused where the one that is named is not there.
    """
    if options.application is not None:
        return [(await readable_entry(workplace, options.application)).facts], None
    wanted = None if options.plan is None else (fold(options.plan), fold(options.version))
    found, unreadable = [], 0
    async for entry in workplace.ledger.entries():
        if not isinstance(entry, Entry):
            unreadable += 1
        elif wanted in {None, (fold(entry.facts.plan_name), fold(entry.facts.plan_version))}:
            found.append(entry.facts)
    which = "" if wanted is None else ", and may be of this plan version"
    unread = f"{unreadable} rows of the ledger cannot be read{which}: see `ledger check`"
    if not found and wanted is not None:
        none = f"the ledger knows no application of plan {options.plan} {options.version}"
        raise Refused(f"{none}; {unread}" if unreadable else none)
    return found, unread if unreadable else None


async def readable_entry(workplace: Workplace, application_id: ApplicationId) -> Entry:
    """Return an application's row of the ledger; raise Refused when there is none, or when it cannot be read."""
    entry = await workplace.ledger.find(application_id)
    if entry is None:
        raise Refused(f"the ledger does not know {application_id}: it was not collected yet, or has left")
    if not isinstance(entry, Entry):
        raise Refused(f"the ledger's row of {application_id} cannot be read ({entry.reason}): see `ledger repair`")
    return entry


def _targets(facts: ApplicationFacts, assignment: str, now: datetime) -> list[_Target]:
    return [_Target(facts, opened) for one in named(facts, assignment) if (opened := open_about(facts, one, now))]


def _nothing_open(found: list[ApplicationFacts], options: argparse.Namespace, now: datetime) -> str:
    """Return why nothing can be accepted: what is open instead."""
    others = {
        one.name: str(opened)
        for facts in found
        for one in facts.assignments.values()
        if (opened := open_about(facts, one, now))
    }
    known = any(named(facts, options.assignment) for facts in found)
    begin = f"nothing is open about {options.assignment}" if known else f"there is no assignment {options.assignment}"
    rest = "; ".join(f"{name} ({what})" for name, what in sorted(others.items()))
    return f"{begin}; open is: {rest}" if rest else f"{begin}, and nothing else is open"


async def _accept_all(
    workplace: Workplace, targets: list[_Target], options: argparse.Namespace, decision: Decision, untold: str | None
) -> Report:
    acceptance = Acceptance(decision.person, decision.reason, workplace.now(), options.until)

    @repeated_on_row_change
    async def write(target: _Target) -> _Target:
        entry = await readable_entry(workplace, target.identity)
        known = entry.facts.assignments.get(target.opened.assignment.id)
        now = acceptance.accepted_at
        opened = open_about(entry.facts, known, now).of_those(target.opened) if known else None
        if not opened:
            raise Refused("nothing of it is open any more")
        await workplace.ledger.write(accept(entry.facts, opened, acceptance), replacing=entry)
        return _Target(entry.facts, opened)

    async def try_to_write(target: _Target) -> _Target | str:
        try:
            return await write(target)
        except (AzureFailure, Refused) as failure:
            return f"{target.facts.application_id}: {failure}"

    results = await each(targets, try_to_write)
    done = [one for one in results if isinstance(one, _Target)]
    errors = [one for one in results if isinstance(one, str)]
    events = [await workplace.event(target.identity, "Accepted", decision) for target in done]
    errors += [error for error in (await workplace.tell(events), untold) if error]
    error = "; ".join(errors) or None
    return Report(
        ok=error is None,
        document={"accepted": _document(done), "until": options.until},
        notes=(f"{len(done)} accepted until {options.until:%Y-%m-%d %H:%M} UTC. The next collection publishes it.",),
        error=error,
    )


def _listing(targets: list[_Target]) -> Listing:
    rows = [
        (
            target.facts.application_name,
            target.facts.customer_name,
            target.opened.assignment.display_name or target.opened.assignment.name,
            Cell(str(target.opened), "bad"),
            ", ".join(_resources(target.opened)[:_SHOWN_RESOURCES]),
        )
        for target in targets
    ]
    return Listing("", ("Application", "Customer", "Assignment", "Open", "First resources"), rows)


def _resources(opened: Openness) -> list[str]:
    return list(dict.fromkeys(one.key.resource_id.rpartition("/")[2] for one in opened.keys))


def _document(targets: list[_Target]) -> list[dict[str, Any]]:
    return [
        {
            "application_id": target.facts.application_id,
            "assignment_id": target.opened.assignment.id,
            "violations": len(target.opened.keys),
            "difference": target.opened.difference,
            "exemptions": [one.id for one in target.opened.exemptions],
        }
        for target in targets
    ]
