"""The types of Azure's tables and answers, and DuckDB's that stand for them."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

DUCKDB_TYPES: Final[Mapping[str, str]] = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "boolean": "BOOLEAN",
    "dateTime": "TIMESTAMP",
    "guid": "UUID",
    "dynamic": "JSON",
}

KUSTO_TYPES: Final[Mapping[str, str]] = {
    "VARCHAR": "string",
    "INTEGER": "int",
    "BIGINT": "long",
    "HUGEINT": "long",
    "DOUBLE": "real",
    "BOOLEAN": "bool",
    "TIMESTAMP": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
    "INTERVAL": "timespan",
    "UUID": "guid",
    "JSON": "dynamic",
}
"""By DuckDB type: the type as the query API spells it; a list or a struct is dynamic."""


def naive(moment: datetime) -> datetime:
    """Return a moment in UTC without its zone: DuckDB's TIMESTAMP has none."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def kusto_type(duckdb_type: str) -> str:
    """Return a type of DuckDB's as the query API spells it."""
    return "real" if duckdb_type.startswith("DECIMAL") else KUSTO_TYPES.get(duckdb_type, "dynamic")


READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "datetime": lambda value: value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC),
    "dynamic": lambda value: json.loads(value) if isinstance(value, str) else value,
    "guid": str,
    "real": float,
}
"""By type of the query API: what makes DuckDB's value one of QueryResult; a type that is not here needs nothing."""
