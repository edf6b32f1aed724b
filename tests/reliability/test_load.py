"""All customers upgraded at once: the webhook under a burst, in the Functions host, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import pytest

from publisher.resource_ids import ApplicationId, ResourceGroupId
from publisher.settings import ReconcileSettings
from registry.managed_application import ManagedApplication
from registry.registry import Registry
from sandbox.azure.notifications import notification
from sandbox.functions.process import ANSWER_TIMEOUT_SECONDS, FunctionsProcess
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer

IN_FLIGHT = 100
MOST_REPEATS = 5
NEW_VERSION = "2.0.0"


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
    with FunctionsProcess(sandbox.environment) as host:
        await burst.send(host, sandbox.notification_signature, bodies)
    registered = await _registered(sandbox)
    assert registered == {one.application_id: NEW_VERSION for one in customers}, "none lost, none wrong"
    (told,) = sandbox.workspace.query("ManagedApplicationEvents_CL | summarize Events = dcount(Event_id)")
    assert told["Events"] == number
    return burst


async def test_a_burst_of_upgrades_loses_none(sandbox: Sandbox, environment: dict[str, str]) -> None:
    await _burst(sandbox, 200)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_five_thousand_upgrades_at_once_lose_none(sandbox: Sandbox, environment: dict[str, str]) -> None:
    burst = await _burst(sandbox, 5000)
    print(f"\n{burst.figures()}")  # noqa: T201 - the figure for docs/reliability.md


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
