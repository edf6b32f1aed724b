"""Azurite behind the sandbox's front: the real storage SDKs, with a shared key and with tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ResourceExistsError
from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import ManagedIdentityCredential
from azure.storage.queue.aio import QueueServiceClient

from sandbox.azure.azurite import account
from sandbox.faults.effects import CutHalfWay, Status, html
from sandbox.faults.operations import QueueRequest, TableRequest
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.local_azure import Sandbox


@pytest.fixture
async def tables(sandbox: Sandbox) -> AsyncIterator[TableServiceClient]:
    connection = sandbox.environment["AzureWebJobsStorage"]
    async with TableServiceClient.from_connection_string(connection, retry_total=0) as client:
        yield client


async def test_a_connection_string_opens_tables_and_queues(sandbox: Sandbox, tables: TableServiceClient) -> None:
    table = await tables.create_table("applications")
    odd = {"PartitionKey": "sub", "RowKey": "rg (eu)_ö|it's 100%", "name": "ü"}
    await table.upsert_entity(odd)
    assert (await table.get_entity(odd["PartitionKey"], odd["RowKey"]))["name"] == "ü"
    assert [entity["RowKey"] async for entity in table.list_entities()] == [odd["RowKey"]]
    async with QueueServiceClient.from_connection_string(sandbox.environment["AzureWebJobsStorage"]) as queues:
        queue = await queues.create_queue("shards")
        await queue.send_message("hello")
        assert [message.content async for message in queue.receive_messages()] == ["hello"]
    assert [entry.method for entry in sandbox.requests.of(Service.QUEUES)] == ["PUT", "POST", "GET", "GET"]


async def test_entities_come_in_pages_that_can_be_followed(tables: TableServiceClient) -> None:
    table = await tables.create_table("applications")
    for number in range(5):
        await table.create_entity({"PartitionKey": "a b/c".replace("/", "|"), "RowKey": str(number)})
    pages = [[entity async for entity in page] async for page in table.list_entities(results_per_page=2).by_page()]
    assert [len(page) for page in pages] == [2, 2, 1]


async def test_each_test_has_an_account_of_its_own(sandbox: Sandbox, tables: TableServiceClient) -> None:
    await tables.create_table("applications")
    sandbox.next_storage_account()
    async with TableServiceClient.from_connection_string(sandbox.environment["AzureWebJobsStorage"]) as other:
        assert [table.name async for table in other.list_tables()] == []


async def test_identity_based_settings_work_with_the_managed_identity(identity_sandbox: Sandbox) -> None:
    settings = identity_sandbox.environment
    assert "AzureWebJobsStorage" not in settings
    trust = {"connection_verify": settings["SSL_CERT_FILE"], "retry_total": 0}
    async with ManagedIdentityCredential(client_id=settings["AzureWebJobsStorage__clientId"]) as identity:
        async with TableServiceClient(
            settings["AzureWebJobsStorage__tableServiceUri"], credential=identity, **trust
        ) as tables:
            table = await tables.create_table("applications")
            await table.upsert_entity({"PartitionKey": "p", "RowKey": "r"})
            assert [entity["RowKey"] async for entity in table.list_entities()] == ["r"]
        async with QueueServiceClient(
            settings["AzureWebJobsStorage__queueServiceUri"], credential=identity, **trust
        ) as queues:
            await (await queues.create_queue("shards")).send_message("hello")
    assert identity_sandbox.directory.tokens_issued() == {"https://storage.azure.com": 1}


async def test_storage_does_not_take_tokens_of_other_audiences(identity_sandbox: Sandbox) -> None:
    settings = identity_sandbox.environment
    wrong = identity_sandbox.directory.issuer.issue(
        identity_sandbox.entra_id.service_principal, "https://monitor.azure.com"
    )

    class Wrong(ManagedIdentityCredential):
        async def get_token_info(self, *scopes: str, **options: object) -> object:
            info = await super().get_token_info(*scopes)
            return type(info)(token=wrong, expires_on=info.expires_on)

    async with (
        Wrong(client_id=settings["AzureWebJobsStorage__clientId"]) as identity,
        TableServiceClient(
            settings["AzureWebJobsStorage__tableServiceUri"],
            credential=identity,
            connection_verify=settings["SSL_CERT_FILE"],
            retry_total=0,
        ) as tables,
    ):
        with pytest.raises(ClientAuthenticationError):
            await tables.create_table("applications")


async def test_storage_fails_on_demand(sandbox: Sandbox, tables: TableServiceClient) -> None:
    table = await tables.create_table("applications")
    sandbox.faults.add(TableRequest("GET", "applications"), Status(503), times=1)
    sandbox.faults.add(TableRequest("GET", "applications"), html(), times=1)
    sandbox.faults.add(TableRequest("GET", "applications"), CutHalfWay(), times=1)
    for error in (HttpResponseError, Exception, AzureError):
        with pytest.raises(error):
            [entity async for entity in table.list_entities()]
    assert [entity async for entity in table.list_entities()] == []
    sandbox.faults.add(QueueRequest("PUT", "shards"), Status(500), times=1)
    connection = sandbox.environment["AzureWebJobsStorage"]
    async with QueueServiceClient.from_connection_string(connection, retry_total=0) as queues:
        with pytest.raises(HttpResponseError):
            await queues.create_queue("shards")


async def test_an_existing_table_is_a_conflict(tables: TableServiceClient) -> None:
    await tables.create_table("applications")
    with pytest.raises(ResourceExistsError):
        await tables.create_table("applications")


async def test_tables_can_be_out_of_reach(sandbox: Sandbox, tables: TableServiceClient) -> None:
    with sandbox.offline(Service.TABLES), pytest.raises(AzureError):
        await tables.create_table("applications")
    await tables.create_table("applications")


def test_accounts_have_names_and_keys_of_their_own() -> None:
    assert account(0).name == "devstoreaccount1"
    assert len({account(number).key for number in range(10)}) == 10
