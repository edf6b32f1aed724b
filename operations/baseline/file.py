"""The file of a declared baseline: a JSON object with the assignments as `baseline --from … --dry-run --json` has them.

Every mistake is told with the file's line and the field. docs/operations.md describes the fields.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from operations.baseline.json_lines import BadJson, read
from publisher.resource_ids import fold
from registry.managed_application import ExpectedAssignment, Posture
from registry.policies.postures import canonical, kept_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from operations.baseline.json_lines import Path as JsonPath

_MOST_BYTES: Final = 1_000_000
_RELATIVE_ID: Final = re.compile(
    r"(?:providers/[^?#%\\]+/providers/microsoft\.authorization/policyassignments/)?[^/?#%\\]+"
)
_DEFINITION_ID: Final = re.compile(
    r"(?:/[^?#%\\]+)?/providers/microsoft\.authorization/(?:policydefinitions|policysetdefinitions)/[^/?#%\\]+"
)
_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_MEMBERS: Final = frozenset({"plan", "version", "offer", "assignments"})


class BadFile(Exception):  # noqa: N818 - named for what it tells
    """The file cannot be used; the message has file, line and field."""


@dataclass(frozen=True, slots=True)
class BaselineFile:
    """What a file declares. Ids of assignments are relative to the managed resource group, and folded."""

    plan: str
    version: str
    offer: str
    assignments: tuple[ExpectedAssignment, ...]
    lines: Mapping[JsonPath, int]


def read_baseline(path: Path) -> BaselineFile:
    """Return what a file declares; raise BadFile."""
    try:
        content = path.read_bytes()[: _MOST_BYTES + 1]
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} cannot be read: {error}") from error
    if len(content) > _MOST_BYTES:
        raise BadFile(f"{path} has more than {_MOST_BYTES:,} bytes")
    try:
        value, lines = read(text)
    except BadJson as error:
        raise BadFile(f"{path}:{error.line}: {error}") from error
    return _Reader(path, lines).baseline(value)


def as_member(relative_id: str, assignment: ExpectedAssignment) -> dict[str, Any]:
    """Return an assignment as the file has it."""
    posture = assignment.posture or Posture()
    return {
        "id": relative_id,
        "display_name": assignment.display_name,
        "definition_id": assignment.definition_id,
        "definition_display_name": assignment.definition_display_name,
        "definition_version": posture.definition_version,
        "parameters": {name: _value(text) for name, text in posture.parameters},
        "at_default": list(posture.at_default),
        "not_scopes": list(posture.not_scopes),
        "selectors": _value(posture.selectors) or [],
        "overrides": _value(posture.overrides) or [],
        "enforced": posture.enforced,
        "disabled": None if posture.disabled is None else list(posture.disabled),
        "references": posture.references,
    }


class _Reader:
    """Checks a file's values; each complaint names the line and the field."""

    def __init__(self, path: Path, lines: Mapping[JsonPath, int]) -> None:
        self._path = path
        self._lines = lines

    def baseline(self, value: Any) -> BaselineFile:
        self._members((), value, _MEMBERS)
        assignments = value.get("assignments")
        if not isinstance(assignments, list) or not assignments:
            raise self._bad(("assignments",), "must be a list with at least one assignment")
        found: dict[str, ExpectedAssignment] = {}
        for position, one in enumerate(assignments):
            read_one = self._assignment(("assignments", position), one)
            if read_one.id in found:
                raise self._bad(("assignments", position, "id"), "names an assignment that is in the list already")
            found[read_one.id] = read_one
        return BaselineFile(
            self._text((), value, "plan", is_needed=True),
            self._text((), value, "version"),
            self._text((), value, "offer"),
            tuple(found.values()),
            self._lines,
        )

    def _assignment(self, path: JsonPath, value: Any) -> ExpectedAssignment:
        self._members(path, value, _ASSIGNMENT_MEMBERS)
        definition_id = self._text(path, value, "definition_id", is_needed=True)
        if not _DEFINITION_ID.fullmatch(fold(definition_id)):
            raise self._bad((*path, "definition_id"), "is not the id of a policy definition or initiative")
        return ExpectedAssignment(
            self._relative_id(path, value),
            self._text(path, value, "display_name"),
            fold(definition_id),
            self._text(path, value, "definition_display_name"),
            self._posture(path, value),
        )

    def _relative_id(self, path: JsonPath, value: Any) -> str:
        relative = fold(self._text(path, value, "id", is_needed=True)).lstrip("/")
        if not _RELATIVE_ID.fullmatch(relative) or "/../" in relative:
            message = "is neither the name of an assignment nor its id from the managed resource group on"
            raise self._bad((*path, "id"), message)
        return relative

    def _posture(self, path: JsonPath, value: Any) -> Posture:
        parameters = value.get("parameters", {})
        if not isinstance(parameters, dict):
            raise self._bad((*path, "parameters"), "must be an object with a value for each parameter")
        disabled = self._texts(path, value, "disabled") if value.get("disabled", []) is not None else None
        references = value.get("references", 1)
        if not isinstance(references, int) or isinstance(references, bool) or references < 1:
            raise self._bad((*path, "references"), "must be a number from 1 on")
        if not isinstance(value.get("enforced", True), bool):
            raise self._bad((*path, "enforced"), "must be true or false")
        return Posture(
            definition_version=self._text(path, value, "definition_version"),
            parameters=tuple(sorted((fold(name), _kept(one)) for name, one in parameters.items())),
            not_scopes=self._texts(path, value, "not_scopes"),
            at_default=self._texts(path, value, "at_default"),
            selectors=self._objects(path, value, "selectors"),
            overrides=self._objects(path, value, "overrides"),
            enforced=value.get("enforced", True),
            disabled=disabled,
            references=references,
        )

    def _texts(self, path: JsonPath, value: Any, name: str) -> tuple[str, ...]:
        texts = value.get(name, [])
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
            raise self._bad((*path, name), "must be a list of texts")
        return tuple(sorted({fold(one) for one in texts}))

    def _objects(self, path: JsonPath, value: Any, name: str) -> str:
        objects = value.get(name, [])
        if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
            raise self._bad((*path, name), "must be a list of objects")
        return canonical(objects)

    def _text(self, path: JsonPath, value: Any, name: str, *, is_needed: bool = False) -> str:
        text = value.get(name, "")
        if not isinstance(text, str):
            raise self._bad((*path, name), "must be text")
        if is_needed and not text.strip():
            raise self._bad((*path, name), "is missing")
        return text.strip()

    def _members(self, path: JsonPath, value: Any, known: frozenset[str]) -> None:
        if not isinstance(value, dict):
            raise self._bad(path, "must be an object")
        for name in value:
            if name not in known:
                raise self._bad((*path, name), f"is no field; fields are {', '.join(sorted(known))}")

    def _bad(self, path: JsonPath, message: str) -> BadFile:
        return bad_field(self._path, self._lines, path, message)


def bad_field(file: Path, lines: Mapping[JsonPath, int], path: JsonPath, message: str) -> BadFile:
    """Return the complaint about a field: with the line of the nearest value around it that is there."""
    around = next(path[:length] for length in range(len(path), -1, -1) if path[:length] in lines)
    field = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path).removeprefix(".")
    return BadFile(f"{file}:{lines[around]}: {field or 'the file'} {message}")


def _value(text: str) -> Any:
    """Return the value that canonical JSON stands for, None for ""; a hash, which is no JSON, as it is."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _kept(value: Any) -> str:
    is_hash = isinstance(value, str) and _HASH.fullmatch(value)
    return value if is_hash else kept_value(value)


_ASSIGNMENT_MEMBERS: Final = frozenset(as_member("", ExpectedAssignment("", "", "", "")))
