"""A fleet whose registry and ledger the timer has exported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import ContainerClient

from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.functions import Tick, functions
from tests.operations.command_line import WHY, Cli
from tests.operations.ledger_facts import NOW, LedgerNow, assignment, facts
from verdicts.control import RunRecord

TODAY = datetime.now(UTC).date().isoformat()
REGISTRY, LEDGER, PENDING = "applications", "verdicts", "pending"


class Storage:
    """The worker's tables and exports, as somebody sees them who may delete and damage them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._connection = environment["AzureWebJobsStorage"]
        self.tables = TableServiceClient.from_connection_string(self._connection)
        self.exports = ContainerClient.from_connection_string(self._connection, "exports")

    def delete(self, *names: str) -> None:
        for name in names:
            self.tables.delete_table(name)

    def rows(self, name: str) -> dict[tuple[str, str], dict[str, Any]]:
        if name not in {table.name for table in self.tables.list_tables()}:
            return {}
        rows = self.tables.get_table_client(name).list_entities()
        return {(row["PartitionKey"], row["RowKey"]): dict(row) for row in rows}

    def blob(self, name: str) -> bytes:
        content: bytes = self.exports.download_blob(f"{TODAY}/{name}").readall()
        return content

    def put_blob(self, name: str, content: bytes) -> None:
        self.exports.upload_blob(f"{TODAY}/{name}", content, overwrite=True)

    def delete_blob(self, name: str) -> None:
        self.exports.delete_blob(f"{TODAY}/{name}")


@pytest.fixture
def storage(environment: dict[str, str]) -> Iterator[Storage]:
    opened = Storage(environment)
    with opened.tables, opened.exports:
        yield opened


Export = Callable[[], None]


@pytest.fixture
def export(environment: dict[str, str]) -> Export:
    """Fires the timer of the worker."""
    timer = functions("worker")["export_registry_and_ledger"].get_user_function()
    return lambda: asyncio.run(timer(Tick()))


@pytest.fixture
def fleet(cli: Cli, sandbox: Sandbox, ledger: LedgerNow, storage: Storage) -> list[Customer]:
    """Three customers in registry and ledger, and one with a tombstone; a baseline, a snooze, the record of a run."""
    *living, gone = customers = [
        sandbox.arm.add_customer(name) for name in ("Contoso", "Fabrikam", "Northwind", "Gone")
    ]
    assert cli("add", *(one.application_id for one in customers)).status == 0
    assert cli("remove", gone.application_id, *WHY, "--force", "--yes").status == 0
    assert cli("name", living[0].application_id, "Contoso Ltd").status == 0
    for one in living:
        ledger.write(facts(one, assignment(one, "https", "first", "second"), assignment(one, "tls")))
    options = ("--plan", "standard", "--version", "2.0.0", "--until", "2d", "--reason", "region move", "--yes")
    assert cli("snooze", *options).status == 0
    ledger.ask(lambda opened: opened.note_run(RunRecord("run", NOW, 1)))
    return living


@pytest.fixture
def exported(fleet: list[Customer], export: Export) -> list[Customer]:
    export()
    return fleet
