"""Tables of Azure Resource Graph, queried with KQL in DuckDB.

`policyresources` has policy states as resources, `resources` the managed applications.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import TYPE_CHECKING, Any

import duckdb
import orjson

from sandbox.azure.applications import application_json
from sandbox.workspace.duckdb_types import READERS, kusto_type
from sandbox.workspace.workspace import QueryError, translated
from sandbox.world.state_sources import StateQuery

if TYPE_CHECKING:
    from sandbox.world.customers import Customer

STATES, RESOURCES = "policyresources", "resources"
TABLES = (STATES, RESOURCES)
_JSON = ("sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation")
_COLUMNS = (
    "id",
    "name",
    "type",
    "tenantId",
    "kind",
    "location",
    "resourceGroup",
    "subscriptionId",
    "managedBy",
    *_JSON,
)
_STATE_TYPE = "microsoft.policyinsights/policystates"
_APPLICATION_TYPE = "microsoft.solutions/applications"
_FIRST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
_LAST = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)


def state_rows(customer: Customer) -> list[dict[str, Any]]:
    """The rows of a customer's managed resource group, each with the documents of the state below `properties`."""
    everything = StateQuery(None, None, _FIRST, _LAST)
    states = orjson.loads(b"[" + customer.source.page(everything, 0, 10**9).states + b"]")
    return [_row(customer, state) for state in states]


def application_row(customer: Customer) -> dict[str, Any]:
    """The row of a customer's application. As in Azure, its type is in lower case."""
    document = application_json(customer)
    return dict.fromkeys(_COLUMNS) | {
        **{name: document[name] for name in ("id", "name", "location", "kind", "plan", "properties")},
        "type": _APPLICATION_TYPE,
        "resourceGroup": customer.resource_group.lower(),
        "subscriptionId": customer.subscription_id,
    }


def tables_of(kql: str) -> set[str]:
    """Which of the tables a query names."""
    return {name for name in TABLES if re.search(rf"\b{name}\b", kql, re.IGNORECASE)}


def run(kql: str, tables: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Answer a query over the rows of these tables; raises QueryError."""
    statement, _ = translated(kql, tuple((name, _COLUMNS) for name in TABLES))
    kinds = ", ".join(f'"{name}" {"JSON" if name in _JSON else "VARCHAR"}' for name in _COLUMNS)
    shape = orjson.dumps([{name: "JSON" if name in _JSON else "VARCHAR" for name in _COLUMNS}]).decode()
    with duckdb.connect(config={"threads": 1}) as database:
        for name in TABLES:
            database.execute(f"CREATE TABLE {name} ({kinds})")
            database.execute(
                f"INSERT INTO {name} SELECT unnest(from_json($1, '{shape}'), recursive := true)",
                [orjson.dumps(tables.get(name, [])).decode()],
            )
        try:
            answer = database.execute(statement)
            found = answer.fetchall()
        except duckdb.Error as error:
            raise QueryError("SemanticError", str(error)) from error
        columns = [(column[0], READERS.get(kusto_type(str(column[1])))) for column in answer.description or ()]
    return [
        {
            name: value if read is None or value is None else read(value)
            for (name, read), value in zip(columns, one, strict=True)
        }
        for one in found
    ]


def _row(customer: Customer, state: dict[str, Any]) -> dict[str, Any]:
    properties = {name: value for name, value in state.items() if not name.startswith("@")}
    key = [str(state.get(name)) for name in ("resourceId", "policyAssignmentId", "policyDefinitionReferenceId")]
    name = hashlib.sha256("\n".join([*key, str(state.get("policyDefinitionId"))]).encode()).hexdigest()[:32]
    return dict.fromkeys(_COLUMNS) | {
        "id": f"{state.get('resourceId')}/providers/{_STATE_TYPE}/{name}",
        "name": name,
        "type": _STATE_TYPE,
        "location": "",
        "resourceGroup": customer.managed_resource_group.lower(),
        "subscriptionId": customer.subscription_id,
        "properties": properties,
    }
