"""Requests at the same time share uploads of their audit rows, and each knows what became of its own."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from compliance_api.trail.batches import MOST_IN_FLIGHT, MOST_ROWS, Batches
from publisher.audit.row import AuditRow
from publisher.audit.store import NotRecorded
from sandbox.local_azure import Sandbox
from sandbox.roles import AUDIT_TABLE
from tests.compliance_api.conftest import Api
from tests.queries.fleet import Fleet, good


def row(name: str = "") -> AuditRow:
    return AuditRow(began=datetime.now(UTC), kind="request", outcome="answered", correlation_id=name)


class Uploads:
    """Takes rows as the endpoint would; `refuses` names a row that spoils its upload."""

    def __init__(self, refuses: str = "", seconds: float = 0.01) -> None:
        self.sizes: list[int] = []
        self.most_at_once = self._now = 0
        self._refuses, self._seconds = refuses, seconds

    async def send(self, rows: Sequence[AuditRow]) -> None:
        self.sizes.append(len(rows))
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(self._seconds)
        self._now -= 1
        if self._refuses and any(one.correlation_id == self._refuses for one in rows):
            raise NotRecorded("the endpoint said no")


async def test_a_storm_of_requests_is_few_uploads_and_no_row_is_lost() -> None:
    uploads = Uploads()
    batches = Batches(uploads.send)

    await asyncio.gather(*(batches.store([row()], seconds=5) for _ in range(1000)))

    assert sum(uploads.sizes) == 1000
    assert len(uploads.sizes) <= MOST_IN_FLIGHT + 1000 // MOST_ROWS + 1
    assert (max(uploads.sizes), uploads.most_at_once) == (MOST_ROWS, MOST_IN_FLIGHT)


async def test_a_row_alone_waits_for_nobody() -> None:
    uploads = Uploads()
    batches = Batches(uploads.send)
    for _ in range(3):
        await batches.store([row(), row()], seconds=5)
    assert uploads.sizes == [2, 2, 2]


async def test_who_shares_an_upload_that_fails_is_told_and_nobody_else() -> None:
    uploads = Uploads(refuses="bad")
    batches = Batches(uploads.send)
    first = [batches.store([row()], seconds=5) for _ in range(MOST_IN_FLIGHT)]
    later = [batches.store([row("bad")], seconds=5), batches.store([row()], seconds=5)]

    results = await asyncio.gather(*first, *later, return_exceptions=True)

    assert results[:MOST_IN_FLIGHT] == [None] * MOST_IN_FLIGHT
    assert [str(one) for one in results[MOST_IN_FLIGHT:]] == ["the endpoint said no"] * 2
    await batches.store([row()], seconds=5)


async def test_a_row_that_was_given_up_while_it_waited_is_not_sent() -> None:
    uploads = Uploads(seconds=0.3)
    batches = Batches(uploads.send)
    first = [asyncio.create_task(batches.store([row()], seconds=5)) for _ in range(MOST_IN_FLIGHT)]
    await asyncio.sleep(0)

    with pytest.raises(NotRecorded, match=r"longer than 0\.05 seconds"):
        await batches.store([row()], seconds=0.05)
    await asyncio.gather(*first)
    await batches.store([row()], seconds=5)

    assert sum(uploads.sizes) == MOST_IN_FLIGHT + 1


async def test_through_the_api_each_of_many_requests_has_its_row(api: Api, sandbox: Sandbox, fleet: Fleet) -> None:
    fleet.run(hours_ago=1, alpha=[good()])
    await api.get("compliance")
    sandbox.ingestion.clear()

    replies = await asyncio.gather(*(api.get("compliance") for _ in range(300)))

    assert {reply.status for reply in replies} == {200}
    told = [one["Correlation_id"] for one in sandbox.workspace.query(f"{AUDIT_TABLE} | project Correlation_id")]
    assert len(told) == len(set(told)) == 301
    assert len(sandbox.ingestion.accepted) < 50
