"""Plays one cell of the webhook's fault matrix: four notifications under one fault, and again when it is over."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from notification_endpoint.endpoint import answer_notification
from publisher.resource_ids import ApplicationId, ResourceGroupId
from publisher.settings import ReconcileSettings
from publisher.transport import longest_silence
from registry.clients import shared_refresher
from registry.managed_application import ManagedApplication
from registry.reconcile import reconcile_registry
from registry.registry import Registry
from sandbox.azure.notifications import notification
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.reliability.collector_faults import OF_A_SERVICE
from tests.reliability.secrets_watch import MARKER
from tests.reliability.webhook_faults import DEPENDENCIES

PATIENCE_SECONDS = 0.8
SITUATIONS = ("new", "changed", "left", "forged")
"""A new customer; one with a new version; one who left; and one who lives, whose deletion somebody else tells."""


async def instantly(_: float) -> None:
    """Waits between two attempts without any time passing."""
    await asyncio.sleep(0)


@dataclass
class Delivery:
    """One notification about one customer, as Azure sends it again and again until it is answered with 200."""

    customer: Customer
    event_type: str
    state: str
    happened: datetime

    async def send(self, sandbox: Sandbox) -> str:
        """The answer's status, and for a 200 what was done."""
        body = notification(self.customer, self.event_type, self.state, event_time=self.happened)
        answer = await answer_notification(
            json.dumps(body).encode(),
            sandbox.notification_signature,
            sandbox.environment,
            sleep=instantly,
        )
        assert set(json.loads(answer.body)) <= {"title", "status", "detail", "result", "correlationId"}
        return f"{answer.status.value} {answer.detail}" if answer.status == 200 else str(answer.status.value)


@dataclass
class Played:
    """What four notifications under a fault left behind."""

    answers: dict[str, str]
    seconds: float
    registered: dict[str, str]
    repeated: dict[str, str]
    registered_at_last: dict[str, str]
    truth: dict[str, str]
    customers: dict[str, Customer]
    needed_reconciliation: bool
    events: list[dict[str, Any]]


async def play(sandbox: Sandbox, dependency: str, fault: str) -> Played:
    """Deliver under a fault, then end it and deliver what was refused again, as Azure does; reconcile if needed."""
    settings = ReconcileSettings.from_environment(sandbox.environment)
    customers = {situation: sandbox.arm.add_customer(situation) for situation in SITUATIONS}
    async with Registry(settings) as registry:
        for situation in SITUATIONS[1:]:
            await registry.save(_known(customers[situation]), None)
    for customer in customers.values():
        customer.usage_id = MARKER
    customers["changed"].upgrade("2.0.0")
    customers["left"].delete()
    happened = datetime.now(UTC)
    deliveries = {
        situation: Delivery(customers[situation], *kind, happened)
        for situation, kind in {
            "new": ("PUT", "Succeeded"),
            "changed": ("PUT", "Succeeded"),
            "left": ("DELETE", "Deleted"),
            "forged": ("DELETE", "Deleted"),
        }.items()
    }
    it = DEPENDENCIES[dependency]
    started = time.monotonic()
    with ExitStack() as back, longest_silence(PATIENCE_SECONDS) if fault == "time-out" else nullcontext():
        if fault in OF_A_SERVICE and it.whole:
            back.enter_context(OF_A_SERVICE[fault](sandbox, it.whole))
        else:
            for operation in it.operations:
                sandbox.faults.add(operation, it.faults[fault])
        answers = await _send(deliveries, sandbox)
    seconds = time.monotonic() - started
    sandbox.faults.clear()
    registered = await _registered(settings)
    repeated = await _send(
        {name: delivery for name, delivery in deliveries.items() if not answers[name].startswith("200")}, sandbox
    )
    truth = {one.application_id: one.plan.version for one in customers.values() if not one.deleted}
    at_last = await _registered(settings)
    needed = at_last != truth
    if needed:
        async with shared_refresher(settings) as refresher:
            await reconcile_registry(refresher, deadline=time.monotonic() + 30)
        at_last = await _registered(settings)
    events = sandbox.workspace.query("ManagedApplicationEvents_CL | order by Received_at asc")
    return Played(answers, seconds, registered, repeated, at_last, truth, customers, needed, events)


async def _send(deliveries: dict[str, Delivery], sandbox: Sandbox) -> dict[str, str]:
    answers = await asyncio.gather(*(delivery.send(sandbox) for delivery in deliveries.values()))
    return dict(zip(deliveries, answers, strict=True))


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
