"""Every documented event: what becomes of it, and what it leaves in the registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from publisher.resource_ids import ApplicationId
from registry.rows import is_tombstone
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Access, Customer
from tests.worker_side import Lines, Told, WorkerSide

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "deployment.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["MarketPlace", "ServiceCatalog"])
@pytest.mark.parametrize("event_type", ["PUT", "PATCH"])
async def test_a_finished_deployment_or_update_registers_the_application(
    sandbox: Sandbox, worker: WorkerSide, kind: str, event_type: str
) -> None:
    customer = sandbox.arm.add_customer("Contoso", kind=kind)
    assert await worker.deliver(customer, event_type, "Succeeded") == Told("Registered")
    stored = (await worker.registered())[customer.application_id]
    assert str(stored.managed_resource_group_id) == customer.managed_resource_group_id
    assert stored.plan_name == ("standard" if kind == "MarketPlace" else "")
    assert stored.assignments
    assert await worker.waiting() == []


async def test_the_guide_says_what_the_events_of_a_first_deployment_show(
    worker: WorkerSide, customer: Customer
) -> None:
    said = re.findall(r"`(PUT)`, `(\w+)` (?:has the `Registry_action`|should have) `(\w+)`", GUIDE)
    assert [state for _, state, _ in said] == ["Accepted", "Succeeded"]
    for event_type, state, action in said:
        assert (await worker.deliver(customer, event_type, state)).action == action


TOLD = [
    ("PUT", "Accepted", "the deployment has begun"),
    ("PUT", "Failed", "the deployment failed"),
    ("DELETE", "Deleting", "the deletion has begun"),
    ("PUT", "Updating", "unknown event"),
    ("PATCH", "Failed", "unknown event"),
    ("POST", "Succeeded", "unknown event"),
    ("DELETE", "Succeeded", "unknown event"),
]


@pytest.mark.parametrize("event", TOLD)
@pytest.mark.parametrize("registered", [False, True])
async def test_what_is_only_told_changes_nothing(
    worker: WorkerSide, customer: Customer, lines: Lines, event: tuple[str, str, str], registered: bool
) -> None:
    event_type, state, told = event
    if registered:
        await worker.deliver(customer, "PUT", "Succeeded")
    before = await worker.row(customer)
    assert await worker.deliver(customer, event_type, state) == Told("Ignored", reason=told)
    assert await worker.row(customer) == before
    assert lines()[-1].endswith(f": {event_type}/{state} for {customer.application_id}: Ignored ({told})")


@pytest.mark.parametrize("registered", [False, True])
async def test_a_failed_deletion_keeps_the_application_in_monitoring(
    worker: WorkerSide, customer: Customer, registered: bool
) -> None:
    if registered:
        await worker.deliver(customer, "PUT", "Succeeded")
    customer.start_deleting()
    # The end of a deployment, told when a deletion has begun already.
    assert (await worker.deliver(customer, "PUT", "Succeeded")).action == "Ignored"
    customer.provisioning_state = "Succeeded"
    told = await worker.deliver(customer, "DELETE", "Failed")
    assert told.action == ("Updated" if registered else "Registered")
    assert set(await worker.registered()) == {customer.application_id}


async def test_an_update_refreshes_what_is_registered(worker: WorkerSide, customer: Customer) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    customer.upgrade("2.0.0")
    assert (await worker.deliver(customer, "PUT", "Succeeded")).action == "Updated"
    assert (await worker.registered())[customer.application_id].plan_version == "2.0.0"


@pytest.mark.parametrize("way", ["delete", "start_deleting", "revoke_access", "hide"])
async def test_a_deletion_leaves_a_tombstone(worker: WorkerSide, customer: Customer, way: str) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    getattr(customer, way)()
    assert (await worker.deliver(customer, "DELETE", "Deleted")).action == "Removed"
    assert await worker.registered() == {}
    row = await worker.row(customer)
    assert row
    assert is_tombstone(row)


async def test_a_deletion_that_arm_denies_us_is_not_confirmed(worker: WorkerSide, customer: Customer) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    customer.revoke_access()
    await worker.deliver(customer, "DELETE", "Deleted")
    removal = await worker.registry.removal_of(ApplicationId.parse(customer.application_id))
    assert removal
    assert not removal.confirmed
    assert removal.reason.startswith("Azure told of the deletion: ")


async def test_a_deletion_of_one_whose_managed_resource_group_can_be_read_waits(
    worker: WorkerSide, customer: Customer
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    customer.revoke_access(Access.APPLICATION)
    told = await worker.deliver(customer, "DELETE", "Deleted")
    assert (told.action, told.error.partition(":")[0]) == ("Pending", "AuthorizationFailed")
    assert customer.application_id in await worker.registered()


async def test_a_deletion_that_arm_contradicts_keeps_the_customer_in_monitoring(
    worker: WorkerSide, customer: Customer
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    told = await worker.deliver(customer, "DELETE", "Deleted")
    assert told == Told("Updated")
    assert customer.application_id in await worker.registered()


@pytest.mark.parametrize("way", ["delete", "start_deleting"])
async def test_a_deletion_of_an_unknown_application_leaves_nothing(
    worker: WorkerSide, customer: Customer, way: str
) -> None:
    getattr(customer, way)()
    assert (await worker.deliver(customer, "DELETE", "Deleted")).action == "Ignored"
    assert await worker.row(customer) is None
    assert await worker.waiting() == []


async def test_a_deletion_that_was_carried_out_before_changes_nothing(worker: WorkerSide, customer: Customer) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    customer.delete()
    await worker.deliver(customer, "DELETE", "Deleted")
    before = await worker.row(customer)
    told = await worker.deliver(customer, "DELETE", "Deleted")
    assert told == Told("Ignored", reason="the application was removed before")
    assert await worker.row(customer) == before
