"""Checks that tables, data collection rule and Python rows have the same columns."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.bicep_source import BicepFile
from sandbox.workspace.schema import TABLES_DIRECTORY, read_tables

if TYPE_CHECKING:
    from sandbox.workspace.schema import Column

PROJECT: Final = Path(__file__).resolve().parent.parent
MODULES: Final = PROJECT / "infra" / "modules"
ROW_BUILDERS: Final = {
    "PolicyVerdicts_CL": (
        (
            "verdicts/rows.py",
            (
                "_verdict_row",
                "_verdict_columns",
                "_guard_columns",
                "_acceptance_columns",
                "_label_columns",
                "_alarm_columns",
            ),
        ),
    ),
    "PolicyComplianceStates_CL": (("collector/reporting/rows.py", ("StateRows", "state_row")),),
    "PolicyCollectionResults_CL": (
        ("collector/reporting/rows.py", ("result_row",)),
        ("verdicts/rows.py", ("result_columns",)),
    ),
    "PolicyCollectionRuns_CL": (("collector/reporting/rows.py", ("run_row",)),),
    "ManagedApplicationEvents_CL": (("registry/events.py", ("Event",)),),
}
"""The files, and the classes or functions in them, that build the rows of a table."""

STREAM_TYPES: Final = frozenset({"string", "int", "long", "real", "boolean", "datetime", "dynamic"})
RESERVED_NAMES: Final = frozenset({"_ResourceId", "id", "_SubscriptionId", "TenantId", "Type", "UniqueId", "Title"})
_COLUMN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,44}")
_ROW_KEY: Final = re.compile(r"[A-Z][A-Za-z_]+")


def built_columns(source: Path, definitions: tuple[str, ...]) -> set[str]:
    """Return the column names that definitions in a source write: the texts that are keys of their dicts."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    builders = (node for node in ast.walk(tree) if getattr(node, "name", None) in definitions)
    dicts = (node for builder in builders for node in ast.walk(builder) if isinstance(node, ast.Dict))
    keys = (key.value for node in dicts for key in node.keys if isinstance(key, ast.Constant))
    return {key for key in keys if isinstance(key, str) and _ROW_KEY.fullmatch(key)}


def problems(tables: Path = TABLES_DIRECTORY, modules: Path = MODULES, project: Path = PROJECT) -> list[str]:
    """Return one line for each column or table that the sides disagree on; empty when all agree."""
    known = read_tables(tables)
    found = [f"{table.name}: {message}" for table in known.values() for message in _declaration_problems(table.columns)]
    for name, builders in ROW_BUILDERS.items():
        declared = {column.name for column in known[name].columns}
        built = {source: built_columns(project / source, definitions) for source, definitions in builders}
        found += [
            f"{name}: {' and '.join(built)} write no {one}" for one in sorted(declared.difference(*built.values()))
        ]
        found += [
            f"{name}: {source} writes {column}, which is no column"
            for source, columns in built.items()
            for column in sorted(columns - declared)
        ]
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


def _declaration_problems(columns: tuple[Column, ...]) -> list[str]:
    found = []
    for column in columns:
        if column.stream_type not in STREAM_TYPES:
            found.append(f"{column.name}: a stream has no type {column.stream_type}")
        if column.name in RESERVED_NAMES or not _COLUMN_NAME.fullmatch(column.name):
            found.append(f"{column.name} is no name for a column")
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        found.append("a column is declared twice")
    if "TimeGenerated" not in names:
        found.append("TimeGenerated is missing")
    return found
