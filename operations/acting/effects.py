"""What the rules behind a policy assignment do, and which roles they need: read from ARM's documents, without I/O.

An effect may be a parameter of the definition, which the initiative may take from a parameter of its own, which the
assignment sets or leaves at its default; and an override of the assignment may replace it. Sources: Azure Policy's
documentation of the definition structure (parameters, policyRule), of initiatives, and of assignments (overrides).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from publisher.lenient_json import has_member, member
from publisher.resource_ids import fold
from publisher.resource_manager import id_at, text_at
from publisher.texts import trimmed
from registry.policies.postures import is_effect_overridden_for_some, overridden_effect

if TYPE_CHECKING:
    from collections.abc import Mapping

REMEDIABLE: Final = frozenset({"deployifnotexists", "modify"})
"""Effects that have something to deploy (FACTS 11.5)."""

_PARAMETER: Final = re.compile(r"\[\s*parameters\('([^']+)'\)\s*\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule under a reference of an assignment, "" outside an initiative. Ids are folded.

    `effect` is folded, "" where it cannot be told, or depends on the resource. `roles` are the names (GUIDs) of the
    role definitions that its deployments need; None where the definition could not be read, or does not tell them.
    """

    reference_id: str
    definition_id: str
    effect: str = ""
    roles: tuple[str, ...] | None = None


MemberKey = tuple[str, str]


class Member(NamedTuple):
    """A definition inside an initiative: its id as Azure spells it, and the pin of its version, "" for the latest."""

    id: str
    pin: str

    @property
    def key(self) -> MemberKey:
        """The same for every spelling."""
        return fold(self.id), fold(self.pin)


def rules_of(
    assignment: Mapping[str, Any], definition: Mapping[str, Any], members: Mapping[MemberKey, Mapping[str, Any]]
) -> tuple[Rule, ...]:
    """Return the rules of an assignment of a definition or initiative.

    `members` has the definitions of an initiative by their keys; those that could not be read are missing.
    """
    given = _values(member(member(assignment, "properties"), "parameters"), {})
    overrides = member(member(assignment, "properties"), "overrides")
    overrides = overrides if isinstance(overrides, list) else []
    properties = member(definition, "properties")
    parameters = _defaults(properties) | given
    listed = member(properties, "policyDefinitions")
    if not isinstance(listed, list):
        identity = fold(id_at(definition, "id"))
        return (_overridden(_rule("", identity, definition, parameters), overrides),)
    rules = []
    for one in listed:
        reference, defined = fold(text_at(one, "policyDefinitionReferenceId")), _member(one)
        own = _values(member(one, "parameters"), parameters)
        rule = _rule(reference, fold(defined.id), members.get(defined.key), own)
        rules.append(_overridden(rule, overrides))
    return tuple(rules)


def members_of(definition: Mapping[str, Any]) -> list[Member]:
    """Return the definitions in an initiative, each version of one once; none for a definition."""
    listed = member(member(definition, "properties"), "policyDefinitions")
    found = map(_member, listed) if isinstance(listed, list) else ()
    return list({one.key: one for one in found if one.id}.values())


def _member(reference: Any) -> Member:
    return Member(id_at(reference, "policyDefinitionId"), text_at(reference, "definitionVersion"))


def role_name(role_definition_id: str) -> str:
    """Return the folded name (a GUID) of a role definition: what stays the same in every scope that its id names."""
    return fold(role_definition_id).rstrip("/").rpartition("/")[2]


def _overridden(rule: Rule, overrides: list[Any]) -> Rule:
    """Return the rule with the effect that the overrides of its assignment give it."""
    reference = rule.reference_id or None
    if is_effect_overridden_for_some(overrides, reference):
        return replace(rule, effect="")
    return replace(rule, effect=overridden_effect(overrides, reference) or rule.effect)


def _rule(reference: str, definition_id: str, definition: Mapping[str, Any] | None, given: dict[str, Any]) -> Rule:
    if definition is None:
        # Built-in definitions take their effect from a parameter of this name.
        return Rule(reference, definition_id, _effect(given.get("effect")))
    properties = member(definition, "properties")
    then = member(member(properties, "policyRule"), "then")
    if then is None:
        return Rule(reference, definition_id)
    effect = _effect(_value(member(then, "effect"), _defaults(properties) | given))
    return Rule(reference, definition_id, effect, _roles(member(member(then, "details"), "roleDefinitionIds")))


def _effect(value: Any) -> str:
    return fold(trimmed(value)) if isinstance(value, str) else ""


def _roles(listed: Any) -> tuple[str, ...] | None:
    """Return the names of the roles in a definition; None where it has no list of them: it cannot deploy without."""
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) for one in listed):
        return None
    return tuple(dict.fromkeys(map(role_name, listed)))


def _defaults(properties: Any) -> dict[str, Any]:
    """Return the default values of a definition's parameters by folded name."""
    parameters = member(properties, "parameters")
    if not isinstance(parameters, dict):
        return {}
    return {
        fold(name): member(one, "defaultValue") for name, one in parameters.items() if has_member(one, "defaultValue")
    }


def _values(parameters: Any, outer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of given parameters by folded name; `outer` are those that their expressions name."""
    if not isinstance(parameters, dict):
        return {}
    return {
        fold(name): _value(member(one, "value"), outer) for name, one in parameters.items() if has_member(one, "value")
    }


def _value(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Return a value, or that of the parameter which it names; None for any other expression."""
    if not isinstance(value, str) or not value.startswith("[") or value.startswith("[["):
        return value
    named = _PARAMETER.fullmatch(value)
    return parameters.get(fold(named[1])) if named else None
