"""A customer whom no notification told of, and what Azure and the registry's table say in place of themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure.data.tables import TableClient, TableServiceClient

from sandbox.faults.effects import Body
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer


@pytest.fixture
def fabrikam(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Fabrikam")


def missing(document: dict[str, Any]) -> dict[str, str | None]:
    """What became of each application that was missing."""
    return {one["application_id"]: one["result"] for one in document["missing"]}


def described(customer: Customer) -> dict[str, Any]:
    """An entry of ARM's list, as far as discovery reads it."""
    return {
        "id": customer.application_id,
        "plan": {"publisher": "contoso", "product": "secure-analytics"},
        "properties": {"managedResourceGroupId": customer.managed_resource_group_id},
    }


def listing(*entries: dict[str, Any]) -> Body:
    return Body(json.dumps({"value": entries}).encode())


def put(sandbox: Sandbox, customer: Customer, **properties: Any) -> None:
    """Write a tombstone, unless told otherwise, in the place of the customer's row."""
    row = {
        "PartitionKey": customer.subscription_id,
        "RowKey": f"|{customer.resource_group}|{customer.application_name}",
        "application_id": customer.application_id,
        "status": "deleted",
        "deleted_at": "2026-03-01T00:00:00.000000Z",
        **properties,
    }
    connection = sandbox.environment["AzureWebJobsStorage"]
    with TableClient.from_connection_string(connection, "applications") as table:
        if table.table_name not in _tables(connection):
            table.create_table()
        table.upsert_entity(row)


def _tables(connection: str) -> set[str]:
    with TableServiceClient.from_connection_string(connection) as service:
        return {one.name for one in service.list_tables()}
