"""Checks what people look at: the workbook, the saved queries, the security alerts. Layouts, lists and every query.

Queries are checked by the language service like the alert rules', with workbook parameters filled in and Azure's own
tables (checks/azure_tables.json) beside the product's.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from checks.alert_queries import query_problems
from checks.alert_rules import result_problems, rule_problems
from checks.bicep_source import BicepFile
from checks.kql import analyse
from checks.scans.states import DRILL_DOWNS, state_problems
from sandbox.workspace.schema import Column, TableSchema, read_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INFRASTRUCTURE: Final = Path(__file__).resolve().parent.parent / "infra"
AZURE_TABLES: Final = Path(__file__).with_name("azure_tables.json")
LAYOUT: Final = "workbooks/compliance.workbook.json"
PLACEHOLDERS: Final = {
    "{Customer}": "'*'",
    "{SelectedApplication}": "",
    "{frontPrincipalId}": "00000000-0000-0000-0000-000000000000",
    "{workerPrincipalId}": "00000000-0000-0000-0000-000000000000",
    "{apiPrincipalId}": "00000000-0000-0000-0000-000000000000",
    "{frontAccount}": "stfront",
    "{workerAccount}": "stworker",
    "{apiAccount}": "stapi",
    "{frontApp}": "func-front",
    "{signatureSecret}": "notification-signature",
    "{credentialSecret}": "publisher-credential",
    "{notificationsQueue}": "notifications",
    "{deploymentContainer}": "deployments",
    "{tenantId}": "00000000-0000-0000-0000-000000000000",
    "{dailyCapGigabytes}": "5",
    'arg("").': "",
}
"""What stands in a query file until the workbook, Bicep or Azure Monitor fills it in."""

EVERYBODY: Final = 'let Only = "";'
SELECTED: Final = "let Only = '{SelectedApplication}';"
OF_A_PERIOD: Final = {"counted": ("latest_run", EVERYBODY)}
STANDING: Final = {
    "fleet": ("applications", EVERYBODY),
    "violations": ("noncompliant_resources", SELECTED),
    "missing": ("states_missing", SELECTED),
}
SHARED: Final = {**OF_A_PERIOD, **STANDING}
"""What the workbook's queries begin with: the name of the block, the query that it ends in, and whom it looks at.

Those of a period follow the workbook's time filter; the others say what stands now, whatever it says.
"""

FIXED_TIME: Final = {"durationMs": 7_776_000_000}
"""Ninety days, the time that is looked at by whatever says what stands now: the queries bound themselves."""

_QUERY_ITEM: Final = 3
_TEXT_ITEM: Final = 1
_LEFT_OVER: Final = re.compile(r"\{[A-Za-z_]\w*\}")


def azure_tables(path: Path = AZURE_TABLES) -> dict[str, TableSchema]:
    """Return the tables that Azure itself fills, as far as our queries use their columns."""
    tables = json.loads(path.read_text(encoding="utf-8"))
    return {
        table["name"]: TableSchema(
            table["name"],
            table["description"],
            tuple(Column(name, kind, "") for name, kind in table["columns"].items()),
        )
        for table in tables
    }


def runnable(path: Path, infrastructure: Path = INFRASTRUCTURE, chosen: Mapping[str, str] | None = None) -> str:
    """Return a query file as it will run: the shared blocks put in, as workbook.bicep does, and placeholders filled.

    `chosen` has other values for placeholders than those of a workbook that was just opened.
    """
    text = path.read_text(encoding="utf-8")
    for name, (query, only) in SHARED.items():
        whole = (infrastructure / "queries" / f"{query}.kql").read_text(encoding="utf-8")
        text = text.replace(f"{{{name}}}", whole.split(f"end {name}")[0].replace(EVERYBODY, only))
    for placeholder, value in {**PLACEHOLDERS, **(chosen or {})}.items():
        text = text.replace(placeholder, value)
    return text


def problems(infrastructure: Path = INFRASTRUCTURE) -> list[str]:
    """Return one line for everything that is wrong; empty when all is well."""
    return [
        *_workbook_problems(infrastructure),
        *_pack_problems(infrastructure),
        *_security_problems(infrastructure),
        *_query_problems(infrastructure),
    ]


def _workbook_problems(infrastructure: Path) -> Iterator[str]:
    try:
        layout = json.loads((infrastructure / LAYOUT).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        yield f"{LAYOUT}: {error}"
        return
    yield from _item_problems(layout["items"])
    askers = [*(item for item in layout["parameters"]), *(item["content"] for item in layout["items"])]
    asked = [asker["query"] for asker in askers if "query" in asker]
    for asker in askers:
        if "query" in asker and not _has_its_time(asker, infrastructure / "workbooks" / f"{asker['query']}.kql"):
            yield f"{LAYOUT}: {asker['query']} looks at another time than it should"
    known = {parameter["name"] for parameter in layout["parameters"]}
    known |= {exported["parameterName"] for asker in askers for exported in asker.get("exportedParameters", [])}
    module = infrastructure / "modules" / "workbook.bicep"
    yield from _listed(LAYOUT, asked, infrastructure / "workbooks", module, "queries")
    for path in sorted((infrastructure / "workbooks").glob("*.kql")):
        wanted = set(_LEFT_OVER.findall(path.read_text(encoding="utf-8"))) - {f"{{{name}}}" for name in SHARED}
        unknown = sorted(name for name in wanted if name[1:-1] not in known)
        yield from (f"{path.name}: the workbook has no parameter {name}" for name in unknown)


def _has_its_time(asker: Mapping[str, Any], query: Path) -> bool:
    """Tell whether what stands now is asked for whatever the time filter says, and everything else follows it."""
    text = query.read_text(encoding="utf-8") if query.is_file() else ""
    if any(f"{{{name}}}" in text for name in STANDING):
        return asker.get("timeContext") == FIXED_TIME and "timeContextFromParameter" not in asker
    return asker.get("timeContextFromParameter") == "TimeRange"


def _item_problems(items: list[dict[str, Any]]) -> Iterator[str]:
    names = [item.get("name") for item in items]
    if len(set(names)) < len(names):
        yield f"{LAYOUT}: two items have the same name"
    for item in items:
        if item.get("type") not in (_TEXT_ITEM, _QUERY_ITEM):
            yield f"{LAYOUT}: {item.get('name')}: items are texts (1) or queries (3)"


def _pack_problems(infrastructure: Path) -> Iterator[str]:
    listed = json.loads((infrastructure / "query_pack" / "queries.json").read_text(encoding="utf-8"))
    asked = [entry["query"] for entry in listed]
    yield from _listed(
        "query_pack/queries.json",
        asked,
        infrastructure / "query_pack",
        infrastructure / "modules" / "query_pack.bicep",
        "texts",
    )
    for entry in listed:
        yield from (
            f"query_pack/queries.json: {entry['query']} has no {key}"
            for key in ("displayName", "description", "labels")
            if not entry.get(key)
        )


def _listed(source: str, asked: list[str], folder: Path, module: Path, variable: str) -> Iterator[str]:
    """A query that is asked for must be in the module's map, and every file and entry must be asked for."""
    offered = BicepFile(module).object_keys(variable)
    files = {path.stem for path in folder.glob("*.kql")}
    yield from (f"{source}: {name} is not in {module.name}" for name in asked if name not in offered)
    yield from (f"{module.name}: {name} is loaded but never shown" for name in offered if name not in asked)
    yield from (f"{folder.name}/{name}.kql is not used" for name in sorted(files - set(asked)))


