"""Checks that tables, data collection rule and Python rows have the same columns."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.bicep_source import BicepFile
from sandbox.workspace.schema import TABLES_DIRECTORY, read_tables
from verdicts.facts import ApplicationFacts, AssignmentFacts
from verdicts.publication import Publication
from verdicts.rows import result_columns, verdict_rows

if TYPE_CHECKING:
    from sandbox.workspace.schema import Column

PROJECT: Final = Path(__file__).resolve().parent.parent
MODULES: Final = PROJECT / "infra" / "modules"
ROW_BUILDERS: Final = {
    "PolicyComplianceStates_CL": (
        "collector/reporting/rows.py",
        ("StateRows", "definition_rows", "_display_name_column", "resource_columns", "state_row"),
    ),
    "PolicyCollectionResults_CL": ("collector/reporting/rows.py", ("result_row",)),
    "PolicyCollectionRuns_CL": ("collector/reporting/rows.py", ("run_row",)),
    "ManagedApplicationEvents_CL": ("registry/events.py", ("Event",)),
    "ManagedApplicationAudit_CL": ("publisher/audit/row.py", ("AuditRow",)),
}
"""Which file and which classes or functions in it build the rows of a table; the ledger renders further columns."""

STAMPED: Final = {"ManagedApplicationAudit_CL": {"Writer"}}
"""Columns that the data collection rule writes, and no program."""

STREAM_TYPES: Final = frozenset({"string", "int", "long", "real", "boolean", "datetime", "dynamic"})
RESERVED_NAMES: Final = frozenset({"_ResourceId", "id", "_SubscriptionId", "TenantId", "Type", "UniqueId", "Title"})
_COLUMN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,44}")
_ROW_KEY: Final = re.compile(r"[A-Z][A-Za-z_]+")


_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


def rendered_columns() -> dict[str, set[str]]:
    """Return, by table, the columns that rows have which are rendered from the ledger: those of rows about anything."""
    assignment = AssignmentFacts("/a", "a", _SOME_TIME, _SOME_TIME)
    texts = ("/application", "subscription", "/group", _SOME_TIME, "name", "customer", "plan", "1.0.0", "run")
    facts = ApplicationFacts(*texts, _SOME_TIME, _SOME_TIME, assignments={assignment.id: assignment})
    publication = Publication("run", _SOME_TIME, None)
    [verdict] = verdict_rows(facts, publication)
    return {"PolicyVerdicts_CL": set(verdict), "PolicyCollectionResults_CL": set(result_columns(facts, publication))}


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
    rendered = rendered_columns()
    for name, table in known.items():
        declared = {column.name for column in table.columns} - STAMPED.get(name, set())
        source, definitions = ROW_BUILDERS.get(name, ("verdicts/rows.py", ()))
        built = rendered.get(name, set()) | (built_columns(project / source, definitions) if definitions else set())
        found += [f"{name}: {source} does not write {column}" for column in sorted(declared - built)]
        found += [f"{name}: {source} writes {column}, which is no column" for column in sorted(built - declared)]
    loaded = {Path(use.text).name for use in BicepFile(modules / "monitoring.bicep").loaded_files}
    found += [
        f"{path.name} is not loaded by monitoring.bicep"
        for path in sorted(tables.glob("*.json"))
        if path.name not in loaded
    ]
    rule = BicepFile(modules / "data_collection.bicep").text
    monitoring = BicepFile(modules / "monitoring.bicep")
    keys = [*monitoring.object_keys("definitions"), *monitoring.object_keys("auditDefinition")]
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
