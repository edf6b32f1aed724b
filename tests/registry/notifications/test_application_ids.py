"""One application is one row, however its id is spelled and whoever wrote the row."""

from __future__ import annotations

import pytest
from azure.data.tables.aio import TableClient

from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.worker_side import WorkerSide


@pytest.mark.parametrize("group", ["rg(1)", "rg.with.dots", "_rg", "größe", "日本", "R" * 90])
async def test_odd_but_legal_resource_groups_are_registered(sandbox: Sandbox, worker: WorkerSide, group: str) -> None:
    customer = sandbox.arm.add_customer("Contoso", resource_group=group)
    assert (await worker.deliver(customer, "PUT", "Succeeded")).action == "Registered"
    assert set(await worker.registered()) == {customer.application_id}


async def test_every_spelling_of_an_id_is_one_application_in_arms_casing(
    worker: WorkerSide, customer: Customer
) -> None:
    for spelling in (customer.application_id.upper(), customer.application_id[1:], customer.application_id.lower()):
        told = await worker.deliver(customer, "PUT", "Succeeded", applicationId=spelling)
        assert told.action in {"Registered", "Updated"}
    assert set(await worker.registered()) == {customer.application_id}
    customer.delete()
    await worker.deliver(customer, "DELETE", "Deleted", applicationId=customer.application_id.upper()[1:])
    assert await worker.registered() == {}


async def test_one_name_in_two_groups_is_two_applications(sandbox: Sandbox, worker: WorkerSide) -> None:
    subscription = "00000000-0000-4000-8000-000000000001"
    customers = [
        sandbox.arm.add_customer(
            f"customer {number}",
            subscription_id=subscription,
            resource_group=f"rg-{number}",
            application_name="app",
            managed_resource_group=f"mrg-{number}",
        )
        for number in range(2)
    ]
    for customer in customers:
        await worker.deliver(customer, "PUT", "Succeeded")
    customers[0].delete()
    await worker.deliver(customers[0], "DELETE", "Deleted")
    assert set(await worker.registered()) == {customers[1].application_id}


async def test_a_row_of_the_older_sample_is_taken_over_in_place(worker: WorkerSide, customer: Customer) -> None:
    connection = worker.sandbox.environment["AzureWebJobsStorage"]
    async with TableClient.from_connection_string(connection, "applications") as table:
        await table.create_table()
        await table.create_entity(
            {
                "PartitionKey": customer.subscription_id.upper(),
                "RowKey": customer.application_name,
                "subscription_id": customer.subscription_id.upper(),
                "app_resource_group_name": customer.resource_group.upper(),
                "app_name": customer.application_name,
                "mrg_name": customer.managed_resource_group,
            }
        )
        assert (await worker.deliver(customer, "PATCH", "Succeeded")).action == "Updated"
        assert (await worker.registered())[customer.application_id].plan_name == "standard"
        customer.delete()
        assert (await worker.deliver(customer, "DELETE", "Deleted")).action == "Removed"
        assert len([entity async for entity in table.list_entities()]) == 1
    assert await worker.registered() == {}
