"""``plan``: an operator settles, for all versions of a plan, how severe findings are and until when each is due."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from operations.decision import Decision, make_sure
from operations.files.fields import BadFile
from operations.plans.file import as_document, read_plan_settings
from operations.report import BadUsage, Listing, Refused, Report
from publisher.resource_ids import fold
from verdicts.plan_settings import PlanSettings, Severity, settings_of_plan
from verdicts.stored.control_rows import plan_settings_key

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

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
    document = {"settings": as_document(settings), "settled": False}
    listing = _listing([settings])
    if options.dry_run:
        return Report(ok=True, document=document, listings=(listing,), notes=("Nothing was changed.",))
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
    make_sure(f"Forget what is settled for {_named(options.plan)}?", decision, options, console)
    await workplace.ledger.end_settings(options.plan)
    error = await workplace.tell([workplace.plan_event(options.plan, "", "PlanSettingsEnded", decision)])
    note = f"What holds for every plan holds for {_named(options.plan)}, from the next run on."
    return Report(ok=error is None, document={"plan": options.plan, "reset": True}, notes=(note,), error=error)


def _named(plan_name: str) -> str:
    return f"plan {plan_name}" if plan_name else "every plan that has no settings of its own"


def _listing(settled: Iterable[PlanSettings]) -> Listing:
    rows = [
        (
            one.plan_name or _EVERY,
            f"{one.severity}, and {_severities(one)}" if one.severities else str(one.severity),
            ", ".join(f"{severity} {one.overdue_after_days[severity]}" for severity in Severity),
            one.person,
            one.reason,
        )
        for one in settled
    ]
    return Listing("", ("Plan", "Severity", "Overdue after days", "Who", "Why"), rows)


def _severities(settings: PlanSettings) -> str:
    return ", ".join(f"{name} {severity}" for name, severity in sorted(settings.severities.items()))
