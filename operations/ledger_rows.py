"""``ledger check`` and ``ledger repair``: rows of the ledger that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.decision import Decision, make_sure
from operations.report import Cell, Listing, Refused, Report
from verdicts.ledger import Entry, UnreadableEntry

if TYPE_CHECKING:
    import argparse

    from operations.report import Console
    from operations.workplace import Workplace

_FORGOTTEN: Final = (
    "This forgets its open violations and since when they are open, what was accepted, since when it was not read, "
    "and its baseline unless one is declared. The next collection begins afresh: violations that are still there open "
    "anew, with new alerts; an assignment that was weakened or withdrawn becomes the baseline unless one is declared."
)


async def ledger(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """List the rows of the ledger that cannot be read, or replace one by a fresh start."""
    if options.action == "check":
        return await _check(workplace, console)
    return await _repair(workplace, options, console)


async def _check(workplace: Workplace, console: Console) -> Report:
    count, unreadable = 0, list[UnreadableEntry]()
    await workplace.ledger.control()  # a control row that cannot be read is a failure that names it
    with console.busy("reading the ledger"):
        async for entry in workplace.ledger.entries():
            count += 1
            if isinstance(entry, UnreadableEntry):
                unreadable.append(entry)
    rows = [
        (one.application_id or "not known", f"{one.row.partition_key}/{one.row.row_key}", Cell(one.reason, "bad"))
        for one in unreadable
    ]
    document = {
        "applications": count,
        "unreadable": [
            {
                "application_id": one.application_id,
                "partition_key": one.row.partition_key,
                "row_key": one.row.row_key,
                "reason": one.reason,
            }
            for one in unreadable
        ],
    }
    return Report(
        ok=not unreadable,
        document=document,
        listings=(Listing("Rows that cannot be read", ("Application", "Row", "Why"), rows),) if rows else (),
        notes=(f"{count} rows, {len(unreadable)} of them cannot be read",),
        error="use `ledger repair` where the row cannot be restored" if unreadable else None,
    )


async def _repair(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    identity = options.application
    entry = await workplace.ledger.find(identity)
    if entry is None:
        raise Refused(f"the ledger has no row of {identity}: there is nothing to repair")
    if isinstance(entry, Entry):
        raise Refused(f"the ledger's row of {identity} can be read: there is nothing to repair")
    decision = Decision.of(options)
    console.say(f"The row of {identity} cannot be read: {entry.reason}")
    console.say(_FORGOTTEN)
    if await workplace.registry.find(identity) is None:
        console.say("It is not in the registry either: nobody will know of it any more. Use `add` if it lives.")
    make_sure("Forget what cannot be read?", decision, options, console)
    await workplace.ledger.forget(entry)
    error = await workplace.tell([await workplace.event(identity, "LedgerRepaired", decision)])
    return Report(
        ok=error is None,
        document={"application_id": str(identity), "repaired": True, "was": entry.reason},
        notes=(f"{identity} starts afresh with the next collection.",),
        error=error,
    )
