"""What a policy assignment judges, taken from ARM's document in a form in which two assignments can be compared.

Sources: the REST specification of Microsoft.Authorization/policyAssignments (notScopes, resourceSelectors, overrides,
enforcementMode, definitionVersion), and Azure Policy's documentation of the assignment structure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from publisher.resource_ids import fold
from publisher.resource_manager import text_at
from registry.managed_application import Posture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST_VALUE: Final = 120
"""Characters of a parameter's value that are kept as they are; of a longer one its hash is."""

_DISABLED: Final = "disabled"
_NOT_ENFORCED: Final = frozenset({"donotenforce"})


@dataclass(frozen=True, slots=True)
class Definition:
    """What was read of a definition or initiative; empty when it cannot be read.

    `members` are the folded ids of the definitions inside an initiative. `defaults` has the default value of each
    parameter as JSON, by folded name. `effects` has each folded reference ("" outside an initiative) and its effect, or
    `parameter:` and the folded name of the parameter that sets it.
    """

    known_at: float
    name: str = ""
    members: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    effects: tuple[tuple[str, str], ...] = ()


def posture_of(document: Mapping[str, Any], definition: Definition) -> Posture:
    """Return what an assignment judges; `definition` is what could be read of the assigned definition or initiative."""
    properties = document.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    parameters = _values(properties.get("parameters"))
    overrides = _list(properties.get("overrides"))
    return Posture(
        definition_version=text_at(properties, "definitionVersion"),
        parameters=tuple((name, _kept(value)) for name, value in sorted(parameters.items())),
        at_default=tuple(name for name, value in sorted(parameters.items()) if definition.defaults.get(name) == value),
        not_scopes=tuple(sorted(fold(one) for one in _list(properties.get("notScopes")) if isinstance(one, str))),
        selectors=canonical(_list(properties.get("resourceSelectors"))),
        overrides=canonical(overrides),
        enforced=fold(text_at(properties, "enforcementMode")) not in _NOT_ENFORCED,
        disabled=_disabled(parameters, overrides, definition),
        references=max(1, len(definition.effects)),
        changed_at=_changed_at(document),
    )


def kept_value(value: Any) -> str:
    """Return a parameter's value as a posture has it: canonical JSON, the hash of it where that is long."""
    return _kept(canonical(value))


def _disabled(
    parameters: Mapping[str, str], overrides: Iterable[Any], definition: Definition
) -> tuple[str, ...] | None:
    """Return the folded references whose effect is Disabled, "" outside an initiative; None when it is not known."""
    overridden = _overridden(overrides)
    if not definition.effects:
        if overridden.get(None) == _DISABLED:
            return ("",)
        # Built-in definitions take their effect from a parameter of this name; others cannot be read by us.
        effect = _plain(parameters.get("effect"))
        return ("",) if effect == _DISABLED else None
    found = []
    for reference, effect in definition.effects:
        named = effect.removeprefix("parameter:") if effect.startswith("parameter:") else None
        value = effect if named is None else _plain(parameters.get(named, definition.defaults.get(named)))
        if overridden.get(reference, overridden.get(None, value)) == _DISABLED:
            found.append(reference)
    return tuple(sorted(found))


def _overridden(overrides: Iterable[Any]) -> dict[str | None, str]:
    """Return the effects that overrides of kind policyEffect set, by folded reference; None for all of them."""
    found: dict[str | None, str] = {}
    for override in overrides:
        if not isinstance(override, dict) or fold(text_at(override, "kind")) != "policyeffect":
            continue
        effect = fold(text_at(override, "value"))
        selectors = [one for one in _list(override.get("selectors")) if isinstance(one, dict)]
        references = [
            fold(reference)
            for one in selectors
            if fold(text_at(one, "kind")) == "policydefinitionreferenceid"
            for reference in _list(one.get("in"))
            if isinstance(reference, str)
        ]
        if not selectors:
            found.setdefault(None, effect)
        for reference in references:
            found.setdefault(reference, effect)
    return found


def _values(parameters: Any) -> dict[str, str]:
    """Return the parameters' values as canonical JSON by folded name."""
    if not isinstance(parameters, dict):
        return {}
    return {
        fold(name): canonical(one.get("value"))
        for name, one in parameters.items()
        if isinstance(name, str) and isinstance(one, dict) and "value" in one
    }


def canonical_defaults(parameters: Any) -> dict[str, str]:
    """Return the default values in a definition's `parameters`, as canonical JSON by folded name."""
    if not isinstance(parameters, dict):
        return {}
    return {
        fold(name): canonical(one["defaultValue"])
        for name, one in parameters.items()
        if isinstance(name, str) and isinstance(one, dict) and "defaultValue" in one
    }


def canonical(value: Any) -> str:
    """Return JSON with sorted keys; "" for nothing. Lists keep their order, except lists of text."""
    if value in (None, [], {}):
        return ""
    try:
        return orjson.dumps(_ordered(value), option=orjson.OPT_SORT_KEYS).decode()
    except (TypeError, RecursionError, orjson.JSONEncodeError):
        return "?"


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _ordered(member) for name, member in value.items()}
    if isinstance(value, list):
        members = [_ordered(member) for member in value]
        return sorted(members) if all(isinstance(member, str) for member in members) else members
    return value


def _kept(value: str) -> str:
    if len(value) <= _LONGEST_VALUE:
        return value
    return f"sha256:{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()}"


def _plain(value: str | None) -> str:
    """Return a JSON text's folded content: effects are compared without regard to letter case."""
    return fold((value or "").strip('"'))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _changed_at(document: Mapping[str, Any]) -> datetime | None:
    """Return when Azure says that the assignment was last written: systemData, else the metadata."""
    for path in (
        ("systemData", "lastModifiedAt"),
        ("properties", "metadata", "updatedOn"),
        ("properties", "metadata", "createdOn"),
    ):
        moment = time_at(document, *path)
        if moment is not None:
            return moment
    return None


def time_at(document: Mapping[str, Any], *path: str) -> datetime | None:
    """Return the time at a path of member names, in UTC; None when there is none that can be read."""
    try:
        moment = datetime.fromisoformat(text_at(document, *path))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
