"""The file of a declared baseline: a JSON object with the assignments as `baseline --from … --dry-run --json` has them.

Every mistake is told with the file's line and the field. docs/operations.md describes the fields.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from operations.files.fields import JsonFile
from publisher.resource_ids import fold
from registry.managed_application import ExpectedAssignment, Posture
from registry.policies.postures import kept_value, overrides_of, selectors_of

if TYPE_CHECKING:
    from pathlib import Path

    from operations.files.json_lines import Path as JsonPath

_RELATIVE_ID: Final = re.compile(
    r"(?:providers/[^?#%\\]+/providers/microsoft\.authorization/policyassignments/)?[^/?#%\\]+"
)
_DEFINITION_ID: Final = re.compile(
    r"(?:/[^?#%\\]+)?/providers/microsoft\.authorization/(?:policydefinitions|policysetdefinitions)/[^/?#%\\]+"
)
_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_MEMBERS: Final = frozenset({"plan", "version", "offer", "assignments"})


@dataclass(frozen=True, slots=True)
class BaselineFile:
    """What a file declares. Ids of assignments are relative to the managed resource group, and folded."""

    plan: str
    version: str
    offer: str
    assignments: tuple[ExpectedAssignment, ...]
    file: JsonFile


def read_baseline(path: Path) -> BaselineFile:
    """Return what a file declares; raise BadFile."""
    return _Reader(JsonFile.load(path)).baseline()


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

    def __init__(self, file: JsonFile) -> None:
        self._file = file
        self._bad = file.bad
        self._text = file.text

    def baseline(self) -> BaselineFile:
        value = self._file.members((), self._file.value, _MEMBERS)
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
            self._file,
        )

    def _assignment(self, path: JsonPath, value: Any) -> ExpectedAssignment:
        self._file.members(path, value, _ASSIGNMENT_MEMBERS)
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
            selectors=selectors_of(self._objects(path, value, "selectors")),
            overrides=overrides_of(self._objects(path, value, "overrides")),
            enforced=value.get("enforced", True),
            disabled=disabled,
            references=references,
        )

    def _texts(self, path: JsonPath, value: Any, name: str) -> tuple[str, ...]:
        texts = value.get(name, [])
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
            raise self._bad((*path, name), "must be a list of texts")
        return tuple(sorted({fold(one) for one in texts}))

    def _objects(self, path: JsonPath, value: Any, name: str) -> list[dict[str, Any]]:
        objects = value.get(name, [])
        if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
            raise self._bad((*path, name), "must be a list of objects")
        return objects


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
