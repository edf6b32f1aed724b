"""All customers upgraded at once, and outages of hours: front, queue and worker lose nothing and do nothing twice."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from publisher.errors.kinds import AzureFailure
from publisher.notifications import NOTIFICATIONS_QUEUE
from publisher.queue import Queue
from publisher.resource_ids import ApplicationId, ResourceGroupId
from publisher.retry import USUAL_PATIENCE
from publisher.settings import IntakeSettings, ReconcileSettings
from registry.managed_application import ManagedApplication
from registry.notifications.pending_table import PendingTable
from registry.registry import Registry
from sandbox.azure.notifications import notification
from sandbox.faults.effects import Status
from sandbox.faults.operations import ApplicationRead, Operation, QueueRequest, TableRequest
from sandbox.functions.process import ANSWER_TIMEOUT_SECONDS, FunctionsProcess
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.worker_side import EVENTS, WorkerSide, open_worker_side

IN_FLIGHT = 100
MOST_REPEATS = 5
NEW_VERSION = "2.0.0"
QUICK = {"AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.2"}


@dataclass
class Burst:
    """Notifications sent at once, and how they were answered; what is not 200 is sent again, as Azure does."""

    seconds: list[float] = field(default_factory=list)
    repeated: int = 0
    wall: float = 0.0

    async def send(self, host: FunctionsProcess, signature: str, bodies: list[bytes]) -> None:
        places = asyncio.Semaphore(IN_FLIGHT)
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECONDS)
        query = {"code": host.function_key, "sig": signature}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

            async def deliver(body: bytes) -> None:
                for _ in range(MOST_REPEATS):
                    async with places:
                        started = time.monotonic()
                        async with session.post(f"{host.url}/api/resource", params=query, data=body) as answer:
                            await answer.read()
                        self.seconds.append(time.monotonic() - started)
                    assert answer.status in {200, 503}
                    if answer.status == 200:
                        return
                    self.repeated += 1
                raise AssertionError("still refused")

            started = time.monotonic()
            await asyncio.gather(*(deliver(body) for body in bodies))
            self.wall = time.monotonic() - started

    def figures(self) -> str:
        cuts = statistics.quantiles(self.seconds, n=100)
        answers = len(self.seconds)
        return (
            f"{answers} notifications, {IN_FLIGHT} in flight: {answers / self.wall:.0f}/s, median {cuts[49]:.2f} s, "
            f"p99 {cuts[98]:.2f} s, {self.repeated} repeated"
        )


async def _burst(sandbox: Sandbox, number: int) -> Burst:
    customers = [sandbox.arm.add_customer(f"customer {one}", foreign=False) for one in range(number)]
    await _register(sandbox, customers)
    for customer in customers:
        customer.upgrade(NEW_VERSION)
    now = datetime.now(UTC)
    bodies = [json.dumps(notification(one, "PUT", "Succeeded", event_time=now)).encode() for one in customers]
    burst = Burst()
    with FunctionsProcess(sandbox.environment | QUICK) as host:
        await burst.send(host, sandbox.notification_signature, bodies)
        while await _untaken(sandbox):
            await asyncio.sleep(0.2)
        assert await _pending(sandbox) == number
        while await _pending(sandbox):
            assert host.run_timer("ask_about_pending") is None
    assert await _registered(sandbox) == {one.application_id: NEW_VERSION for one in customers}, "none lost, none wrong"
    _assert_told_once(sandbox, number, "Updated")
    return burst


async def test_a_burst_of_upgrades_loses_none(sandbox: Sandbox, environment: dict[str, str]) -> None:
    await _burst(sandbox, IN_FLIGHT)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_five_thousand_upgrades_at_once_lose_none(sandbox: Sandbox, environment: dict[str, str]) -> None:
    burst = await _burst(sandbox, 5000)
    print(f"\n{burst.figures()}")  # noqa: T201 - the figure for docs/reliability.md


async def test_deployments_told_while_arm_and_then_the_registry_are_down_are_all_registered(
    sandbox: Sandbox, environment: dict[str, str]
) -> None:
    await _outage(sandbox, 50)


@pytest.mark.long
@pytest.mark.timeout(3000)
async def test_ten_thousand_deployments_told_during_two_hours_of_outage_are_all_registered(
    sandbox: Sandbox, environment: dict[str, str]
) -> None:
    started = time.monotonic()
    rounds = await _outage(sandbox, 10_000)
    # The figure for docs/reliability.md:
    print(f"\n10,000 deployments, registered by {rounds} rounds, {time.monotonic() - started:.0f} s")  # noqa: T201


async def _outage(sandbox: Sandbox, number: int) -> int:
    """Let customers deploy in an hour without ARM and the hour without storage that follows; return rounds of asking."""
    customers = [sandbox.arm.add_customer(f"customer {one}", foreign=False) for one in range(number)]
    async with open_worker_side(sandbox) as worker:
        messages = [worker.message(customer, "PUT", "Succeeded") for customer in customers]
        untaken = await _hour(worker, messages[: number // 2], ApplicationRead())
        assert untaken == [], "messages are taken whatever ARM does"
        untaken = await _hour(worker, messages[number // 2 :], TableRequest(), QueueRequest())
        assert len(untaken) == number - number // 2, "the queue keeps them"
        await _take(worker, untaken)
        rounds = 0
        while await worker.waiting():
            worker.passed += timedelta(minutes=1)
            await worker.ask(seconds=50)
            rounds += 1
    assert await _registered(sandbox) == {one.application_id: "1.0.0" for one in customers}, "none lost, none wrong"
    _assert_told_once(sandbox, number, "Registered")
    return rounds


async def _hour(worker: WorkerSide, messages: list[bytes], *down: Operation) -> list[bytes]:
    """Deliver messages while something is down for an hour; return those that were not taken."""
    for operation in down:
        worker.sandbox.faults.add(operation, Status(503, retry_after=0))
    untaken = await _take(worker, messages)
    for _ in range(60):
        worker.passed += timedelta(minutes=1)
        with suppress(AzureFailure):
            await worker.ask(seconds=50)
    worker.sandbox.faults.clear()
    return untaken


async def _take(worker: WorkerSide, messages: list[bytes]) -> list[bytes]:
    """Take messages in, and return those that the queue has to deliver again."""
    untaken, places = list[bytes](), asyncio.Semaphore(IN_FLIGHT)

    async def take(message: bytes) -> None:
        async with places:
            try:
                await worker.intake.take(message)
            except AzureFailure:
                untaken.append(message)

    await asyncio.gather(*(take(message) for message in messages))
    return untaken


def _assert_told_once(sandbox: Sandbox, number: int, action: str) -> None:
    [told] = sandbox.workspace.query(
        f"{EVENTS} | where Registry_action == '{action}' | summarize Rows = count(), Events = dcount(Event_id)"
    )
    assert told == {"Rows": number, "Events": number}, "none double"


async def _untaken(sandbox: Sandbox) -> int:
    settings = IntakeSettings.from_environment(sandbox.environment)
    async with Queue(settings.storage, NOTIFICATIONS_QUEUE, patience=USUAL_PATIENCE) as queue:
        return await queue.length()


async def _pending(sandbox: Sandbox) -> int:
    settings = IntakeSettings.from_environment(sandbox.environment)
    async with PendingTable(settings.storage) as pending:
        return len([row async for row in pending.all()])


async def _register(sandbox: Sandbox, customers: list[Customer]) -> None:
    settings = ReconcileSettings.from_environment(sandbox.environment)
    places = asyncio.Semaphore(16)
    async with Registry(settings) as registry:

        async def save(customer: Customer) -> None:
            identity = ApplicationId.parse(customer.application_id)
            group = ResourceGroupId.parse(customer.managed_resource_group_id)
            async with places:
                await registry.save(
                    ManagedApplication(identity, group, identity.subscription_id, plan_version=customer.plan.version),
                    None,
                )

        await asyncio.gather(*(save(customer) for customer in customers))


async def _registered(sandbox: Sandbox) -> dict[str, str]:
    settings = ReconcileSettings.from_environment(sandbox.environment)
    async with Registry(settings) as registry:
        found = [item async for item in registry.applications()]
    return {str(item.application_id): getattr(item, "plan_version", "") for item in found}
