"""Checks that tables, data collection rule and Python rows have the same columns."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.bicep_source import BicepFile
from sandbox.schema import TABLES_DIRECTORY, read_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT: Final = Path(__file__).resolve().parent.parent
MODULES: Final = PROJECT / "infra" / "modules"
ROWS: Final = PROJECT / "collector" / "rows.py"

ROW_BUILDERS: Final = {
    "PolicyComplianceStates_CL": "StateRows",
    "PolicyCollectionResults_CL": "result_row",
    "PolicyCollectionRuns_CL": "run_row",
}
"""Which class or function of collector/rows.py builds the rows of a table."""

STREAM_TYPES: Final = frozenset({"string", "int", "long", "real", "boolean", "datetime", "dynamic"})
RESERVED_NAMES: Final = frozenset({"_ResourceId", "id", "_SubscriptionId", "TenantId", "Type", "UniqueId", "Title"})
_COLUMN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,44}")
_ROW_KEY: Final = re.compile(r"[A-Z][A-Za-z_]+")


def built_columns(name: str, source: Path = ROWS) -> set[str]:
    """Return the column names that a class or function of the source writes: the texts that are keys of its dicts."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    definition = next(node for node in ast.walk(tree) if getattr(node, "name", None) == name)
    dicts = (node for node in ast.walk(definition) if isinstance(node, ast.Dict))
    keys = (key.value for node in dicts for key in node.keys if isinstance(key, ast.Constant))
    return {key for key in keys if isinstance(key, str) and _ROW_KEY.fullmatch(key)}


def problems(
    tables: Path = TABLES_DIRECTORY,
    modules: Path = MODULES,
    rows: Path = ROWS,
    builders: Mapping[str, str] = ROW_BUILDERS,
) -> list[str]:
    """Return one line for each column or table that the sides disagree on; empty when all agree."""
    known = read_tables(tables)
    found = []
    for table in known.values():
        found += [f"{table.name}: {message}" for message in _declaration_problems(table.columns)]
    for name, builder in builders.items():
        declared = {column.name for column in known[name].columns}
        built = built_columns(builder, rows)
        found += [f"{name}: {builder} does not write {column}" for column in sorted(declared - built)]
        found += [f"{name}: {builder} writes {column}, which is no column" for column in sorted(built - declared)]
    loaded = {Path(use.text).name for use in BicepFile(modules / "monitoring.bicep").loaded_files}
    found += [
        f"{path.name} is not loaded by monitoring.bicep"
        for path in sorted(tables.glob("*.json"))
        if path.name not in loaded
    ]
    rule = BicepFile(modules / "data_collection.bicep").text
    keys = BicepFile(modules / "monitoring.bicep").object_keys("definitions")
    found += [
        f"data_collection.bicep declares no stream for {key}"
        for key in keys
        if f"'Custom-${{definitions.{key}.name}}': {{" not in rule
    ]
    return found


def _declaration_problems(columns: tuple[object, ...]) -> list[str]:
    found = []
    names = [getattr(column, "name") for column in columns]  # noqa: B009
    for column in columns:
        name, stream_type = getattr(column, "name"), getattr(column, "stream_type")  # noqa: B009
        if stream_type not in STREAM_TYPES:
            found.append(f"{name}: a stream has no type {stream_type}")
        if name in RESERVED_NAMES or not _COLUMN_NAME.fullmatch(name):
            found.append(f"{name} is no name for a column")
    if len(set(names)) < len(names):
        found.append("a column is declared twice")
    if "TimeGenerated" not in names:
        found.append("TimeGenerated is missing")
    return found
