"""Who has the webhook's key and signature can send what they like: what that makes in the tables is bounded, and told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from publisher.errors.kinds import AzureFailure
from registry.notifications import bounds
from registry.notifications.bounds import NO_PLACE, STRANGERS, Bounds, is_told
from sandbox.faults.effects import Status
from sandbox.faults.operations import TableRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.queries.fleet import NOW
from tests.worker_side import WorkerSide

FORGED = "/subscriptions/99999999-0000-4000-8000-{:012}/resourceGroups/g/providers/Microsoft.Solutions/applications/a"


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("registry.notifications.intake", "registry.notifications.bounds"):
        for name, value in (("MOST_ABOUT_STRANGERS", 5), ("MOST_ABOUT_ONE", 4), ("MOST_WAITING", 8)):
            monkeypatch.setattr(f"{module}.{name}", value, raising=False)


async def forge(
    worker: WorkerSide, customer: Customer, *numbers: int, kind: tuple[str, str] = ("PUT", "Succeeded")
) -> None:
    for number in numbers:
        await worker.take(customer, *kind, applicationId=FORGED.format(number))


def not_told(worker: WorkerSide) -> list[dict[str, Any]]:
    return [row for row in worker.events() if row["Registry_action"] == "NotTold"]


@pytest.mark.parametrize("kind", [("PUT", "Succeeded"), ("PUT", "Failed"), ("PUT", "Accepted"), ("DELETE", "Deleted")])
async def test_forged_notifications_make_as_many_rows_in_an_hour_as_one_instance_tells_and_few_that_count_the_rest(
    worker: WorkerSide, customer: Customer, kind: tuple[str, str]
) -> None:
    await forge(worker, customer, *range(120), kind=kind)
    assert len(worker.events()) - len(not_told(worker)) == 5
    assert [row["Reason"].split(" more ")[0].rsplit(" ", 1)[1] for row in not_told(worker)] == ["1", "10", "100"]
    assert {(row["Registry_error"], row["Application_id"]) for row in not_told(worker)} == {(STRANGERS, "")}
    assert len(await worker.waiting()) == (5 if kind in {("PUT", "Succeeded"), ("DELETE", "Deleted")} else 0)


async def test_the_next_hour_has_room_again(worker: WorkerSide, customer: Customer) -> None:
    await forge(worker, customer, *range(7))
    worker.passed += timedelta(hours=1)
    await forge(worker, customer, 100)
    assert len(await worker.waiting()) == 6


async def test_no_more_strangers_wait_than_there_is_place_for_whatever_the_hour(
    worker: WorkerSide, customer: Customer
) -> None:
    for hour in range(6):
        await forge(worker, customer, *range(10 * hour, 10 * hour + 5))
        worker.passed += timedelta(hours=1)
    assert 8 <= len(await worker.waiting()) <= 8 + 5, "those of one minute are counted together"
    assert NO_PLACE in {row["Registry_error"] for row in not_told(worker)}


async def test_who_is_registered_is_asked_about_whatever_strangers_do_and_is_told_of(
    worker: WorkerSide, customer: Customer
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    await forge(worker, customer, *range(50))
    customer.upgrade("7.0.0")
    told = await worker.deliver(customer, "PUT", "Succeeded")
    assert told.action == "Updated"
    [application] = (await worker.registered()).values()
    assert application.plan_version == "7.0.0"


async def test_many_notifications_about_one_customer_are_asked_about_and_counted(
    worker: WorkerSide, customer: Customer, sandbox: Sandbox
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    other = sandbox.arm.add_customer("another")
    await worker.deliver(other, "PUT", "Succeeded")
    before = len(worker.events())
    for number in range(1, 31):
        await worker.take(customer, "PUT", "Succeeded", at=worker.now() + timedelta(seconds=number))
    [counted, *more] = not_told(worker)
    assert counted["Registry_error"] == customer.application_id.lower()
    assert len(more) == 1, "the first, and the tenth"
    assert len(worker.events()) - before <= 2 * 4 + 2
    assert len(await worker.waiting()) == 1
    customer.upgrade("8.0.0")
    await worker.ask()
    assert (await worker.registered())[customer.application_id].plan_version == "8.0.0"
    assert (await worker.deliver(other, "PATCH", "Succeeded")).action == "Updated"


async def test_a_registry_that_cannot_be_read_makes_nobody_a_stranger(
    worker: WorkerSide, customer: Customer, sandbox: Sandbox
) -> None:
    await forge(worker, customer, *range(9))
    sandbox.faults.add(TableRequest("GET"), Status(403), times=1)
    correlation_id = await worker.take(customer, "PUT", "Failed")
    assert worker.told(correlation_id).action == "Ignored"


async def test_what_the_queue_delivers_again_because_it_could_not_be_taken_in_counts_once(
    worker: WorkerSide, customer: Customer, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Upload(), Status(403))
    for number in range(9):
        with pytest.raises(AzureFailure):
            await forge(worker, customer, number, kind=("PUT", "Failed"))
    sandbox.faults.clear()
    await forge(worker, customer, *range(5), kind=("PUT", "Failed"))
    assert (len(worker.events()), not_told(worker)) == (5, [])


def test_rows_that_count_come_at_every_power_of_ten() -> None:
    assert [number for number in range(100_001) if is_told(number)] == [1, 10, 100, 1000, 10_000, 100_000]


def count(counts: Bounds, about: str, now: datetime) -> int:
    with counts.counted(about, 2, now) as above:
        return above


def test_every_hour_and_everybody_is_counted_apart() -> None:
    counts = Bounds()
    assert [count(counts, "a", NOW) for _ in range(4)] == [0, 0, 1, 2]
    assert count(counts, "b", NOW) == 0
    assert count(counts, "a", NOW + timedelta(hours=1)) == 0
    assert bounds.MOST_WAITING == 8
