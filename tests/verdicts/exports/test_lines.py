"""A row of any type survives the way through a line of an export, in real Table storage."""

from __future__ import annotations

import json
import math
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.data.tables import EdmType, EntityProperty
from azure.data.tables.aio import TableClient

from publisher.settings import PublicationSettings
from publisher.table import Row, Table
from verdicts.exports.lines import DamagedLine, UnexportableRow, line_of, row_of, values_of

VALUES: dict[str, Any] = {
    "binary": bytes(range(256)),
    "boolean": True,
    "int32": -(2**31),
    "int64": EntityProperty(2**63 - 1, EdmType.INT64),
    "small_int64": EntityProperty(7, EdmType.INT64),
    "double": 0.1 + 0.2,
    "whole_double": 5.0,
    "infinite": -math.inf,
    "no_number": math.nan,
    "guid": uuid.UUID("7e57ab1e-0000-4000-8000-000000000001"),
    "time": EntityProperty("2026-11-27T02:27:00.1234567Z", EdmType.DATETIME),
    "text": "Straße 東京 'quoted' \"twice\"\n\tand a tab",
    "number_as_text": "00042",
    "empty": "",
}


async def stored(settings: PublicationSettings, row_key: str) -> Row:
    async with Table(settings.storage, "oddities", what="table") as table:
        row = await table.get("p", row_key)
    assert row is not None
    return row


async def test_every_type_that_a_table_has_comes_back_as_it_was(publication: PublicationSettings) -> None:
    async with TableClient.from_connection_string(publication.storage.connection_string or "", "oddities") as client:
        await client.create_table()
        await client.create_entity({"PartitionKey": "p", "RowKey": "before", **VALUES})
        before = await stored(publication, "before")

        restored = row_of(line_of(before))
        async with Table(publication.storage, "oddities", what="table") as table:
            await table.insert("p", "after", restored.properties)
        after = await stored(publication, "after")

    assert values_of(after) == values_of(before) == values_of(restored)
    assert values_of(after)["time"] == ("Edm.DateTime", "2026-11-27T02:27:00.1234567Z"), "with its seventh digit"
    assert {name: kind for name, (kind, _) in values_of(after).items()} == {
        "binary": "Edm.Binary",
        "boolean": "Edm.Boolean",
        "int32": "Edm.Int32",
        "int64": "Edm.Int64",
        "small_int64": "Edm.Int64",
        "double": "Edm.Double",
        "whole_double": "Edm.Double",
        "infinite": "Edm.Double",
        "no_number": "Edm.Double",
        "guid": "Edm.Guid",
        "time": "Edm.DateTime",
        "text": "Edm.String",
        "number_as_text": "Edm.String",
        "empty": "Edm.String",
    }
    assert after.properties["binary"] == VALUES["binary"]
    assert restored.written_at is not None, "when the row was written is known as well"


def test_half_a_surrogate_pair_goes_through_a_line() -> None:
    row = Row("p", "r\ud800", "", {"text": "\udc00 and more"})

    assert (row_of(line_of(row)).row_key, row_of(line_of(row)).properties) == ("r\ud800", {"text": "\udc00 and more"})


def test_a_value_that_could_not_be_restored_is_no_row_of_an_export() -> None:
    for value in ({"a": 1}, EntityProperty("Edm.Tomorrow", "x"), None):  # type: ignore[arg-type]
        with pytest.raises(UnexportableRow, match="p/r: odd has a value of an unknown type"):
            line_of(Row("p", "r", "", {"odd": value}))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"keys": ["p"], "values": {}}',
        b'{"keys": ["p", "r"], "values": {"a": ["Edm.Int32", "x"]}}',
        b'{"keys": ["p", "r"], "values": {"a": ["Edm.Boolean", "maybe"]}}',
        b'{"keys": ["p", "r"], "values": {"a": ["Edm.Tomorrow", "x"]}}',
        b'{"keys": ["p", "r"], "values": {"a": ["Edm.Binary", "%%%"]}}',
        b'{"keys": ["p", "r"], "values": {}, "more": 1}',
        b"[" * 100_000,
    ],
)
def test_what_no_export_wrote_is_damaged(line: bytes) -> None:
    with pytest.raises(DamagedLine):
        row_of(line)


def test_a_time_that_the_program_made_itself_is_told_in_utc() -> None:
    row = Row("p", "r", "", {"time": datetime(2026, 11, 27, tzinfo=UTC)})

    assert json.loads(line_of(row))["values"]["time"] == ["Edm.DateTime", "2026-11-27T00:00:00.000000Z"]
