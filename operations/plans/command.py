"""``plan``: an operator settles for a plan how severe findings are, until when each is due, and which checks are on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from operations.decision import Decision, make_sure
from operations.files.fields import BadFile
from operations.plans.ending import checks_that_end, listing_of, with_settings, without_settings
from operations.plans.file import as_document, read_plan_settings
from operations.report import BadUsage, Listing, Refused, Report
from publisher.resource_ids import fold
from verdicts.plan_settings import PlanSettings, Severity, settings_of_plan
from verdicts.stored.control_rows import fits_a_row, plan_settings_key

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from operations.report import Console
    from operations.workplace import Workplace

_EVERY: Final = "(every other)"


async def plan(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Show what is settled for plans, settle it from a file, or go back to what holds for every plan."""
    if options.action == "show":
        return await _show(workplace)
    if options.action == "settle":
        return await _settle(workplace, options, console)
    return await _reset(workplace, options, console)


async def _show(workplace: Workplace) -> Report:
    control = await workplace.ledger.control()
    settled = [control.plans[name] for name in sorted(control.plans)]
    if "" not in control.plans:
        settled.insert(0, settings_of_plan({}, ""))
    unreadable = "; ".join(map(str, control.unreadable)) or None
    return Report(
        ok=unreadable is None,
        document={"plans": [as_document(one) for one in settled]},
        listings=(_listing(settled),),
        error=unreadable,
    )


async def _settle(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    decision = Decision.of(options)
    try:
        read = read_plan_settings(options.file)
    except BadFile as error:
        raise BadUsage(str(error)) from error
    settings = replace(read, settled_at=workplace.now(), person=decision.person, reason=decision.reason)
    if not fits_a_row(settings):
        raise BadUsage(f"{options.file}: all of it is too long for the ledger; name fewer assignments in severities")
    control = await workplace.ledger.control()
    ending = await checks_that_end(workplace, with_settings(control.plans, settings))
    document = {"settings": as_document(settings), "checks_that_end": ending, "settled": False}
    listings = (_listing([settings]), *listing_of(ending))
    if options.dry_run:
        return Report(ok=True, document=document, listings=listings, notes=("Nothing was changed.",))
    for listing in listings:
        console.show_listing(listing)
    make_sure(f"Settle this for {_named(settings.plan_name)}?", decision, options, console)
    await workplace.ledger.settle(settings)
    event = workplace.plan_event(settings.plan_name, "", "PlanSettled", decision)
    error_of_event = await workplace.tell([event])
    note = f"It holds for {_named(settings.plan_name)} from the next run on."
    return Report(ok=error_of_event is None, document=document | {"settled": True}, notes=(note,), error=error_of_event)


async def _reset(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    decision = Decision.of(options)
    control = await workplace.ledger.control()
    if fold(options.plan) not in control.plans:
        unreadable = control.unreadable_at(plan_settings_key(options.plan))
        raise Refused(str(unreadable or f"nothing is settled for {_named(options.plan)}; see `plan show`"))
    ending = await checks_that_end(workplace, without_settings(control.plans, options.plan))
    for listing in listing_of(ending):
        console.show_listing(listing)
    make_sure(f"Forget what is settled for {_named(options.plan)}?", decision, options, console)
    await workplace.ledger.end_settings(options.plan)
    error = await workplace.tell([workplace.plan_event(options.plan, "", "PlanSettingsEnded", decision)])
    note = f"What holds for every plan holds for {_named(options.plan)}, from the next run on."
    document = {"plan": options.plan, "checks_that_end": ending, "reset": True}
    return Report(ok=error is None, document=document, notes=(note,), error=error)


def _named(plan_name: str) -> str:
    return f"plan {plan_name}" if plan_name else "every plan that has no settings of its own"


def _listing(settled: Iterable[PlanSettings]) -> Listing:
    rows = [
        (
            one.plan_name or _EVERY,
            f"{one.severity}, and {_severities(one)}" if one.severities else str(one.severity),
            ", ".join(f"{severity} {one.overdue_after_days[severity]}" for severity in Severity),
            ", ".join(map(_check, sorted(one.checks.items()))) or "none",
            one.person,
            one.reason,
        )
        for one in settled
    ]
    return Listing("", ("Plan", "Severity", "Overdue after days", "Checks", "Who", "Why"), rows)


def _check(switched_on: tuple[str, Mapping[str, Sequence[str]]]) -> str:
    name, parameters = switched_on
    texts = [text for parameter in parameters.values() for text in parameter]
    return f"{name} ({', '.join(texts)})" if texts else name


def _severities(settings: PlanSettings) -> str:
    return ", ".join(f"{name} {severity}" for name, severity in sorted(settings.severities.items()))
