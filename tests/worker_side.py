"""The worker's side of notifications, without a Functions host: messages are taken in, and ARM is asked."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notification_endpoint.notification import parse_notification
from publisher.errors.kinds import NotFound
from publisher.notifications import message_of
from publisher.resource_ids import ApplicationId
from publisher.settings import IntakeSettings, ReconcileSettings
from publisher.table import Row
from registry.managed_application import ManagedApplication
from registry.notifications.asking import Asker, Round
from registry.notifications.bounds import Bounds
from registry.notifications.intake import Intake
from registry.notifications.opening import open_asker, shared_intake
from registry.notifications.pending import Pending
from registry.notifications.pending_table import PendingRow
from registry.registry import Registry
from sandbox.azure.notifications import notification
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer

EVENTS = "ManagedApplicationEvents_CL"


@dataclass(frozen=True)
class Told:
    """What the latest row says about one notification."""

    action: str
    error: str = ""
    reason: str = ""


@dataclass
class WorkerSide:
    """Takes notifications in, asks ARM about what waits, and looks at the registry behind.

    `clock` gives the time, and `passed` is how much later the worker believes it is.
    """

    sandbox: Sandbox
    intake: Intake
    asker: Asker
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    passed: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.intake = replace(self.intake, clock=self.now, bounds=Bounds())
        self.asker = replace(self.asker, refresher=replace(self.asker.refresher, clock=self.now))

    @property
    def registry(self) -> Registry:
        return self.intake.registry

    def now(self) -> datetime:
        return self.clock() + self.passed

    def message(
        self, customer: Customer, event_type: str, state: str, *, at: datetime | None = None, **changes: Any
    ) -> bytes:
        """The message that the webhook makes of a notification."""
        return message_about(customer, event_type, state, happened=at or self.now(), received_at=self.now(), **changes)

    async def take(
        self, customer: Customer, event_type: str, state: str, *, at: datetime | None = None, **changes: Any
    ) -> str:
        """Take a notification in; return its correlation id."""
        message = self.message(customer, event_type, state, at=at, **changes)
        await self.intake.take(message)
        return str(json.loads(message)["correlation_id"])

    async def ask(self, seconds: float = 30) -> Round:
        """Ask ARM about everything that is due."""
        return await self.asker.ask(deadline=time.monotonic() + seconds)

    async def deliver(
        self, customer: Customer, event_type: str, state: str, *, at: datetime | None = None, **changes: Any
    ) -> Told:
        """Take a notification in, ask ARM, and return what became of it."""
        correlation_id = await self.take(customer, event_type, state, at=at, **changes)
        await self.ask()
        return self.told(correlation_id)

    def told(self, correlation_id: str) -> Told:
        rows = self.sandbox.workspace.query(
            f"{EVENTS} | where Correlation_id == '{correlation_id}' | order by TimeGenerated asc"
        )
        return Told(rows[-1]["Registry_action"], rows[-1]["Registry_error"], rows[-1]["Reason"])

    def events(self) -> list[dict[str, Any]]:
        return self.sandbox.workspace.query(f"{EVENTS} | order by TimeGenerated asc")

    async def waiting(self) -> list[Pending]:
        return [row.pending async for row in self.asker.pending.all() if isinstance(row, PendingRow)]

    async def registered(self) -> dict[str, ManagedApplication]:
        try:
            found = [item async for item in self.registry.applications()]
        except NotFound:  # nothing was ever registered
            return {}
        return {str(item.application_id): item for item in found if isinstance(item, ManagedApplication)}

    async def row(self, customer: Customer) -> Row | None:
        return await self.registry.find(ApplicationId.parse(customer.application_id))


def message_about(
    customer: Customer, event_type: str, state: str, *, happened: datetime, received_at: datetime, **changes: Any
) -> bytes:
    """The message that the webhook makes of a notification, in which `changes` are other members of the payload."""
    payload = notification(customer, event_type, state, event_time=happened) | changes
    told = parse_notification(json.dumps(payload).encode(), received_at=received_at, correlation_id=uuid.uuid4().hex)
    return message_of(told).encode()


async def _instantly(_: float) -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def open_worker_side(
    sandbox: Sandbox, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> AsyncIterator[WorkerSide]:
    """The worker of a sandbox whose settings are this process's environment."""
    environment = sandbox.environment
    async with (
        shared_intake(IntakeSettings.from_environment(environment), sleep=_instantly) as intake,
        open_asker(ReconcileSettings.from_environment(environment), sleep=_instantly) as asker,
    ):
        yield WorkerSide(sandbox, intake, asker, clock)


class Lines:
    """The log lines that loggers whose name begins so wrote."""

    def __init__(self, caplog: pytest.LogCaptureFixture, beginning: str) -> None:
        caplog.set_level(logging.INFO)
        self._caplog, self._beginning = caplog, beginning

    def __call__(self) -> list[str]:
        return [record.getMessage() for record in self._caplog.records if record.name.startswith(self._beginning)]

    @property
    def everything(self) -> str:
        return self._caplog.text
