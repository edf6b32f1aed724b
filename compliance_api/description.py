"""The OpenAPI description as the code reads it: which operation a request is for, and what its answer has."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent / "openapi.json"
PREFIX: Final = "/api"
_FREE_FORM_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: method, path as described (`/compliance/applications/{id}`), and its own part of the description.

    `parameters` are those parts by name, references followed.
    """

    method: str
    path: str
    content: dict[str, Any]
    parameters: dict[str, dict[str, Any]]

    @property
    def id(self) -> str:
        """Return the operationId."""
        return str(self.content["operationId"])

    def members(self) -> frozenset[str]:
        """Return the members of its JSON answer, dotted from the top (`applications.states.exempt`), through lists."""
        return frozenset(_members(self._schema(), 0))

    def list_member(self) -> str | None:
        """Return the one member at the top of its answer that is a list of objects; None when there is not just one."""
        properties = resolved(self._schema())["properties"]
        lists = [
            name
            for name, schema in properties.items()
            if resolved(schema).get("type") == "array" and resolved(resolved(schema)["items"]).get("type") == "object"
        ]
        return lists[0] if len(lists) == 1 else None

    def _schema(self) -> dict[str, Any]:
        """Return the schema of its whole JSON answer, of which a caller may select members."""
        schema: dict[str, Any] = self.content["responses"]["200"]["content"]["application/json"]["schema"]
        return schema["anyOf"][0] if "anyOf" in schema else schema


@cache
def text() -> bytes:
    """Return the description as it is served."""
    return FILE.read_bytes()


@cache
def document() -> dict[str, Any]:
    """Return the description."""
    content: dict[str, Any] = json.loads(text())
    return content


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation, in the description's order."""
    return tuple(
        Operation(method.upper(), path, content, _parameters(content))
        for path, methods in document()["paths"].items()
        for method, content in methods.items()
    )


def operation_of(method: str, address: str) -> Operation | None:
    """Return the operation that a request's path (`/api/compliance`) is for: the longest that fits, or None."""
    fitting = [one for one in _operations_at(address) if one.method == method]
    return max(fitting, key=lambda one: len(one.path), default=None)


def path_of(address: str) -> str:
    """Return the path as described of what a request's path is for, whatever its method; "" when nothing is there."""
    return max((one.path for one in _operations_at(address)), key=len, default="")


def methods_of(address: str) -> list[str]:
    """Return the methods that a request's path has operations for."""
    return sorted({one.method for one in _operations_at(address)})


def _operations_at(address: str) -> list[Operation]:
    path = address[len(PREFIX) :].rstrip("/")
    return [one for one in operations() if _pattern(one.path).fullmatch(path)]


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the description, or what it refers to."""
    if "$ref" not in part:
        return part
    found: Any = document()
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return resolved(found)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", path)
    text = "".join("(.+)" if part.startswith("{") else re.escape(part) for part in parts)
    return re.compile(text, re.IGNORECASE)  # the host takes paths in any casing


def _parameters(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in map(resolved, content.get("parameters", []))}


def _members(schema: dict[str, Any], depth: int) -> set[str]:
    schema = resolved(schema)
    if schema.get("type") == "array":
        return _members(schema["items"], depth)
    if depth > _FREE_FORM_DEPTH:
        return set()
    found = set()
    for name, part in schema.get("properties", {}).items():
        found |= {name, *(f"{name}.{below}" for below in _members(part, depth + 1))}
    return found
