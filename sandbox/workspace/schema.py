"""Reads the tables' columns from infra/tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLES_DIRECTORY: Final = Path(__file__).resolve().parents[2] / "infra" / "tables"

COLUMN_TYPES: Final = frozenset({"string", "int", "long", "real", "boolean", "dateTime", "guid", "dynamic"})
"""The types that the Tables API knows (FACTS 3.5); a data collection rule's stream spells them in lower case."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, its type spelled as the Tables API spells it."""

    name: str
    type: str
    description: str

    @property
    def stream_type(self) -> str:
        """The same type in the spelling of a data collection rule's stream."""
        return self.type.lower()


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One custom table of the Log Analytics workspace."""

    name: str
    description: str
    columns: tuple[Column, ...]

    @property
    def stream_name(self) -> str:
        """Name of the data collection rule's stream that feeds the table."""
        return f"Custom-{self.name}"

    def column(self, name: str) -> Column:
        """Return the column with exactly this name (names are case-sensitive in Azure); KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def read_table(path: Path) -> TableSchema:
    """Read one table file; ValueError when it declares a type that Azure does not have."""
    document = json.loads(path.read_text(encoding="utf-8"))
    columns = tuple(Column(entry["name"], entry["type"], entry["description"]) for entry in document["columns"])
    for column in columns:
        if column.type not in COLUMN_TYPES:
            raise ValueError(f"{path.name}: column {column.name} has the unknown type {column.type!r}")
    return TableSchema(document["name"], document["description"], columns)


def read_tables(directory: Path = TABLES_DIRECTORY) -> Mapping[str, TableSchema]:
    """Return every table of the project by its name."""
    tables = (read_table(path) for path in sorted(directory.glob("*.json")))
    return {table.name: table for table in tables}
