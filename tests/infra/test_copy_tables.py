"""The upgrade from the single app: registry and ledger move to the worker's storage account, exactly and repeatably."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from azure.data.tables import EdmType, EntityProperty
from azure.data.tables.aio import TableClient

from infra.upgrade.copy_tables import TABLES, Copied, NotCopied, copy_table
from publisher.resource_ids import ApplicationId
from publisher.settings import ReconcileSettings
from registry.registry import Registry
from sandbox.faults.effects import Body, Call, Effect, Redirect, Rewritten, Status, empty, html
from sandbox.faults.operations import TableRequest
from sandbox.local_azure import Sandbox
from tests.worker_side import open_worker_side
from verdicts.ledger import LEDGER_TABLE

KEYS = {"PartitionKey": "p", "RowKey": "r"}
VALUES: dict[str, Any] = {
    "text": "Zürich",
    "yes": True,
    "number": 7,
    "long": EntityProperty(2**40, EdmType.INT64),
    "real": 1.5,
    "moment": datetime(2026, 11, 26, tzinfo=UTC),
    "bytes": b"\x00\xff",
    "guid": UUID("7e57ab1e-0000-4000-8000-000000000001"),
}


@asynccontextmanager
async def accounts(sandbox: Sandbox, table: str) -> AsyncIterator[tuple[TableClient, TableClient]]:
    """One table in the account of today, and in the next one."""
    old = sandbox.environment["AzureWebJobsStorage"]
    sandbox.next_storage_account()
    new = sandbox.environment["AzureWebJobsStorage"]
    async with (
        TableClient.from_connection_string(old, table) as source,
        TableClient.from_connection_string(new, table) as target,
    ):
        yield source, target


async def rows(table: TableClient) -> list[dict[str, Any]]:
    return [dict(row) async for row in table.list_entities()]


def silent(_: str) -> None:
    """Show nothing."""


async def test_values_keep_their_types_and_a_repetition_changes_nothing(sandbox: Sandbox) -> None:
    async with accounts(sandbox, "verdicts") as (source, target):
        for table in (source, target):
            await table.create_table()
        await source.create_entity(KEYS | VALUES)
        assert await copy_table(source, target, silent) == Copied("verdicts", copied=1)
        assert await rows(target) == await rows(source)
        await target.update_entity(KEYS | {"text": "written by the worker"})
        assert await copy_table(source, target, silent) == Copied("verdicts", there=1)
        assert (await rows(target))[0]["text"] == "written by the worker"


async def test_more_rows_than_a_page_are_copied(sandbox: Sandbox) -> None:
    shown: list[str] = []
    async with accounts(sandbox, "applications") as (source, target):
        for table in (source, target):
            await table.create_table()
        for first in range(0, 1100, 100):
            many = [{"PartitionKey": "p", "RowKey": f"{first + number}"} for number in range(100)]
            await source.submit_transaction([("create", row) for row in many])
        assert (await copy_table(source, target, shown.append)).copied == 1100
        assert len(await rows(target)) == 1100
    assert shown == ["applications: 1000 rows copied, 0 were there already ..."]


async def test_a_table_that_is_not_there_is_told(sandbox: Sandbox) -> None:
    async with accounts(sandbox, "applications") as (source, target):
        await source.create_table()
        await source.create_entity(KEYS)
        with pytest.raises(NotCopied, match="deploy the templates first"):
            await copy_table(source, target, silent)


async def test_a_refusal_names_the_roles(sandbox: Sandbox) -> None:
    async with accounts(sandbox, "applications") as (source, target):
        for table in (source, target):
            await table.create_table()
        await source.create_entity(KEYS)
        sandbox.faults.add(TableRequest("POST"), Status(403))
        with pytest.raises(NotCopied, match="Storage Table Data Contributor"):
            await copy_table(source, target, silent)


XML = b"<?xml version='1.0'?><error><code>Proxy</code><message>Please sign in.</message></error>"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("GET", Body(XML, "application/xml")),
        ("GET", Body(b'{"value":[]}')),
        ("GET", html()),
        ("GET", empty(204)),
        ("GET", Rewritten(lambda _: b"{}")),
        ("POST", Body(XML, "application/xml", 201)),
        ("POST", empty(204)),
        ("POST", html(409)),
        ("POST", html(404)),
        ("POST", Redirect("https://proxy.example/")),
        ("POST", Status(409, code="TableBeingDeleted")),
    ],
)
async def test_a_gateways_answer_is_no_row_copied_and_no_empty_table(
    sandbox: Sandbox, method: str, answer: Effect
) -> None:
    async with accounts(sandbox, "applications") as (source, target):
        for table in (source, target):
            await table.create_table()
        await source.create_entity(KEYS)
        sandbox.faults.add(TableRequest(method), answer)
        with pytest.raises(NotCopied, match=r"applications: .*Repeat it"):
            await copy_table(source, target, silent)
        sandbox.faults.clear()
        assert await copy_table(source, target, silent) == Copied("applications", copied=1)


@pytest.mark.parametrize(
    "content", [b"{}", b"[]", b'{"value":{}}', b'{"value":[5]}', b'{"value":[{"PartitionKey":"p"}]}']
)
async def test_an_answer_without_rows_or_their_keys_is_told(sandbox: Sandbox, content: bytes) -> None:
    async def stripped(call: Call) -> web.StreamResponse:
        whole = await call.answer()
        return web.Response(body=content, headers={"x-ms-version": whole.headers["x-ms-version"]})

    async with accounts(sandbox, "applications") as (source, target):
        await source.create_table()
        sandbox.faults.add(TableRequest("GET"), stripped)
        with pytest.raises(NotCopied, match="no list of rows"):
            await copy_table(source, target, silent)


async def test_the_worker_reads_the_registry_that_was_copied(sandbox: Sandbox, environment: dict[str, str]) -> None:
    assert environment
    customer = sandbox.arm.add_customer("Contoso")
    async with open_worker_side(sandbox) as worker:
        await worker.deliver(customer, "PUT", "Succeeded")
        before = await worker.row(customer)
    async with accounts(sandbox, "applications") as (source, target):
        await target.create_table()
        await copy_table(source, target, silent)
    async with Registry(ReconcileSettings.from_environment(sandbox.environment)) as registry:
        after = await registry.find(ApplicationId.parse(customer.application_id))
    assert before
    assert after
    assert after.properties == before.properties


def test_both_tables_that_remember_are_copied() -> None:
    assert set(TABLES) == {"applications", LEDGER_TABLE}
