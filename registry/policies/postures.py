"""What a policy assignment judges, taken from ARM's document in a form in which two assignments can be compared.

Sources: the REST specification of Microsoft.Authorization/policyAssignments (notScopes, resourceSelectors, overrides,
enforcementMode, definitionVersion), and Azure Policy's documentation of the assignment structure.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from publisher.lenient_json import has_member, member
from publisher.resource_ids import fold, is_at_or_inside
from publisher.resource_manager import id_at, text_at
from publisher.texts import moment_in
from registry.managed_application import Posture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_LONGEST_VALUE: Final = 120
"""Characters of a parameter's value that are kept as they are; of a longer one its hash is."""

GROUP: Final = "{group}"
"""Stands in a posture for the id of the assignment's resource group."""

_DISABLED: Final = "disabled"
_REFERENCE: Final = "policydefinitionreferenceid"
_INITIATIVE: Final = "/policysetdefinitions/"
_ENFORCED: Final = frozenset({"", "default"})
"""Enroll enforces nothing until a resource is enrolled (reference of azure-sdk: KnownEnforcementMode)."""

_IN_GROUP: Final = re.compile(r"(/subscriptions/[^/]+/resourcegroups/[^/]+)/")


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
    """Return what an assignment judges; `definition` is what could be read of the assigned definition or initiative.

    Ids in the assignment's own resource group begin with `GROUP` instead, so that deployments can be compared.
    """
    properties = member(document, "properties")
    properties = properties if isinstance(properties, dict) else {}
    group = _group_of(document)
    parameters = {name: _relative(value, group) for name, value in _values(member(properties, "parameters")).items()}
    overrides = _list(member(properties, "overrides"))
    return Posture(
        definition_version=text_at(properties, "definitionVersion"),
        parameters=tuple((name, _kept(value)) for name, value in sorted(parameters.items())),
        at_default=tuple(name for name, value in sorted(parameters.items()) if definition.defaults.get(name) == value),
        not_scopes=not_scopes_of(member(properties, "notScopes"), group),
        selectors=selectors_of(member(properties, "resourceSelectors")),
        overrides=overrides_of(overrides),
        enforced=fold(text_at(properties, "enforcementMode")) in _ENFORCED,
        disabled=_disabled(id_at(properties, "policyDefinitionId"), parameters, overrides, definition),
        references=max(1, len(definition.effects)),
        changed_at=_changed_at(document),
    )


def not_scopes_of(scopes: Any, group: str = "") -> tuple[str, ...]:
    """Return excluded scopes as a posture has them: folded, sorted, and from the (folded) group on.

    A scope that contains the group leaves out the group, and no more than that matters of it.
    """
    folded = {fold(one).rstrip("/") for one in _list(scopes) if isinstance(one, str)}
    return tuple(sorted({_from_group(one, group) for one in folded}))


def _from_group(scope: str, group: str) -> str:
    if is_at_or_inside(scope, group):
        return GROUP + scope.removeprefix(group)
    return GROUP if is_at_or_inside(group, scope) else scope


def selectors_of(selectors: Any) -> str:
    """Return resource selectors as a posture has them: JSON without their names, folded and sorted; "" for none."""
    found = [{"selectors": _conditions(member(one, "selectors"))} for one in _list(selectors) if isinstance(one, dict)]
    return canonical(sorted(found, key=canonical))


def overrides_of(overrides: Any) -> str:
    """Return overrides as a posture has them: JSON, folded, in their order, of which the first counts; "" for none."""
    return canonical(
        [
            {
                "kind": fold(text_at(one, "kind")),
                "value": fold(text_at(one, "value")),
                "selectors": _conditions(member(one, "selectors")),
            }
            for one in _list(overrides)
            if isinstance(one, dict)
        ]
    )


def _conditions(selectors: Any) -> list[dict[str, Any]]:
    """Return the conditions of a selector, all of which must hold: kind, and the values in it or not in it."""
    conditions = []
    for one in _list(selectors):
        if isinstance(one, dict):
            values = {
                name: _folded(member(one, name)) for name in ("in", "notIn") if isinstance(member(one, name), list)
            }
            conditions.append({"kind": fold(text_at(one, "kind")), **values})
    return sorted(conditions, key=canonical)


