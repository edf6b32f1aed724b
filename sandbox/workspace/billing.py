"""What Log Analytics bills for a row, its columns `_BilledSize` and `_IsBillable`, and the table Usage.

Billed is the text of what the columns hold, without their names, and without the columns that Azure adds to every
table (`_ResourceId`, `_SubscriptionId`, `_ItemId`, `_IsBillable`, `_BilledSize`, `Type`). How a number or a time is
spelled is not documented: here as in the row that was sent.
Sources: https://learn.microsoft.com/azure/azure-monitor/logs/cost-logs#data-size-calculation;
https://learn.microsoft.com/azure/azure-monitor/reference/tables/usage (both columns, and the table, with their types).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sandbox.workspace.column_values import MAX_TEXT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SIZE: Final = "_BilledSize"
RECEIVED_AT: Final = "received at"
"""Name of a column beside those of the table: when the row came in, by which Usage counts it."""

STORED: Final[Mapping[str, str]] = {SIZE: "DOUBLE", RECEIVED_AT: "TIMESTAMP"}
"""What a stored row has beside its columns, with DuckDB's types."""

SHOWN: Final = (SIZE, "_IsBillable")
"""Columns that a query sees only when it names one of them, as in Azure; they are a real and a text."""

SELECTED: Final = f""""{SIZE}", 'True' AS "{SHOWN[1]}\""""
"""They as SQL selects them."""

SCHEMA: Final = "billed"
"""The database schema whose views have these columns too."""

USAGE: Final = "Usage"
USAGE_COLUMNS: Final = (
    "TimeGenerated",
    "StartTime",
    "EndTime",
    "DataType",
    "Quantity",
    "QuantityUnit",
    "IsBillable",
    "Solution",
)
_NAMED: Final = re.compile(rf"\b(?:{'|'.join(SHOWN)})\b")


def names_billing(query: str) -> bool:
    """Tell whether a query names a column of SHOWN."""
    return _NAMED.search(query) is not None


def billed_bytes(columns: Mapping[str, Any]) -> int:
    """Return what is billed for a row of these values; a column without a value costs nothing."""
    return len("".join([str(value) for value in columns.values() if value is not None]).encode("utf-8", "replace"))


def billed_size(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> int:
    """Return what is billed for a row: of what was sent, the values that were stored, and of a long text that part."""
    return billed_bytes(dict(_kept(sent, stored)))


def _kept(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in stored.items():
        original = sent.get(name)
        is_long = isinstance(original, str) and len(original) > MAX_TEXT_BYTES // 4  # it may have been cut
        if value is not None:
            yield name, value if original is None or is_long else original


def usage_view(tables: Iterable[str]) -> str:
    """Return the SQL of the table Usage: a row for each table and hour in which rows came in, also the present hour."""
    parts = " UNION ALL ".join(
        f"SELECT '{name}' AS \"DataType\", date_trunc('hour', \"{RECEIVED_AT}\") AS hour, "  # noqa: S608 - names from infra/tables
        f'"{SIZE}" AS size FROM stored."{name}" WHERE "{RECEIVED_AT}" <= getvariable(\'as_of\')'
        for name in tables
    )
    values = (
        "hour",
        "hour",
        "hour + INTERVAL 1 HOUR",
        '"DataType"',
        "sum(size) / 1e6",
        "'MBytes'",
        "true",
        "'LogManagement'",
    )
    columns = ", ".join(f'{value} AS "{name}"' for value, name in zip(values, USAGE_COLUMNS, strict=True))
    return (
        f'CREATE VIEW "{USAGE}" AS SELECT {columns} FROM ({parts}) '  # noqa: S608 - names from infra/tables
        "WHERE (getvariable('span_start') IS NULL OR hour >= getvariable('span_start')) "
        "AND (getvariable('span_end') IS NULL OR hour <= getvariable('span_end')) "
        'GROUP BY hour, "DataType"'
    )
