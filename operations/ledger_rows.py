"""``ledger check`` and ``ledger repair``: rows of the ledger that cannot be read, or were lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collector.unreadable import nothing_known
from operations.decision import Decision, make_sure
from operations.report import BadUsage, Cell, Listing, Refused, Report
from publisher.errors.kinds import NotFound
from publisher.resource_ids import ApplicationId, InvalidResourceId
from publisher.table import TABLE_MISSING
from verdicts.control import UnreadableControl
from verdicts.ledger import Entry, UnreadableEntry
from verdicts.stored.control_rows import CONTROL_PARTITION

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator

    from operations.report import Console
    from operations.workplace import Workplace
    from registry.events import Event
    from registry.managed_application import MalformedRow, ManagedApplication

_FORGOTTEN: Final = (
    "This forgets its open violations and since when they are open, what was accepted, since when it was not read, "
    "and its baseline unless one is declared. The next collection begins afresh: violations that are still there open "
    "anew, with new alerts; an assignment that was weakened or withdrawn becomes the baseline unless one is declared."
)
_UNDECLARED: Final = "Declare or snooze again what it held. Applications keep what they have of a declared baseline."


@dataclass(frozen=True, slots=True)
class _Damage:
    """A row that cannot be read: an application's, one of nobody's, or a control row."""

    found: UnreadableEntry | UnreadableControl

    @property
    def what(self) -> str:
        """What it is about, for a person."""
        return self.found.what if isinstance(self.found, UnreadableControl) else self.found.application_id

    @property
    def place(self) -> str:
        """Its keys, as `ledger repair --row` takes them."""
        return f"{self.found.row.partition_key}/{self.found.row.row_key}"

    @property
    def application(self) -> ApplicationId | None:
        """The application that it is about, None when it is about none."""
        if isinstance(self.found, UnreadableControl):
            return None
        try:
            return ApplicationId.parse(self.found.application_id)
        except InvalidResourceId:
            return None


async def ledger(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """List the rows of the ledger that cannot be read, or replace one by a fresh start."""
    if options.action == "check":
        return await _check(workplace, console)
    return await _repair(workplace, options, console)


async def _check(workplace: Workplace, console: Console) -> Report:
    count, known = 0, set[tuple[str, str]]()
    damaged = [_Damage(one) for one in (await workplace.ledger.control()).unreadable]
    with console.busy("reading the ledger"):
        async for entry in workplace.ledger.entries():
            count += 1
            known.add((entry.row.partition_key, entry.row.row_key))
            if isinstance(entry, UnreadableEntry):
                damaged.append(_Damage(entry))
        damaged += [_Damage(entry) async for entry in _lost(workplace, known)]
    rows = [(one.what or "not known", one.place, Cell(one.found.reason, "bad")) for one in damaged]
    document = {
        "applications": count,
        "unreadable": [
            {
                "application_id": str(one.application or ""),
                "what": one.what,
                "partition_key": one.found.row.partition_key,
                "row_key": one.found.row.row_key,
                "reason": one.found.reason,
            }
            for one in damaged
        ],
    }
    return Report(
        ok=not damaged,
        document=document,
        listings=(Listing("Rows that cannot be read", ("About", "Row", "Why"), rows),) if rows else (),
        notes=(f"{count} applications, {len(damaged)} rows that cannot be read",),
        error="use `ledger repair` where the row cannot be restored" if damaged else None,
    )


async def _lost(workplace: Workplace, known: set[tuple[str, str]]) -> AsyncIterator[UnreadableEntry]:
    """Yield the rows that the ledger lacks of registered applications, and the latest export has."""
    try:
        async for application in workplace.registry.applications():
            identity = application.application_id
            if identity is None or (identity.partition_key, identity.row_key) in known:
                continue
            if (entry := await workplace.lost.entry_of(application)) is not None:
                yield entry
    except NotFound as error:
        if error.code != TABLE_MISSING:
            raise


async def _repair(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    if (options.application is None) == (options.row is None):
        raise BadUsage("name an application, or --row as `ledger check` shows it")
    damage = await _found(workplace, options)
    decision = Decision.of(options)
    registered: ManagedApplication | MalformedRow | None = None
    console.say(f"The row of {damage.what} cannot be read: {damage.found.reason}")
    identity = damage.application
    if isinstance(damage.found, UnreadableControl):
        console.say(_UNDECLARED)
    else:
        console.say(_FORGOTTEN)
        registered = None if identity is None else await _registered(workplace, identity)
        if registered is None:
            console.say("It is not in the registry either: nobody will know of it any more. Use `add` if it lives.")
    make_sure("Forget what cannot be read?", decision, options, console)
    if isinstance(damage.found, UnreadableEntry) and registered is not None:
        # Not without a row: the next collection would take it for lost.
        fresh = nothing_known(str(identity), "", workplace.now(), registered)
        await workplace.ledger.write(fresh, replacing=None if damage.found.is_missing else damage.found)
    else:
        await workplace.ledger.forget(damage.found)
    error = await workplace.tell([await _event(workplace, damage, decision)])
    return Report(
        ok=error is None,
        document={
            "application_id": str(identity or ""),
            "what": damage.what,
            "repaired": True,
            "was": damage.found.reason,
        },
        notes=(f"{damage.what} starts afresh with the next collection." if identity else f"{damage.what} is gone.",),
        error=error,
    )


async def _found(workplace: Workplace, options: argparse.Namespace) -> _Damage:
    """Return the row that the options name; raise Refused when there is nothing to repair about it."""
    what = f"row of {options.application}" if options.application else f"row {'/'.join(options.row)}"
    if options.application is not None:
        entry = await workplace.ledger.find(options.application)
        if entry is None and (registered := await _registered(workplace, options.application)) is not None:
            entry = await workplace.lost.entry_of(registered)
    else:
        for control in (await workplace.ledger.control()).unreadable:
            if (control.row.partition_key, control.row.row_key) == options.row:
                return _Damage(control)
        entry = await workplace.ledger.at(*options.row)
    if entry is None:
        raise Refused(f"the ledger has no {what}: there is nothing to repair")
    if isinstance(entry, Entry) or entry.row.partition_key == CONTROL_PARTITION:
        raise Refused(f"the ledger's {what} can be read: there is nothing to repair")
    return _Damage(entry)


async def _registered(workplace: Workplace, identity: ApplicationId) -> ManagedApplication | MalformedRow | None:
    async for application in workplace.registry.applications(identity):
        return application
    return None


async def _event(workplace: Workplace, damage: _Damage, decision: Decision) -> Event:
    if damage.application is not None:
        return await workplace.event(damage.application, "LedgerRepaired", decision)
    plan = damage.found.plan if isinstance(damage.found, UnreadableControl) else ""
    return workplace.plan_event(plan, "", "LedgerRepaired", decision)
