"""Uploads of rows with times of their own: no request holds rows that are further apart than Azure takes."""

import asyncio
import gzip
from datetime import UTC, datetime, timedelta

import orjson

from collector.reporting.ingestion import LONGEST_TIME_RANGE, StreamUploader

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
