"""The tools: one for each operation of openapi.json that answers a question, asked as its HTTP request would be."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

import orjson

from compliance_api import audit, operations, queries, reports
from compliance_api.callers.access import require_querier, require_reader
from compliance_api.description import PREFIX, Operation, resolved
from compliance_api.description import operations as described
from compliance_api.endpoint import AccessCheck, Handler
from compliance_api.http import Request, bad_request
from compliance_api.prometheus.metrics import metrics

HANDLERS: Final[Mapping[str, tuple[Handler, AccessCheck]]] = {
    "getFleet": (operations.fleet_summary, require_reader),
    "listApplications": (operations.applications, require_reader),
    "getApplication": (operations.application, require_reader),
    "getHistory": (operations.history, require_reader),
    "listRuns": (operations.runs, require_reader),
    "listFindings": (reports.list_findings, require_reader),
    "listPlans": (reports.list_plans, require_reader),
    "listExemptions": (reports.list_exemptions, require_reader),
    "getApplicationHistory": (reports.history_of_application, require_reader),
    "listResolved": (audit.list_resolved, require_reader),
    "getApplicationReport": (audit.report_of_application, require_reader),
    "listTables": (queries.list_tables, require_reader),
    "listSavedQueries": (queries.list_saved_queries, require_reader),
    "runSavedQuery": (queries.saved_query, require_reader),
    "queryLogs": (queries.query_logs, require_querier),
    "getMetrics": (metrics, require_reader),
}
"""What answers each tool, and who may call it: the same as at its route."""

NOT_TOOLS: Final = frozenset({"getDescription", "callTools"})
"""Operations that are for programs, not for a language model."""

_NO_ARGUMENTS: Final = frozenset({"format", "api-version"})
"""Parameters that would make an answer no JSON, or that only a client of the HTTP API has a use for."""

_READ_ONLY: Final = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: the operation that it is, and what answers it."""

    operation: Operation
    handler: Handler
    check_access: AccessCheck

    @property
    def name(self) -> str:
        """Return the operationId."""
        return self.operation.id

    def described(self) -> dict[str, Any]:
        """Return the tool as tools/list tells it."""
        content = self.operation.content
        return {
            "name": self.name,
            "title": content["summary"],
            "description": f"{content['summary']}. {content['description']}",
            "inputSchema": self._input_schema(),
            "annotations": _READ_ONLY,
        }

    def request(self, arguments: Mapping[str, Any], caller: Request) -> Request:
        """Return the request that the tool stands for, of the same caller; ProblemError 400 for an unknown argument."""
        known = self._input_schema()["properties"]
        route, parameters, body = {}, {}, {}
        for name, value in arguments.items():
            if name not in known:
                raise bad_request(
                    name[:100], f"There is no such argument here. There are: {', '.join(known) or 'none'}."
                )
            if value is None:
                continue
            place = self.operation.parameters.get(name, {}).get("in", "body")
            if place == "body":
                body[name] = value
            elif place == "path":
                route[name] = _text(name, value)
            else:
                parameters[name] = _text(name, value)
        path = PREFIX + self.operation.path
        for name in (name for name, one in self.operation.parameters.items() if one["in"] == "path"):
            if not route.get(name):
                raise bad_request(name, f"{name} is missing.")
            path = path.replace(f"/{{{name}}}", f"/{quote(route[name].lstrip('/'))}")
        headers = {name: value for name, value in caller.headers.items() if name != "if-none-match"}
        return replace(
            caller,
            method=self.operation.method,
            headers=headers,
            parameters=parameters,
            route=route,
            body=orjson.dumps(body) if body else b"",
            path=path,
        )

    def _input_schema(self) -> dict[str, Any]:
        properties, required = {}, []
        for name, one in self.operation.parameters.items():
            if name in _NO_ARGUMENTS:
                continue
            properties[name] = {**_inlined(one["schema"]), "description": one["description"]}
            required += [name] if one.get("required") else []
        if "requestBody" in self.operation.content:
            schema = resolved(self.operation.content["requestBody"]["content"]["application/json"]["schema"])
            properties |= {name: _inlined(part) for name, part in schema["properties"].items()}
            required += schema.get("required", [])
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def tools() -> dict[str, Tool]:
    """Return every tool by name, in the description's order."""
    return {one.id: Tool(one, *HANDLERS[one.id]) for one in described() if one.id in HANDLERS}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema as JSON Schema spells it: references followed, and `nullable` as a type."""
    found = {name: value for name, value in resolved(schema).items() if name not in ("nullable", "example")}
    if isinstance(found.get("items"), dict):
        found["items"] = _inlined(found["items"])
    if resolved(schema).get("nullable"):
        found["type"] = [found["type"], "null"]
    return found


def _text(name: str, value: Any) -> str:
    """Return an argument as a query or path parameter has it; ProblemError 400 for what is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return ",".join(str(one) for one in value)
    raise bad_request(name, f"{name} is a text, a number, or a list of texts.")
