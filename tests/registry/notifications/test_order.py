"""Late, early, repeated and simultaneous notifications: ARM decides."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from registry.notifications.asking import Asker
from registry.tombstones import removal_in
from sandbox.faults.effects import Slow
from sandbox.faults.operations import ApplicationRead
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.worker_side import WorkerSide

LATER = timedelta(minutes=1)
FAR = "9999-12-31T23:59:59+00:00"


async def test_a_late_put_never_revives_an_application_that_arm_does_not_know(
    worker: WorkerSide, customer: Customer
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded", at=worker.now() - timedelta(hours=2))
    customer.delete()
    await worker.deliver(customer, "DELETE", "Deleted", at=worker.now() - timedelta(hours=1))
    told = await worker.deliver(customer, "PUT", "Succeeded", at=worker.now() - timedelta(hours=2))
    assert told.action == "Ignored"
    assert await worker.registered() == {}


async def test_a_young_event_about_an_application_that_arm_does_not_show_yet_waits(
    worker: WorkerSide, customer: Customer
) -> None:
    customer.delete()
    young = await worker.deliver(customer, "PUT", "Succeeded", at=worker.now() - timedelta(minutes=14))
    assert (young.action, young.error.partition(":")[0]) == ("Pending", "ResourceNotFound")
    worker.passed += timedelta(minutes=2)
    await worker.ask()
    assert worker.events()[-1]["Registry_action"] == "Ignored"
    assert await worker.waiting() == []


async def test_a_put_revives_a_tombstone_when_arm_calls_the_application_alive(
    worker: WorkerSide, customer: Customer
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    customer.delete()
    await worker.deliver(customer, "DELETE", "Deleted")
    customer.deleted, customer.provisioning_state = False, "Succeeded"
    assert (await worker.deliver(customer, "PUT", "Succeeded", at=worker.now() + LATER)).action == "Registered"
    assert set(await worker.registered()) == {customer.application_id}


async def test_a_replayed_old_deletion_takes_nobody_out_of_monitoring(worker: WorkerSide, customer: Customer) -> None:
    await worker.deliver(customer, "PUT", "Succeeded", at=worker.now() - LATER)
    customer.revoke_access()  # ARM would confirm
    assert (await worker.deliver(customer, "DELETE", "Deleted", at=worker.now() - 2 * LATER)).action == "Ignored"
    assert set(await worker.registered()) == {customer.application_id}


async def test_a_forged_event_from_the_future_does_not_outdate_a_real_deletion(
    worker: WorkerSide, customer: Customer
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded", at=worker.now() + timedelta(days=100_000))
    customer.delete()
    assert (await worker.deliver(customer, "DELETE", "Deleted", at=worker.now() + LATER)).action == "Removed"


async def test_a_forged_deletion_does_not_keep_a_deployment_that_waits_from_being_registered(
    worker: WorkerSide, customer: Customer
) -> None:
    await worker.take(customer, "PUT", "Succeeded")
    assert (await worker.deliver(customer, "DELETE", "Deleted")).action == "Registered"
    assert set(await worker.registered()) == {customer.application_id}


async def test_only_the_latest_event_of_an_application_waits(worker: WorkerSide, customer: Customer) -> None:
    second = await worker.take(customer, "PATCH", "Succeeded", at=worker.now())
    first = await worker.take(customer, "PUT", "Succeeded", at=worker.now() - LATER)
    third = await worker.take(customer, "DELETE", "Deleted", at=worker.now() + LATER)
    [waiting] = await worker.waiting()
    assert waiting.notification.correlation_id == third
    assert [worker.told(one).action for one in (first, second, third)] == ["Superseded", "Superseded", "Pending"]


async def test_a_newer_event_begins_the_waiting_anew_and_a_repeated_one_does_not(
    worker: WorkerSide, customer: Customer
) -> None:
    customer.revoke_access()
    at = worker.now()
    for _ in range(3):
        await worker.deliver(customer, "PUT", "Succeeded", at=at)
        worker.passed += timedelta(hours=1)
    [waiting] = await worker.waiting()
    assert waiting.attempts == 3
    await worker.take(customer, "PATCH", "Succeeded")
    [anew] = await worker.waiting()
    assert (anew.attempts, anew.first_received_at > waiting.first_received_at) == (0, True)


async def test_an_event_that_comes_while_arm_is_asked_waits_on(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    await worker.take(customer, "PUT", "Succeeded")
    sandbox.faults.add(ApplicationRead(), Slow(0.5), times=1)
    asking = asyncio.create_task(worker.ask())
    await asyncio.sleep(0.2)
    await worker.take(customer, "PATCH", "Succeeded")
    await asking
    [waiting] = await worker.waiting()
    assert waiting.notification.event_type == "PATCH"
    await worker.ask()
    assert await worker.waiting() == []


async def test_duplicates_at_the_same_time_make_one_row(worker: WorkerSide, customer: Customer) -> None:
    at = worker.now()
    await asyncio.gather(*(worker.take(customer, "PUT", "Succeeded", at=at) for _ in range(5)))
    await worker.ask()
    assert set(await worker.registered()) == {customer.application_id}
    assert len([row for row in worker.events() if row["Registry_action"] == "Registered"]) == 1


@pytest.mark.parametrize("askers", [2, 3])
async def test_two_rounds_at_the_same_time_make_one_row(worker: WorkerSide, customer: Customer, askers: int) -> None:
    await worker.take(customer, "PUT", "Succeeded")
    same = [Asker(worker.asker.refresher, worker.asker.pending, worker.asker.endpoint, worker.asker.stream)] * askers
    await asyncio.gather(*(asker.ask(deadline=asyncio.get_running_loop().time() + 30) for asker in same))
    assert set(await worker.registered()) == {customer.application_id}
    assert await worker.waiting() == []


async def test_a_burst_is_served_with_one_token(sandbox: Sandbox, worker: WorkerSide) -> None:
    customers = [sandbox.arm.add_customer(f"customer {number}") for number in range(40)]
    await asyncio.gather(*(worker.take(customer, "PUT", "Succeeded") for customer in customers))
    await worker.ask()
    assert len(await worker.registered()) == 40
    assert sandbox.directory.tokens_issued()[sandbox.url(Service.RESOURCE_MANAGER)] == 1


async def test_a_removal_and_the_event_that_told_of_it_go_by_one_clock(worker: WorkerSide, customer: Customer) -> None:
    worker.passed = timedelta(hours=7)
    for event_type, state in (("PUT", "Succeeded"), ("DELETE", "Deleted")):
        await worker.deliver(customer, event_type, state)
        customer.revoke_access()
    row = await worker.row(customer)
    removal = None if row is None else removal_in(row)
    assert removal is not None
    assert abs(removal.at - worker.now()) < timedelta(minutes=1)


async def test_an_earlier_event_that_comes_while_a_later_one_waits_is_told_as_superseded(
    worker: WorkerSide, customer: Customer
) -> None:
    now = worker.now()
    upgraded = await worker.take(customer, "PATCH", "Succeeded", at=now)
    deployed = await worker.take(customer, "PUT", "Succeeded", at=now - timedelta(minutes=1))
    again = await worker.take(customer, "PATCH", "Succeeded", at=now)
    await worker.ask()
    assert [worker.told(one).action for one in (deployed, again)] == ["Superseded", "Pending"]
    assert worker.told(upgraded).action == "Registered"
    last = {row["Event_id"]: row["Registry_action"] for row in worker.events()}
    assert sorted(last.values()) == ["Registered", "Superseded"], "nothing is told as pending for ever"


async def test_a_receipt_in_the_future_which_no_webhook_writes_is_cut_to_now(
    worker: WorkerSide, customer: Customer
) -> None:
    message = json.loads(worker.message(customer, "PUT", "Succeeded"))
    await worker.intake.take(json.dumps(message | dict.fromkeys(("received_at", "event_time"), FAR)).encode())
    await worker.ask()
    customer.delete()
    told = await worker.deliver(customer, "DELETE", "Deleted", at=worker.now() + timedelta(seconds=1))
    assert told.action == "Removed"
    assert all(row[name].year < 9999 for row in worker.events() for name in ("Event_time", "Received_at"))
