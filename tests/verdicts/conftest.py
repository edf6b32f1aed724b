"""The ledger and the registry in the sandbox's Table storage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.data.tables.aio import TableClient

from publisher.resource_ids import ApplicationId
from publisher.settings import ReconcileSettings
from tests.registry.conftest import RawTable, registry, settings
from verdicts.facts import ApplicationFacts
from verdicts.ledger import LEDGER_TABLE, Ledger

__all__ = ["registry", "settings"]


@pytest.fixture
async def ledger(settings: ReconcileSettings) -> AsyncIterator[Ledger]:
    async with Ledger(settings) as opened:
        yield opened


@pytest.fixture
async def registry_rows(settings: ReconcileSettings) -> AsyncIterator[RawTable]:
    """The registry's table, existing and empty, as an operator's tool sees it."""
    async with _client(settings, settings.table_name) as client:
        raw = RawTable(client)
        await raw.create()
        yield raw


class LedgerRows(RawTable):
    """The ledger's table as somebody sees it who damages rows."""

    def __init__(self, client: TableClient) -> None:
        super().__init__(client)
        self.client = client

    async def damage(self, facts: ApplicationFacts, **properties: Any) -> None:
        """Give an application's row other properties; None takes one away."""
        identity = ApplicationId.parse(facts.application_id)
        entity = dict(await self.client.get_entity(identity.partition_key, identity.row_key))
        entity |= properties
        await self.client.upsert_entity(
            {name: value for name, value in entity.items() if value is not None}, mode="replace"
        )


@pytest.fixture
async def ledger_rows(settings: ReconcileSettings) -> AsyncIterator[LedgerRows]:
    async with _client(settings, LEDGER_TABLE) as client:
        raw = LedgerRows(client)
        await raw.create()
        yield raw


def _client(settings: ReconcileSettings, table: str) -> TableClient:
    connection = settings.storage.connection_string
    assert connection
    return TableClient.from_connection_string(connection, table)
