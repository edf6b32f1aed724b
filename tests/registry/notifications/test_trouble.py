"""Trouble that may pass: the application waits, and nothing changes meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.faults.effects import AnswerLost, Body, CutHalfWay, Dropped, Effect, Slow, Status, empty, html
from sandbox.faults.operations import ApplicationRead, Operation, ResourceGroupRead, TableRequest
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.worker_side import WorkerSide

AN_HOUR = timedelta(hours=1)
OF_ARM = [
    (ApplicationRead(), Status(401)),
    (ApplicationRead(), Status(403)),
    (ApplicationRead(), Status(408, retry_after=0)),
    (ApplicationRead(), Status(409)),
    (ApplicationRead(), Status(429, retry_after=86_400)),
    (ApplicationRead(), Status(500, retry_after=0)),
    (ApplicationRead(), Status(502, retry_after=0)),
    (ApplicationRead(), Dropped()),
    (ApplicationRead(), CutHalfWay()),
    (ApplicationRead(), empty()),
    (ApplicationRead(), html()),
    (ApplicationRead(), Body(b"{}")),
]
OF_STORAGE = [
    (TableRequest("GET"), Status(403)),
    (TableRequest("GET"), Status(500, retry_after=0)),
    (TableRequest("PUT"), Status(503, retry_after=0)),
    (TableRequest("PUT"), Status(412, code="UpdateConditionNotSatisfied")),
]


@pytest.mark.parametrize(("operation", "fault"), OF_ARM + OF_STORAGE)
async def test_a_put_in_times_of_trouble_waits(
    sandbox: Sandbox, worker: WorkerSide, customer: Customer, operation: Operation, fault: Effect
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    before = await worker.row(customer)
    customer.upgrade("2.0.0")
    await worker.take(customer, "PUT", "Succeeded")
    sandbox.faults.add(operation, fault)
    for_storage = isinstance(operation, TableRequest)
    try:
        await worker.ask()
    except Exception:
        if not for_storage:
            raise
    sandbox.faults.clear()
    assert await worker.row(customer) == before
    [waiting] = await worker.waiting()
    assert bool(waiting.last_error) is not for_storage
    worker.passed += AN_HOUR
    await worker.ask()
    assert worker.events()[-1]["Registry_action"] == "Updated"
    assert await worker.waiting() == []


@pytest.mark.parametrize(("operation", "fault"), [one for one in OF_ARM if one[1] != Status(403)])
async def test_a_deletion_in_times_of_trouble_is_not_believed_and_waits(
    sandbox: Sandbox, worker: WorkerSide, customer: Customer, operation: Operation, fault: Effect
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    customer.delete()
    sandbox.faults.add(operation, fault)
    assert (await worker.deliver(customer, "DELETE", "Deleted")).action == "Pending"
    sandbox.faults.clear()
    assert set(await worker.registered()) == {customer.application_id}
    worker.passed += AN_HOUR
    await worker.ask()
    assert worker.events()[-1]["Registry_action"] == "Removed"


async def test_a_new_customer_who_has_not_let_us_in_yet_waits(worker: WorkerSide, customer: Customer) -> None:
    customer.revoke_access()
    assert (await worker.deliver(customer, "PUT", "Succeeded")).action == "Pending"
    customer.grant_access()
    worker.passed += timedelta(minutes=1)
    await worker.ask()
    assert set(await worker.registered()) == {customer.application_id}


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_an_application_whose_group_cannot_be_read_is_not_registered_and_waits(
    sandbox: Sandbox, worker: WorkerSide, customer: Customer, status: int
) -> None:
    sandbox.faults.add(ResourceGroupRead(), Status(status, code="ResourceGroupNotFound"))
    told = await worker.deliver(customer, "PUT", "Succeeded", at=worker.now() - AN_HOUR)
    assert told.action == "Pending"
    assert await worker.registered() == {}
    sandbox.faults.clear()
    worker.passed += AN_HOUR
    await worker.ask()
    assert set(await worker.registered()) == {customer.application_id}


async def test_a_write_whose_answer_got_lost_is_found_out_about(
    sandbox: Sandbox, worker: WorkerSide, customer: Customer
) -> None:
    await worker.take(customer, "PUT", "Succeeded")
    sandbox.faults.add(TableRequest("POST"), AnswerLost(), times=1, after=1)
    await worker.ask()
    assert set(await worker.registered()) == {customer.application_id}


async def test_a_round_ends_in_time_however_slow_arm_is(
    sandbox: Sandbox, worker: WorkerSide, customer: Customer
) -> None:
    sandbox.faults.add(ApplicationRead(), Slow(600))
    await worker.take(customer, "PUT", "Succeeded")
    await worker.ask(seconds=2)
    [waiting] = await worker.waiting()
    assert waiting.last_error.startswith("DeadlineExceeded")
