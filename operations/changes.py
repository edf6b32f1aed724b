"""The commands of ``python -m operations`` that change the registry: add, remove, name, reconcile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from operations.decision import Decision, make_sure
from operations.report import Cell, Listing, Report, not_registered
from publisher.errors.kinds import AzureFailure
from registry.events import EventsNotStored
from registry.inventory import NotRegistered, Standing, each
from registry.reconcile import ReconciliationFailed
from registry.refresh import Change
from registry.rows import is_tombstone
from registry.tombstones import removal_in
from verdicts.daily import hold_against_azure

if TYPE_CHECKING:
    import argparse

    from operations.report import Console
    from operations.workplace import Workplace
    from publisher.resource_ids import ApplicationId
    from publisher.table import Row

_RECONCILE_SECONDS: Final = 6 * 3600.0


async def add(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Register the named applications as ARM describes them now."""
    inventory, decision = workplace.inventory, Decision.of(options, by_anybody=True)
    wanted = dict.fromkeys(options.applications)

    async def register(application_id: ApplicationId) -> tuple[str, str | None]:
        try:
            change = await inventory.add(application_id)
        except AzureFailure as failure:
            return type(failure).__name__, f"{failure.code}: {failure}"
        return (change, None) if change is not Change.CONFIRMED else ("Deleting", "Azure is deleting it")

    with console.busy(f"reading {len(wanted)} applications"):
        results = await each(wanted, register)
    document = [
        {"application_id": str(identity), "result": str(result), "error": error}
        for identity, (result, error) in zip(wanted, results, strict=True)
    ]
    rows = [
        (
            one["application_id"] or "",
            Cell(one["result"] or "", "good" if one["error"] is None else "bad"),
            one["error"] or "",
        )
        for one in document
    ]
    registered = [one for one, (change, _) in zip(wanted, results, strict=True) if change == Change.REGISTERED]
    untold = await workplace.tell([await workplace.event(one, Change.REGISTERED, decision) for one in registered])
    failed = sum(one["error"] is not None for one in document)
    return Report(
        ok=not failed and untold is None,
        document={"applications": document},
        listings=(Listing("", ("Application", "Result", "Why"), rows),),
        error=f"{failed} of {len(document)} applications were not registered" if failed else untold,
    )


async def remove(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Take one application out of monitoring; asks first, unless options say otherwise."""
    identity, inventory = options.application, workplace.inventory
    row = await inventory.registry.find(identity)
    is_active = row is not None and not is_tombstone(row)
    if not is_active and not await _is_remembered(workplace, identity, row):
        return not_registered(identity)
    decision = Decision.of(options)
    standing, reason = await inventory.standing(identity)
    document = {"application_id": str(identity), "azure": str(standing), "removed": False}
    if standing in {Standing.ALIVE, Standing.UNKNOWN} and not options.force:
        said = "calls it alive" if standing is Standing.ALIVE else f"cannot be asked about it ({reason})"
        error = f"Azure {said}: its compliance would no longer be watched. Say --force if that is what you want."
        return Report(ok=False, document=document, error=error)
    make_sure(f"Take {identity} out of monitoring?", decision, options, console)
    await inventory.remove(identity, person=decision.person, reason=decision.reason)
    untold = await workplace.tell([await workplace.event(identity, Change.REMOVED, decision)])
    document |= {"removed": True}
    return Report(ok=untold is None, document=document, notes=(f"{identity} is removed.",), error=untold)


async def _is_remembered(workplace: Workplace, identity: ApplicationId, row: Row | None) -> bool:
    """Tell whether the ledger still judges an application that the registry does not have."""
    removal = removal_in(row) if row else None
    return not (removal and removal.confirmed) and await workplace.ledger.find(identity) is not None


async def name(workplace: Workplace, options: argparse.Namespace, _: Console) -> Report:
    """Set what one customer is called."""
    identity = options.application
    try:
        await workplace.inventory.name(identity, options.customer)
    except NotRegistered:
        return not_registered(identity)
    shown = options.customer or identity.subscription_id
    return Report(
        ok=True,
        document={"application_id": str(identity), "customer_name": shown},
        notes=(f"The customer of {identity} is called {shown} from the next collection on.",),
    )


async def reconcile(workplace: Workplace, _: argparse.Namespace, console: Console) -> Report:
    """Hold the registry and the ledger against Azure, as the daily timer does."""
    with console.busy("refreshing every application"):
        daily = await hold_against_azure(
            workplace.inventory.refresher,
            workplace.ledger,
            workplace.endpoint,
            workplace.events_stream,
            deadline=time.monotonic() + _RECONCILE_SECONDS,
        )
    result = daily.reconciliation
    rows = [(str(change), str(count)) for change, count in sorted(result.changes.items())]
    failures = [(name, Cell(reason, "bad")) for name, reason in sorted(result.failures.items())]
    listings = [Listing("", ("Change", "Applications"), rows)] if rows else []
    if failures:
        listings.append(Listing("Not refreshed", ("Application", "Why"), failures))
    error = None
    try:
        daily.raise_for_failures()
    except (ReconciliationFailed, EventsNotStored) as failure:
        error = str(failure)
    return Report(
        ok=error is None and not result.changes[Change.ACCESS_LOST],
        document={"changes": {str(name): count for name, count in result.changes.items()}, "failures": result.failures},
        listings=tuple(listings),
        error=error,
    )
