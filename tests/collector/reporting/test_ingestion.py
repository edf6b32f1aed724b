"""Uploads of rows with times of their own: no request holds rows that are further apart than Azure takes."""

import asyncio
import gzip
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from collector.reporting.ingestion import LONGEST_TIME_RANGE, StreamUploader
from collector.reporting.serialised import CHUNK_LIMIT_BYTES

START = datetime(2026, 3, 2, tzinfo=UTC)


class Bodies:
    """An ingestion endpoint that keeps what it gets."""

    def __init__(self) -> None:
        self.requests: list[list[int]] = []

    async def upload(self, stream: str, body: bytes) -> None:
        self.requests.append(orjson.loads(gzip.decompress(body)))


def requests_of(*minutes: int) -> list[list[int]]:
    """The rows of each request, when a row is made at each of these minutes; the row is the minute."""
    endpoint = Bodies()

    async def upload() -> None:
        async with asyncio.TaskGroup() as tasks:
            uploader = StreamUploader(endpoint, "stream", tasks, 1)
            for minute in minutes:
                uploader.add_made_at([str(minute).encode()], START + timedelta(minutes=minute))
                uploader.add_made_at([], START)
            await uploader.flush()
        assert uploader.uploaded_rows == len(minutes)

    asyncio.run(upload())
    return sorted(endpoint.requests)


def test_rows_of_one_time_go_together() -> None:
    assert requests_of(0, 5, 25, 1) == [[0, 5, 25, 1]]


def test_rows_that_are_too_far_apart_go_in_requests_of_their_own() -> None:
    assert requests_of(0, 20, 26, 40, 30, 0) == [[0], [0, 20], [26, 40, 30]]
    assert timedelta(minutes=30) > LONGEST_TIME_RANGE


def test_nothing_is_sent_without_rows() -> None:
    assert requests_of() == []


class SlowBodies(Bodies):
    """An ingestion endpoint that lets an upload wait until it is told to take it."""

    def __init__(self) -> None:
        super().__init__()
        self.may_take = asyncio.Event()

    async def upload(self, stream: str, body: bytes) -> None:
        await self.may_take.wait()
        await super().upload(stream, body)


def test_whoever_waits_for_room_gets_it_in_turn_and_no_more_is_queued_than_there_is_room_for() -> None:
    """Forty pages, of half a request each, wait for an endpoint that takes nothing yet."""
    endpoint, in_flight, order = SlowBodies(), 2, list[int]()
    row = b'"' + b"x" * (CHUNK_LIMIT_BYTES // 2 + 1) + b'"'  # the second one begins another request

    async def upload() -> int:
        async with asyncio.TaskGroup() as tasks:
            uploader = StreamUploader(endpoint, "stream", tasks, in_flight)

            async def page(number: int) -> None:
                await uploader.room()
                order.append(number)
                uploader.add([row])

            pages = [tasks.create_task(page(number)) for number in range(40)]
            await asyncio.sleep(0.5)
            queued = len(order)
            endpoint.may_take.set()
            await asyncio.gather(*pages)
            await uploader.flush()
        return queued

    queued = asyncio.run(upload())

    assert order == list(range(40))
    assert queued <= 2 * in_flight + 1
    assert len(endpoint.requests) == 40


def test_rows_are_sent_after_a_while_although_the_request_is_not_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small application is settled when its rows are stored: it must not wait for a large one to fill the request."""
    monkeypatch.setattr("collector.reporting.ingestion.LONGEST_WAIT", 0.01)
    endpoint = Bodies()

    async def upload() -> None:
        async with asyncio.TaskGroup() as tasks:
            uploader = StreamUploader(endpoint, "stream", tasks, 1)
            for number in range(2):
                uploader.add([str(number).encode()])
                while len(endpoint.requests) <= number:
                    await asyncio.sleep(0.01)
            await uploader.flush()

    asyncio.run(upload())
    assert endpoint.requests == [[0], [1]]


def test_nothing_is_sent_after_the_run_was_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.reporting.ingestion.LONGEST_WAIT", 0.01)
    endpoint = Bodies()

    async def upload() -> None:
        async with asyncio.TaskGroup() as tasks:
            StreamUploader(endpoint, "stream", tasks, 1).add([b"1"])
            raise asyncio.CancelledError

    async def cancelled() -> None:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(upload())
        await asyncio.sleep(0.05)

    asyncio.run(cancelled())
    assert endpoint.requests == []
