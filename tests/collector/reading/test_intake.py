"""Back-pressure: what is on its way is bounded by the settings and by what can be worked on, not by the fleet."""

import asyncio

from collector.reading.intake import FEWEST_PAGES, MOST_BYTES, Intake
from sandbox.services import Service
from sandbox.world.customers import BulkStates
from tests.collector.conftest import Fleet


class Pages:
    """Asks for pages as many readers do, and counts those on their way."""

    def __init__(self, most: int) -> None:
        self.intake = Intake(most)
        self.on_their_way = self.peak = 0

    async def fetch(self, seconds_on_the_way: int, seconds_of_work: int, *, size: int = 1000) -> None:
        """One page; a second is a turn of the event loop."""
        async with self.intake.page() as page:
            await page.let_in()
            self.on_their_way += 1
            self.peak = max(self.peak, self.on_their_way)
            await self.turns(seconds_on_the_way)
            page.size = size
            with self.intake.desk() as place:
                await place.take()
                await self.turns(seconds_of_work)
            self.on_their_way -= 1

    @staticmethod
    async def turns(count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)


async def test_all_places_ask_at_once_when_answers_are_slow_to_come() -> None:
    pages = Pages(32)

    await asyncio.gather(*(pages.fetch(200, 1) for _ in range(300)))

    assert pages.peak == 32


async def test_pages_do_not_pile_up_when_they_come_faster_than_they_are_worked_on() -> None:
    pages = Pages(32)

    await asyncio.gather(*(pages.fetch(1, 10) for _ in range(300)))

    assert pages.peak <= FEWEST_PAGES + 3


async def test_a_setting_below_the_fewest_counts() -> None:
    pages = Pages(2)

    await asyncio.gather(*(pages.fetch(5, 5) for _ in range(20)))

    assert pages.peak == 2


async def test_whoever_is_cancelled_on_the_way_gives_the_place_back() -> None:
    pages = Pages(3)
    for turns in range(1, 30):
        tasks = [asyncio.create_task(pages.fetch(5, 5)) for _ in range(9)]
        await pages.turns(turns)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    pages.on_their_way = pages.peak = 0

    async with asyncio.timeout(10):
        await asyncio.gather(*(pages.fetch(5, 5) for _ in range(30)))

    assert pages.peak <= 3


async def test_of_large_pages_fewer_are_asked_for_and_of_small_ones_all_again() -> None:
    pages = Pages(32)

    await asyncio.gather(*(pages.fetch(200, 1, size=5_000_000) for _ in range(60)))
    large, pages.peak = pages.peak, 0
    await asyncio.gather(*(pages.fetch(200, 1, size=100_000) for _ in range(900)))

    assert large <= MOST_BYTES / 5_000_000
    assert pages.peak == 32


async def test_a_page_is_parsed_when_the_rows_of_the_one_before_are_queued() -> None:
    """However long they wait for room, and also when both are of one application."""
    intake = Intake(32)
    with intake.desk() as first, intake.desk() as second:
        await first.take()
        waiting = [asyncio.create_task(place.take()) for place in (second, first)]
        await Pages.turns(50)
        assert not any(one.done() for one in waiting)

        first.leave()
        await waiting[0]
        first.leave()  # it has left already
        await Pages.turns(50)
        assert not waiting[1].done()

        second.leave()
        await waiting[1]


async def test_whoever_gives_up_frees_the_desk() -> None:
    intake = Intake(32)
    with intake.desk() as place:
        await place.take()

    with intake.desk() as place:
        async with asyncio.timeout(10):
            await place.take()


async def test_reading_waits_for_uploading(fleet: Fleet) -> None:
    """Forty thousand states are waiting at Azure; only as many are read as fit into the chunks under way."""
    await fleet.deploy(*(f"Customer {number}" for number in range(40)), bulk=BulkStates(1000), foreign=False)
    fleet.sandbox.set_latency(Service.LOGS_INGESTION, 1.5)
    requests = fleet.sandbox.requests

    collecting = asyncio.create_task(fleet.collect(max_concurrent_applications=4))
    async with asyncio.timeout(30):
        while not requests.count(Service.LOGS_INGESTION):
            await asyncio.sleep(0.01)
    read_before_the_first_upload_was_through = requests.count(Service.RESOURCE_MANAGER)
    fleet.sandbox.set_latency(Service.LOGS_INGESTION, 0)
    await collecting

    assert read_before_the_first_upload_was_through <= 16
    assert len(fleet.results) == 40
