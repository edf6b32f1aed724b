"""``snooze``: the alerts about a plan version are silent during planned maintenance, with an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from operations.decision import Decision, make_sure
from operations.report import BadUsage, Listing, Refused, Report
from publisher.resource_ids import fold
from verdicts.control import Snooze
from verdicts.stored.control_rows import snooze_key

if TYPE_CHECKING:
    import argparse

    from operations.report import Console
    from operations.workplace import Workplace


async def snooze(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Begin or end a snooze, or list those that last."""
    control = await workplace.ledger.control()
    snoozes = control.snoozes
    if options.list:
        lasting = [one for one in snoozes if one.until > workplace.now()]
        return _list(lasting, error="; ".join(map(str, control.unreadable)) or None)
    if options.plan is None:
        raise BadUsage("--plan is missing: which plan is it about?")
    decision = Decision.of(options)
    if options.end:
        found = [one for one in snoozes if _is_about(one, options)]
        unreadable = control.unreadable_at(snooze_key(options.plan, options.version or ""))
        if unreadable and not found:
            raise Refused(str(unreadable))
        return await _end(workplace, options, decision, found)
    if options.until is None or not options.reason:
        raise BadUsage("--until and --reason are missing: a snooze has an end and a reason")
    what = f"{_named(options)} until {options.until:%Y-%m-%d %H:%M} UTC"
    make_sure(f"Let no alert tell of plan {what}?", decision, options, console)
    begun = Snooze(options.plan, options.version or "", options.until, decision.person, decision.reason)
    await workplace.ledger.snooze(begun)
    event = workplace.plan_event(options.plan, options.version or "", "Snoozed", decision)
    error = await workplace.tell([event])
    note = f"Alerts about {what} are silent from the next collection on."
    return Report(ok=error is None, document={"snoozes": _document([begun])}, notes=(note,), error=error)


async def _end(workplace: Workplace, options: argparse.Namespace, decision: Decision, found: list[Snooze]) -> Report:
    if not found:
        raise Refused(f"plan {_named(options)} is not snoozed; see `snooze --list`")
    for one in found:
        await workplace.ledger.end_snooze(one.plan_name, one.plan_version)
    error = await workplace.tell([workplace.plan_event(options.plan, options.version or "", "SnoozeEnded", decision)])
    note = f"Alerts about {_named(options)} are told again from the next collection on."
    return Report(ok=error is None, document={"ended": _document(found)}, notes=(note,), error=error)


def _is_about(snooze: Snooze, options: argparse.Namespace) -> bool:
    wanted = fold(options.plan), fold(options.version or "")
    return (fold(snooze.plan_name), fold(snooze.plan_version)) == wanted


def _named(options: argparse.Namespace) -> str:
    return f"{options.plan} {options.version or '(every version)'}"


def _list(snoozes: list[Snooze], *, error: str | None) -> Report:
    rows = [
        (one.plan_name, one.plan_version or "(every)", f"{one.until:%Y-%m-%d %H:%M}", one.person, one.reason)
        for one in snoozes
    ]
    listing = Listing("", ("Plan", "Version", "Until (UTC)", "Who", "Why"), rows)
    return Report(
        ok=error is None,
        document={"snoozes": _document(snoozes)},
        listings=(listing,) if rows else (),
        notes=() if rows or error else ("Nothing is snoozed.",),
        error=error,
    )


def _document(snoozes: list[Snooze]) -> list[dict[str, Any]]:
    return [
        {
            "plan": one.plan_name,
            "version": one.plan_version,
            "until": one.until,
            "person": one.person,
            "reason": one.reason,
        }
        for one in snoozes
    ]
