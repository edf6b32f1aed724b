"""The daily job: what the registry and the ledger know is held against what Azure Resource Manager says.

The registry is reconciled. Then come the applications that have vanished: the ledger knows them, the registry does
not, and nobody confirmed that they were deleted. Whoever ARM knows is registered again; whoever ARM says does not exist
gets a tombstone that confirms it, so that what was open about it can end.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import ApplicationId, InvalidResourceId
from publisher.table import RowChanged
from registry.events import RECONCILIATION, EventsNotStored, event_about, store_events
from registry.reconcile import Reconciliation, ReconciliationFailed, reconcile_registry, refresh_each
from registry.refresh import Change
from registry.rows import customer_name_of, is_tombstone
from verdicts.joined import joined
from verdicts.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from publisher.logs_endpoint import LogsEndpoint
    from registry.events import Event
    from registry.refresh import Refresher
    from registry.registry import Registry
    from verdicts.ledger import Ledger, UnreadableEntry

_LOGGER = logging.getLogger(__name__)
_UNREGISTERED: Final = "It was not in the registry, and Azure Resource Manager knows it"
_STORING_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class DailyResult:
    """What the daily job did. `untold` is set when rows that tell of it were not stored."""

    reconciliation: Reconciliation
    untold: EventsNotStored | None = None

    def raise_for_failures(self) -> None:
        """Raise ReconciliationFailed or EventsNotStored when anything failed."""
        try:
            self.reconciliation.raise_for_failures()
        except ReconciliationFailed as failure:
            if self.untold is None:
                raise
            raise ReconciliationFailed(f"{failure}; and {self.untold}") from self.untold
        if self.untold is not None:
            raise self.untold


async def hold_against_azure(
    refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, stream: str, *, deadline: float
) -> DailyResult:
    """Refresh every application that the registry or the ledger knows, and store a row about each that came or went.

    `deadline` is in seconds of `time.monotonic`. The rows are stored after everything else, so that they never keep the
    registry from being right.
    """
    reading_ends = deadline - _STORING_SECONDS
    result = await reconcile_registry(refresher, deadline=reading_ends)
    names: dict[ApplicationId, str] = {}
    await refresh_each(_vanished(refresher.registry, ledger, names), refresher, result, deadline=reading_ends)
    await _name_again(refresher.registry, names, result)
    try:
        events = [await _event(refresher, identity, change) for identity, change in result.told]
        await store_events(events, endpoint, stream, now=refresher.clock(), deadline=deadline)
    except EventsNotStored as untold:
        _LOGGER.error("%s", untold)  # noqa: TRY400 - the message says it all
        return DailyResult(result, untold)
    return DailyResult(result)


async def _vanished(
    registry: Registry, ledger: Ledger, names: dict[ApplicationId, str]
) -> AsyncIterator[ApplicationId]:
    """Yield the applications that the ledger knows, the registry does not, and nobody confirmed as deleted.

    `names` gets what the operator called the customers of those whose row was lost.
    """
    async for pair in joined(registry, ledger):
        if pair.entry is None or pair.application is not None or (pair.removal and pair.removal.confirmed):
            continue
        identity = _identity_of(pair.entry)
        if identity is None:
            continue
        if pair.removal is None and isinstance(pair.entry, Entry):
            names[identity] = pair.entry.facts.customer_name
        yield identity


async def _name_again(registry: Registry, names: dict[ApplicationId, str], result: Reconciliation) -> None:
    """Give customers the name that the ledger remembers, whose lost row the reconciliation made again without one."""
    for identity, change in result.told:
        name = names.get(identity, "")
        if change is not Change.REGISTERED or name in {"", identity.subscription_id}:
            continue
        try:
            row = await registry.find(identity)
            if row is not None and not is_tombstone(row) and not customer_name_of(row):
                await registry.name_customer(row, name)
        except (AzureFailure, RowChanged) as failure:
            result.failures[str(identity)] = f"it is registered again, without the customer's name {name}: {failure}"


def _identity_of(entry: Entry | UnreadableEntry) -> ApplicationId | None:
    text = entry.facts.application_id if isinstance(entry, Entry) else entry.application_id
    try:
        return ApplicationId.parse(text)
    except InvalidResourceId:
        return None  # the collection names the row as unreadable


async def _event(refresher: Refresher, identity: ApplicationId, change: Change) -> Event:
    reason = _UNREGISTERED if change is Change.REGISTERED else ""
    return await event_about(
        refresher.registry,
        identity,
        event_type=RECONCILIATION,
        action=str(change),
        at=refresher.clock(),
        reason=reason,
    )
