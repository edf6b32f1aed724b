"""A fleet behind small token buckets: nobody is lost, hardly a call is wasted, and nobody waits for somebody else."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sandbox.azure.throttling import Throttle
from sandbox.faults.effects import Status
from sandbox.faults.operations import PolicyQuery
from sandbox.services import Service
from tests.collector.conftest import Fleet

SUBSCRIPTION = "33333333-3333-4333-8333-333333333333"


class PassingTime:
    """Waits of the collector, and the clock of Azure's buckets: whoever waits least long goes on after a moment."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, int, asyncio.Event]] = []
        self._order = itertools.count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        over = asyncio.Event()
        heapq.heappush(self._waiting, (self.now + seconds, next(self._order), over))
        await over.wait()

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        async def pass_on() -> None:
            while True:
                await asyncio.sleep(0.005)  # long enough for the calls that are under way
                if self._waiting:
                    moment, _, over = heapq.heappop(self._waiting)
                    self.now = max(self.now, moment)
                    over.set()

        passing = asyncio.create_task(pass_on())
        try:
            yield
        finally:
            passing.cancel()


@pytest.fixture
def time(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    time = PassingTime()
    monkeypatch.setattr(fleet.sandbox.arm, "throttle", Throttle(time))
    return time


@pytest.mark.parametrize(("capacity", "refill"), [(5, 2.0), (20, 10.0)])
async def test_a_fleet_behind_a_small_bucket_loses_no_application_and_wastes_hardly_a_call(
    fleet: Fleet, time: PassingTime, capacity: int, refill: float
) -> None:
    await fleet.deploy_many(60, per_subscription=20)
    fleet.sandbox.arm.page_size = 2
    fleet.sandbox.arm.throttle.limit(capacity, refill)

    async with time.passing():
        summary = await fleet.collect(time_limit=600, sleep=time.sleep)

    assert summary.outcomes == {"Succeeded": 60}
    calls = fleet.sandbox.requests.count(Service.RESOURCE_MANAGER)
    assert calls >= 120
    assert fleet.sandbox.requests.count(Service.RESOURCE_MANAGER, 429) < 0.05 * calls


async def test_one_throttled_customer_slows_nobody_else(fleet: Fleet, time: PassingTime) -> None:
    throttled = await fleet.deploy(*(f"Throttled {n}" for n in range(12)), subscription_id=SUBSCRIPTION, foreign=False)
    others = await fleet.deploy_many(40)
    for customer in throttled:
        fleet.sandbox.faults.add(PolicyQuery(customer), Status(429, retry_after=120), times=1)

    async with time.passing():
        summary = await fleet.collect(time_limit=3600, sleep=time.sleep, max_concurrent_applications=4)

    assert summary.outcomes == {"Succeeded": 52}
    order = list(fleet.results)
    last_of_others = max(order.index(customer.application_id) for customer in others)
    assert sum(order.index(customer.application_id) < last_of_others for customer in throttled) == 0


async def test_nobody_knocks_while_the_subscription_is_told_to_wait(fleet: Fleet) -> None:
    customers = await fleet.deploy(*(f"Throttled {n}" for n in range(8)), subscription_id=SUBSCRIPTION)
    for customer in customers:
        fleet.sandbox.faults.add(PolicyQuery(customer), Status(429, retry_after=3600))

    summary = await fleet.collect()

    assert summary.outcomes == {"Throttled": 8}
    assert fleet.sandbox.requests.count(Service.RESOURCE_MANAGER) == 1