def _security_rules(infrastructure: Path) -> list[dict[str, Any]]:
    """Return the rules of the security alerts, each with its query (the stem of the file) and a timing of its own."""
    document = json.loads((infrastructure / "security_alerts" / "rules.json").read_text(encoding="utf-8"))
    return [{**rule, "query": rule["name"].replace("-", "_"), "timing": rule["name"]} for rule in document.values()]


def _security_problems(infrastructure: Path) -> Iterator[str]:
    folder = infrastructure / "security_alerts"
    rules = _security_rules(infrastructure)
    interval = "PT1H"
    timings = {
        rule["name"]: {interval: {key: rule[key] for key in ("evaluationFrequency", "windowSize")}} for rule in rules
    }
    catalogue = {"collectionIntervals": {interval: {}}, "timings": timings, "rules": rules}
    yield from (f"security_alerts/rules.json: {message}" for message in rule_problems(catalogue))
    for rule in rules:
        path = folder / f"{rule['query']}.kql"
        if not path.is_file():
            yield f"security_alerts/{path.name} is missing"
            continue
        yield from (
            f"{path.name}:{line}: {message}" for line, message in query_problems(path.read_text(encoding="utf-8"))
        )


def _query_problems(infrastructure: Path) -> Iterator[str]:
    folders = ("workbooks", "query_pack", "security_alerts")
    paths = {
        str(path.relative_to(infrastructure)): path
        for name in folders
        for path in sorted((infrastructure / name).glob("*.kql"))
    }
    texts = {name: runnable(path, infrastructure) for name, path in paths.items()}
    tables = {**read_tables(infrastructure / "tables"), **azure_tables()}
    for name, text in texts.items():
        own = paths[name].read_text(encoding="utf-8")
        is_drill_down = any(f"{{{block}}}" in own for block, (query, _) in SHARED.items() if query in DRILL_DOWNS)
        yield from (f"{name}: {problem}" for problem in state_problems(text, is_drill_down=is_drill_down))
        yield from (f"{name}: {left} is never filled in" for left in sorted(set(_LEFT_OVER.findall(text))))
    analyses = analyse(texts, tables)
    for name, analysis in analyses.items():
        for found in analysis.diagnostics:
            yield f"{name}: {found.code} {found.message} (line {found.line} of the query as it runs)"
    for rule in _security_rules(infrastructure):
        asked = analyses.get(f"security_alerts/{rule['query']}.kql")
        if asked is not None and not asked.diagnostics:
            yield from (f"security_alerts/rules.json: {message}" for message in result_problems(rule, asked.columns))
