"""Only the publisher's own applications enter the registry; all others are an event, and never an alert of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from sandbox.azure.applications import application_json
from sandbox.faults.effects import Body
from sandbox.faults.operations import ApplicationRead, ResourceGroupRead
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from sandbox.world.plans import Plan
from tests.worker_side import WorkerSide


def described(customer: Customer, **properties: Any) -> Body:
    """What ARM says of a customer's application, with other properties."""
    document = application_json(customer)
    document["properties"] |= properties
    return Body(orjson.dumps(document))


async def is_not_ours(worker: WorkerSide, customer: Customer, reason: str) -> None:
    told = await worker.deliver(customer, "PUT", "Succeeded")
    assert (told.action, told.error) == ("NotOurs", "")
    assert reason in told.reason
    assert await worker.row(customer) is None
    assert await worker.waiting() == []


async def test_an_application_of_another_offer_is_not_asked_about(worker: WorkerSide, customer: Customer) -> None:
    customer.plan = Plan(publisher="mallory", product="secure-analytics")
    await is_not_ours(worker, customer, "that the notification names")


async def test_a_failed_deployment_of_another_offer_is_none_of_ours(worker: WorkerSide, customer: Customer) -> None:
    customer.plan = Plan(publisher="mallory", product="secure-analytics")
    assert (await worker.deliver(customer, "PUT", "Failed")).action == "NotOurs"


async def test_a_definition_of_somebody_else_is_not_asked_about(worker: WorkerSide, sandbox: Sandbox) -> None:
    customer = sandbox.arm.add_customer("Mallory", kind="ServiceCatalog")
    customer.plan = Plan(product="another")
    await is_not_ours(worker, customer, "that the notification names")


@pytest.mark.parametrize("lie", [{"plan": None}, {"plan": {"publisher": "contoso", "product": "secure-analytics"}}])
async def test_a_notification_that_claims_our_offer_is_held_against_what_arm_says(
    worker: WorkerSide, customer: Customer, lie: dict[str, Any]
) -> None:
    customer.plan = Plan(publisher="mallory")
    told = await worker.deliver(customer, "PUT", "Succeeded", **lie)
    assert (told.action, told.error) == ("NotOurs", "")
    assert await worker.row(customer) is None


async def test_offers_are_compared_without_regard_to_case(worker: WorkerSide, customer: Customer) -> None:
    customer.plan = Plan(publisher="CONTOSO", product="Secure-Analytics")
    assert (await worker.deliver(customer, "PUT", "Succeeded")).action == "Registered"


async def test_an_application_of_another_publishers_tenant_is_not_ours(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    sandbox.faults.add(ApplicationRead(), described(customer, publisherTenantId="99999999-0000-4000-8000-000000000001"))
    await is_not_ours(worker, customer, "another tenant")


async def test_the_publishers_own_tenant_in_any_case_is_ours(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    tenant = sandbox.environment["AZURE_TENANT_ID"].upper()
    sandbox.faults.add(ApplicationRead(), described(customer, publisherTenantId=tenant))
    assert (await worker.deliver(customer, "PUT", "Succeeded")).action == "Registered"


@pytest.mark.parametrize("manager", [None, "", 7, "/subscriptions/x", "another"])
async def test_a_group_that_the_application_does_not_manage_is_not_believed(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer, manager: Any
) -> None:
    if manager == "another":
        manager = customer.application_id + "2"
    group = {"id": customer.managed_resource_group_id, "managedBy": manager}
    sandbox.faults.add(ResourceGroupRead(), Body(orjson.dumps(group)))
    await is_not_ours(worker, customer, "managed by something else")


@pytest.mark.parametrize(
    "answer", [b"{}", b'{"id": 7, "managedBy": null}', b'{"id": "/subscriptions/x/resourceGroups/y"}']
)
async def test_an_answer_about_no_group_of_the_application_is_asked_for_again(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer, answer: bytes
) -> None:
    sandbox.faults.add(ResourceGroupRead(), Body(answer))
    told = await worker.deliver(customer, "PUT", "Succeeded")
    assert (told.action, told.error.partition(":")[0]) == ("Pending", "MalformedAnswer")
    sandbox.faults.clear()
    worker.passed += timedelta(minutes=5)
    await worker.ask()
    assert set(await worker.registered()) == {customer.application_id}


async def test_an_application_that_names_a_group_of_another_one_takes_nothing_over(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    victim = sandbox.arm.add_customer("Fabrikam")
    await worker.deliver(victim, "PUT", "Succeeded")
    await worker.deliver(customer, "PUT", "Succeeded")
    stolen = described(customer, managedResourceGroupId=victim.managed_resource_group_id)
    sandbox.faults.add(ApplicationRead(customer), stolen)
    before = await worker.row(customer)
    told = await worker.deliver(customer, "PATCH", "Succeeded")
    assert told.action == "NotOurs"
    assert await worker.row(customer) == before


async def test_a_deletion_is_carried_out_whatever_plan_it_names(worker: WorkerSide, customer: Customer) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    customer.delete()
    told = await worker.deliver(customer, "DELETE", "Deleted", plan={"publisher": "x", "product": "y"})
    assert told.action == "Removed"


async def test_whoever_is_registered_stays_when_the_offers_are_narrowed(worker: WorkerSide, customer: Customer) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    customer.plan = Plan(publisher="acquired")
    await worker.deliver(customer, "PATCH", "Succeeded", plan=None)
    assert set(await worker.registered()) == {customer.application_id}