def _folded(values: list[Any]) -> list[str]:
    return sorted({fold(one) for one in values if isinstance(one, str)})


def _group_of(document: Mapping[str, Any]) -> str:
    """Return the folded id of the resource group that an assignment is at or inside; "" for any other scope."""
    match = _IN_GROUP.match(fold(id_at(document, "id")))
    return match[1] if match else ""


def _relative(value: str, group: str) -> str:
    """Return a parameter's JSON text with `GROUP` for the id of the group, however that is spelled."""
    return re.sub(rf'{re.escape(group)}(?=[/"])', GROUP, value, flags=re.IGNORECASE) if group else value


def kept_value(value: Any) -> str:
    """Return a parameter's value as a posture has it: canonical JSON, the hash of it where that is long."""
    return _kept(canonical(value))


def _disabled(
    definition_id: str, parameters: Mapping[str, str], overrides: Iterable[Any], definition: Definition
) -> tuple[str, ...] | None:
    """Return the folded references whose effect is Disabled, "" outside an initiative; None when it is not known."""
    effects = definition.effects
    if not effects:
        if overridden_effect(overrides, None) == _DISABLED:
            return ("",)
        # Built-in definitions take their effect from a parameter of this name; of an initiative that is not known.
        plain = _plain(parameters.get("effect")) if _INITIATIVE not in fold(definition_id) else ""
        return ("",) if plain == _DISABLED else None
    found = []
    for reference, effect in effects:
        named = effect.removeprefix("parameter:") if effect.startswith("parameter:") else None
        value = effect if named is None else _plain(parameters.get(named, definition.defaults.get(named)))
        overridden = overridden_effect(overrides, reference)
        if (value if overridden is None else overridden) == _DISABLED:
            found.append(reference)
    return tuple(sorted(found))


def overridden_effect(overrides: Iterable[Any], reference: str | None) -> str | None:
    """Return the folded effect that the first override sets for all resources of a reference; None where none does.

    The `reference` None stands for every reference.
    """
    for override in overrides:
        if isinstance(override, dict) and fold(text_at(override, "kind")) == "policyeffect":
            conditions = _conditions(member(override, "selectors"))
            if all(_is_met(one, reference) for one in conditions):
                return fold(text_at(override, "value"))
    return None


def is_effect_overridden_for_some(overrides: Iterable[Any], reference: str | None) -> bool:
    """Tell whether overrides set the effect of a reference for some resources only, or differently for some."""
    for override in overrides:
        if isinstance(override, dict) and fold(text_at(override, "kind")) == "policyeffect":
            conditions = _conditions(member(override, "selectors"))
            unmet = [one for one in conditions if not _is_met(one, reference)]
            if not unmet:
                return False
            if all(one["kind"] != _REFERENCE for one in unmet):
                return True
    return False


def _is_met(condition: Mapping[str, Any], reference: str | None) -> bool:
    """Tell whether a selector's condition holds for a reference; those about resources hold for some only."""
    if reference is None or condition["kind"] != _REFERENCE:
        return False
    return reference in condition["in"] if "in" in condition else reference not in condition.get("notIn", ())


def _values(parameters: Any) -> dict[str, str]:
    """Return the parameters' values as canonical JSON by folded name."""
    if not isinstance(parameters, dict):
        return {}
    return {
        fold(name): canonical(member(one, "value"))
        for name, one in parameters.items()
        if isinstance(name, str) and has_member(one, "value")
    }


def canonical_defaults(parameters: Any) -> dict[str, str]:
    """Return the default values in a definition's `parameters`, as canonical JSON by folded name."""
    if not isinstance(parameters, dict):
        return {}
    return {
        fold(name): canonical(member(one, "defaultValue"))
        for name, one in parameters.items()
        if isinstance(name, str) and has_member(one, "defaultValue")
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
    return moment_in(text_at(document, *path))
