"""What a command works with: the registry, the ledger, and the table that tells what was done."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from registry.clients import shared_logs_endpoint, shared_refresher
from registry.events import OPERATOR_EVENT, Event, EventsNotStored, Plan, event_about, store_events
from registry.inventory import Inventory
from registry.notifications.pending_table import PendingTable
from verdicts.exports.remembered import LostRows
from verdicts.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from operations.decision import Decision
    from publisher.logs_endpoint import LogsEndpoint
    from publisher.resource_ids import ApplicationId
    from publisher.settings import ReconcileSettings
    from registry.registry import Registry

_STORING_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Workplace:
    """The clients of one command. Making them asks nothing of Azure."""

    inventory: Inventory
    ledger: Ledger
    lost: LostRows
    pending: PendingTable
    endpoint: LogsEndpoint
    events_stream: str

    @property
    def registry(self) -> Registry:
        """The registry."""
        return self.inventory.registry

    def now(self) -> datetime:
        """Return the present time, in UTC."""
        return self.inventory.refresher.clock()

    async def event(self, application_id: ApplicationId, action: str, decision: Decision) -> Event:
        """Return the row that says what an operator did to an application, by whom and why."""
        return await event_about(
            self.registry,
            application_id,
            event_type=OPERATOR_EVENT,
            action=action,
            at=self.now(),
            person=decision.person,
            reason=decision.reason,
        )

    def plan_event(self, plan: str, version: str, action: str, decision: Decision) -> Event:
        """Return the row that says what an operator decided about a plan version."""
        return Event(
            event_type=OPERATOR_EVENT,
            action=action,
            happened_at=self.now(),
            received_at=self.now(),
            plan=Plan(name=plan, version=version),
            person=decision.person,
            reason=decision.reason,
        )

    async def tell(self, events: Sequence[Event]) -> str | None:
        """Store rows about what was done; return the error when they were not stored, which undoes nothing."""
        deadline = time.monotonic() + _STORING_SECONDS
        try:
            await store_events(events, self.endpoint, self.events_stream, now=self.now(), deadline=deadline)
        except EventsNotStored as failure:
            return f"it is done, but {failure}"
        return None


@asynccontextmanager
async def open_workplace(settings: ReconcileSettings) -> AsyncIterator[Workplace]:
    """Yield a workplace with these settings; raise SettingsError for a certificate that cannot be used."""
    async with (
        shared_refresher(settings) as refresher,
        shared_logs_endpoint(settings) as endpoint,
        Ledger(settings) as ledger,
        PendingTable(settings.storage) as pending,
    ):
        lost = LostRows(settings.storage)
        yield Workplace(Inventory(refresher), ledger, lost, pending, endpoint, settings.events_stream)
