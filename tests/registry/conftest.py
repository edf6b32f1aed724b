"""The registry and its clients against the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.data.tables.aio import TableClient

from publisher.credentials import own_identity_credential, service_principal_credential
from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_ids import ApplicationId
from publisher.resource_manager import ResourceManager
from publisher.retry import Patience
from publisher.settings import ReconcileSettings
from registry.ownership import Ownership
from registry.policies.definition_names import DefinitionNames
from registry.refresh import Refresher
from registry.registry import Registry
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso")


@pytest.fixture
def identity(customer: Customer) -> ApplicationId:
    return ApplicationId.parse(customer.application_id)


@pytest.fixture
def settings(sandbox: Sandbox) -> ReconcileSettings:
    return ReconcileSettings.from_environment(sandbox.environment)


STREAM = "Custom-ManagedApplicationEvents_CL"
"""Where events are sent."""


async def _instantly(_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def arm(settings: ReconcileSettings) -> AsyncIterator[ResourceManager]:
    credential = service_principal_credential(settings.service_principal, settings.cloud)
    async with credential, ResourceManager(credential, settings.cloud, patience=Patience(sleep=_instantly)) as client:
        yield client


@pytest.fixture
async def registry(settings: ReconcileSettings) -> AsyncIterator[Registry]:
    async with Registry(settings) as opened:
        yield opened


@pytest.fixture
def ownership(settings: ReconcileSettings) -> Ownership:
    return Ownership(settings.offers, settings.service_principal.tenant_id)


@pytest.fixture
def refresher(arm: ResourceManager, registry: Registry, ownership: Ownership) -> Refresher:
    return Refresher(arm, registry, ownership, DefinitionNames())


@pytest.fixture
async def endpoint(settings: ReconcileSettings) -> AsyncIterator[LogsEndpoint]:
    credential = own_identity_credential(settings.own_identity_client_id)
    async with credential, LogsEndpoint(settings, credential, patience=Patience(1)) as opened:
        yield opened


class RawTable:
    """The registry's table as an operator's tool sees it."""

    def __init__(self, client: TableClient) -> None:
        self._client = client

    async def create(self) -> None:
        await self._client.create_table()

    async def delete_table(self) -> None:
        await self._client.delete_table()

    async def put(self, partition_key: str, row_key: str, **properties: Any) -> None:
        await self._client.upsert_entity({"PartitionKey": partition_key, "RowKey": row_key, **properties})

    async def delete(self, partition_key: str, row_key: str) -> None:
        await self._client.delete_entity(partition_key, row_key)

    async def put_all(self, partition_key: str, rows: dict[str, dict[str, Any]]) -> None:
        entities = [{"PartitionKey": partition_key, "RowKey": key, **row} for key, row in rows.items()]
        for first in range(0, len(entities), 100):
            await self._client.submit_transaction([("create", entity) for entity in entities[first : first + 100]])

    async def rows(self) -> list[dict[str, Any]]:
        return [dict(entity) async for entity in self._client.list_entities()]


@pytest.fixture
async def table(settings: ReconcileSettings) -> AsyncIterator[RawTable]:
    """An existing and empty registry table."""
    connection = settings.storage.connection_string
    assert connection
    async with TableClient.from_connection_string(connection, settings.table_name) as client:
        raw = RawTable(client)
        await raw.create()
        yield raw
