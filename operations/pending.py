"""``pending``: the applications that notifications told of, and about which Azure Resource Manager has not answered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from operations.decision import Decision, make_sure
from operations.report import Cell, Listing, Report
from publisher.notifications import MalformedMessage
from registry.notifications.events import GIVEN_UP, event_id
from registry.notifications.pending import Pending
from registry.notifications.pending_table import PendingRow, UnreadablePending

if TYPE_CHECKING:
    import argparse

    from operations.report import Console
    from operations.workplace import Workplace
    from publisher.resource_ids import ApplicationId


async def pending(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """List what waits, let it be asked about now, or let it wait no longer."""
    if options.action == "list":
        return await _list(workplace)
    try:
        if options.action == "replay":
            return await _replay(workplace, options)
        return await _drop(workplace, options, console)
    except MalformedMessage as error:
        document = {"application_id": str(options.application)}
        words = f"its row cannot be read ({error}); `doctor` says what to do about it"
        return Report(ok=False, document=document, error=words)


async def _list(workplace: Workplace) -> Report:
    waiting, unreadable = list[Pending](), list[UnreadablePending]()
    async for row in workplace.pending.all():
        if isinstance(row, PendingRow):
            waiting.append(row.pending)
        else:
            unreadable.append(row)
    waiting.sort(key=lambda one: one.first_received_at)
    rows = [
        (
            str(one.application_id),
            "/".join(one.notification.kind),
            f"{one.first_received_at:%Y-%m-%d %H:%M}",
            str(one.attempts),
            f"{one.due_at:%Y-%m-%d %H:%M}",
            Cell(one.last_error, "bad"),
        )
        for one in waiting
    ]
    columns = ("Application", "Event", "Since (UTC)", "Asked", "Next (UTC)", "Why")
    listings = [Listing("", columns, rows)] if rows else []
    if unreadable:
        bad = [(one.name, Cell(one.reason, "bad")) for one in unreadable]
        listings.append(Listing("Rows that cannot be read", ("Row", "Why"), bad))
    return Report(
        ok=not unreadable,
        document={
            "pending": [_document(one) for one in waiting],
            "unreadable": [{"row": one.name, "reason": one.reason} for one in unreadable],
        },
        listings=tuple(listings),
        notes=() if rows else ("Nothing waits.",),
        error=f"{len(unreadable)} rows cannot be read" if unreadable else None,
    )


async def _replay(workplace: Workplace, options: argparse.Namespace) -> Report:
    """Let Azure Resource Manager be asked by the next round, within a minute, as if the event had just been told."""
    if options.application is not None:
        wanted = [options.application]
    elif options.all:
        rows = workplace.pending.all()
        wanted = [row.pending.application_id async for row in rows if isinstance(row, PendingRow)]
    else:
        return Report(ok=False, document={}, error="name an application, or --all", bad_usage=True)
    now = workplace.now()
    replayed = [one for one in wanted if await workplace.pending.ask_anew(one, now)]
    if options.application is not None and not replayed:
        return _nothing_waits(options.application)
    note = f"Azure Resource Manager is asked about {len(replayed)} applications within a minute."
    return Report(ok=True, document={"replayed": [str(one) for one in replayed]}, notes=(note,))


async def _drop(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Let one application wait no longer; an event says who wanted that."""
    row = await workplace.pending.find(options.application)
    if row is None:
        return _nothing_waits(options.application)
    decision = Decision.of(options)
    make_sure(f"Ask no more about {options.application}?", decision, options, console)
    notification = row.pending.notification
    # While somebody made up his mind, ARM may have been asked again; what else was told in the meantime is not dropped.
    row = await workplace.pending.find(options.application)
    if row is None:
        return _nothing_waits(options.application)
    if row.pending.notification != notification:
        error = f"{options.application} waits about another event by now: look at it, and drop it again"
        return Report(ok=False, document={"application_id": str(options.application)}, error=error)
    event = await workplace.event(options.application, GIVEN_UP, decision)
    event = replace(event, event_id=event_id(notification), happened_at=notification.event_time)
    await workplace.pending.end(row)
    untold = await workplace.tell([event])
    note = f"{options.application} waits no longer. The next notification about it is taken as any other."
    document = {"application_id": str(options.application), "dropped": True}
    return Report(ok=untold is None, document=document, notes=(note,), error=untold)


def _nothing_waits(application_id: ApplicationId) -> Report:
    document = {"application_id": str(application_id)}
    return Report(ok=False, document=document, error=f"{application_id} does not wait; see `pending list`")


def _document(one: Pending) -> dict[str, Any]:
    return {
        "application_id": str(one.application_id),
        "event_type": one.notification.event_type,
        "provisioning_state": one.notification.provisioning_state,
        "event_time": one.notification.event_time,
        "first_received_at": one.first_received_at,
        "due_at": one.due_at,
        "attempts": one.attempts,
        "last_error": one.last_error,
    }
