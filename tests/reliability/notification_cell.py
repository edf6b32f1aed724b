"""Plays one cell of the notifications' fault matrix: four messages under one fault, and again when it is over."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import ApplicationId, ResourceGroupId
from publisher.settings import IntakeSettings, ReconcileSettings
from publisher.transport import longest_silence
from registry.clients import shared_refresher
from registry.managed_application import ManagedApplication
from registry.notifications.bounds import Bounds
from registry.notifications.opening import open_asker, shared_intake
from registry.reconcile import reconcile_registry
from registry.registry import Registry
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.reliability.collector_faults import OF_A_SERVICE
from tests.reliability.notification_faults import DEPENDENCIES
from tests.reliability.secrets_watch import MARKER
from tests.worker_side import EVENTS, message_about

PATIENCE_SECONDS = 0.8
SITUATIONS = ("new", "changed", "left", "forged")
"""A new customer; one with a new version; one who left; and one who lives, whose deletion somebody else tells."""

AGAIN = "delivered again"
WAITS = "waits"
KINDS = {
    "new": ("PUT", "Succeeded"),
    "changed": ("PUT", "Succeeded"),
    "left": ("DELETE", "Deleted"),
    "forged": ("DELETE", "Deleted"),
}


async def instantly(_: float) -> None:
    """Waits between two attempts without any time passing."""
    await asyncio.sleep(0)


@dataclass
class Played:
    """What four notifications under a fault left behind."""

    outcomes: dict[str, str]
    seconds: float
    registered: dict[str, str]
    still_waiting: int
    registered_at_last: dict[str, str]
    truth: dict[str, str]
    customers: dict[str, Customer]
    needed_reconciliation: bool
    events: list[dict[str, Any]]


async def play(sandbox: Sandbox, dependency: str, fault: str) -> Played:
    """Deliver and ask under a fault, then end it, deliver again and ask an hour later; reconcile if needed."""
    settings = ReconcileSettings.from_environment(sandbox.environment)
    customers = {situation: sandbox.arm.add_customer(situation) for situation in SITUATIONS}
    async with Registry(settings) as registry:
        for situation in SITUATIONS[1:]:
            await registry.save(_known(customers[situation]), None)
    for customer in customers.values():
        customer.usage_id = MARKER
    customers["changed"].upgrade("2.0.0")
    customers["left"].delete()
    now = datetime.now(UTC)
    messages = {
        situation: message_about(customers[situation], *KINDS[situation], happened=now, received_at=now)
        for situation in SITUATIONS
    }
    it = DEPENDENCIES[dependency]
    started = time.monotonic()
    with ExitStack() as back, longest_silence(PATIENCE_SECONDS) if fault == "time-out" else nullcontext():
        if fault in OF_A_SERVICE and it.whole:
            back.enter_context(OF_A_SERVICE[fault](sandbox, it.whole))
        else:
            for operation in it.operations:
                sandbox.faults.add(operation, it.faults[fault])
        refused = await _take(messages, sandbox)
        await _ask(settings)
    seconds = time.monotonic() - started
    sandbox.faults.clear()
    registered = await _registered(settings)
    outcomes = {name: AGAIN if name in refused else _outcome(sandbox, customers[name]) for name in SITUATIONS}
    assert await _take({name: messages[name] for name in refused}, sandbox) == set()
    still_waiting = await _ask(settings, later=timedelta(hours=1))
    truth = {one.application_id: one.plan.version for one in customers.values() if not one.deleted}
    at_last = await _registered(settings)
    needed = at_last != truth
    if needed:
        async with shared_refresher(settings) as refresher:
            await reconcile_registry(refresher, deadline=time.monotonic() + 30)
        at_last = await _registered(settings)
    events = sandbox.workspace.query(f"{EVENTS} | order by TimeGenerated asc")
    return Played(outcomes, seconds, registered, still_waiting, at_last, truth, customers, needed, events)


async def _take(messages: dict[str, bytes], sandbox: Sandbox) -> set[str]:
    """Take messages in, and return those that the queue has to deliver again."""
    refused = set[str]()
    async with shared_intake(IntakeSettings.from_environment(sandbox.environment), sleep=instantly) as opened:
        intake = replace(opened, bounds=Bounds())

        async def take(name: str, message: bytes) -> None:
            try:
                await intake.take(message)
            except AzureFailure:
                refused.add(name)

        await asyncio.gather(*(take(name, message) for name, message in messages.items()))
    return refused


async def _ask(settings: ReconcileSettings, *, later: timedelta = timedelta()) -> int:
    """Ask about what is due so much later; return how many applications wait after that, -1 when nobody can tell."""
    async with open_asker(settings, sleep=instantly) as opened:
        asker = replace(opened, refresher=replace(opened.refresher, clock=lambda: datetime.now(UTC) + later))
        try:
            await asker.ask(deadline=time.monotonic() + 50)
            return len([row async for row in asker.pending.all()])
        except AzureFailure:
            return -1


def _outcome(sandbox: Sandbox, customer: Customer) -> str:
    """What the latest row says, `waits` for one that is pending."""
    rows = sandbox.workspace.query(
        f"{EVENTS} | where Application_id =~ '{customer.application_id}' | order by TimeGenerated asc"
    )
    action = str(rows[-1]["Registry_action"])
    return WAITS if action == "Pending" else action


async def _registered(settings: ReconcileSettings) -> dict[str, str]:
    async with Registry(settings) as registry:
        found = [item async for item in registry.applications()]
    return {str(item.application_id): getattr(item, "plan_version", "") for item in found}


def _known(customer: Customer) -> ManagedApplication:
    identity = ApplicationId.parse(customer.application_id)
    return ManagedApplication(
        identity,
        ResourceGroupId.parse(customer.managed_resource_group_id),
        identity.subscription_id,
        plan_name=customer.plan.name,
        plan_version=customer.plan.version,
    )
