"""Answers are kept for a short while, and asked for once however many people want them."""

import asyncio
from datetime import timedelta

import pytest

from compliance_api.workspace.cache import Cache
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.compliance_api.conftest import Api
from tests.queries.fleet import Fleet, good


class Source:
    """Counts how often it was asked; fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.asked = 0
        self._failures = failures

    async def fetch(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        if self.asked <= self._failures:
            raise ValueError("no answer")
        return self.asked


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def cache(now: list[float]) -> Cache:
    return Cache(timedelta(seconds=60), clock=lambda: now[0])


async def test_a_value_is_fetched_again_when_its_time_is_over(cache: Cache, now: list[float]) -> None:
    source = Source()

    found = []
    for now[0] in (0, 59, 60, 100, 120):
        found.append(await cache.get("key", source.fetch))

    assert found == [1, 1, 2, 2, 3]


async def test_many_who_ask_at_once_ask_once(cache: Cache) -> None:
    source = Source()

    assert await asyncio.gather(*(cache.get("key", source.fetch) for _ in range(50))) == [1] * 50


async def test_a_failure_is_everybody_s_who_waited_and_nobody_s_afterwards(cache: Cache) -> None:
    source = Source(failures=1)

    outcomes = await asyncio.gather(*(cache.get("key", source.fetch) for _ in range(3)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [ValueError] * 3
    assert await cache.get("key", source.fetch) == 2


async def test_somebody_who_hangs_up_does_not_take_the_answer_away(cache: Cache) -> None:
    source = Source()
    first = asyncio.ensure_future(cache.get("key", source.fetch))
    second = asyncio.ensure_future(cache.get("key", source.fetch))
    await asyncio.sleep(0)

    first.cancel()

    assert await second == 1


async def test_only_so_many_values_are_kept(cache: Cache) -> None:
    source = Source()
    for key in range(40):
        await cache.get(key, source.fetch)
        await cache.get(0, source.fetch)

    await cache.get(0, source.fetch)
    await cache.get(39, source.fetch)
    assert source.asked == 40
    await cache.get(1, source.fetch)
    assert source.asked == 41


async def test_a_page_full_of_people_is_no_storm_of_queries(api: Api, fleet: Fleet, sandbox: Sandbox) -> None:
    fleet.run(alpha=[good()])
    sandbox.requests.clear()
    paths = ("compliance", "compliance/applications", "compliance/history", "compliance/runs")

    replies = await asyncio.gather(*(api.get(path) for path in paths for _ in range(25)))

    assert {reply.status for reply in replies} == {200}
    assert sandbox.requests.count(Service.LOG_ANALYTICS) == len(["latest run", "applications", "history", "runs"])
