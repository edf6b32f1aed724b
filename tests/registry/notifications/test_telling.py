"""What ARM answered is told once, and as it was, whatever happens between the answer and the telling."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from publisher.errors.kinds import AzureFailure
from publisher.settings import ReconcileSettings
from registry.notifications.opening import open_asker
from sandbox.faults.effects import Status
from sandbox.faults.operations import Upload
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.worker_side import WorkerSide


async def test_what_arm_answered_is_told_as_it_was_when_the_events_could_not_be_stored(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    async def told_after_an_outage(event_type: str, state: str) -> str:
        correlation_id = await worker.take(customer, event_type, state)
        sandbox.faults.add(Upload(), Status(503))
        for _ in range(2):
            assert (await worker.ask()).problems
            worker.passed += timedelta(minutes=2)
        sandbox.faults.clear()
        sandbox.clear_counts()
        await worker.ask()
        assert not sandbox.requests.of(Service.RESOURCE_MANAGER), "ARM has answered, and is not asked again"
        return worker.told(correlation_id).action

    assert await told_after_an_outage("PUT", "Succeeded") == "Registered"
    customer.delete()
    assert await told_after_an_outage("DELETE", "Deleted") == "Removed"
    assert await worker.waiting() == []


async def test_of_two_workers_that_ask_at_the_same_time_one_tells_what_arm_answered(
    worker: WorkerSide, sandbox: Sandbox
) -> None:
    customers = [sandbox.arm.add_customer(f"customer {number}") for number in range(20)]
    for customer in customers:
        await worker.take(customer, "PUT", "Succeeded")
    async with open_asker(ReconcileSettings.from_environment(sandbox.environment)) as other:
        await asyncio.gather(worker.ask(), other.ask(deadline=time.monotonic() + 30))
    told = [row["Event_id"] for row in worker.events() if row["Registry_action"] in {"Registered", "Updated"}]
    assert len(told) == len(set(told)) == len(customers)
    assert await worker.waiting() == []


async def test_a_removal_that_was_written_and_not_noted_is_told_as_a_removal(
    worker: WorkerSide, customer: Customer
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    deleted_at = worker.now()
    customer.delete()
    assert (await worker.deliver(customer, "DELETE", "Deleted", at=deleted_at)).action == "Removed"
    assert (await worker.deliver(customer, "DELETE", "Deleted", at=deleted_at)).action == "Removed"
    later = await worker.deliver(customer, "DELETE", "Deleted", at=deleted_at + timedelta(minutes=1))
    assert (later.action, later.reason) == ("Ignored", "the application was removed before")


async def test_an_event_that_loses_its_place_is_told_though_the_events_could_not_be_stored_at_first(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    deployed = await worker.take(customer, "PUT", "Succeeded", at=worker.now() - timedelta(minutes=1))
    upgraded = worker.message(customer, "PATCH", "Succeeded")
    sandbox.faults.add(Upload(), Status(503))
    with pytest.raises(AzureFailure):
        await worker.intake.take(upgraded)
    sandbox.faults.clear()
    await worker.intake.take(upgraded)
    await worker.ask()
    assert worker.told(deployed).action == "Superseded"
    assert worker.events()[-1]["Registry_action"] == "Registered"
