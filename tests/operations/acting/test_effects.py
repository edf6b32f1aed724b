"""Which effect a reference has, and which roles it needs: through parameters, defaults, initiatives and overrides."""

from __future__ import annotations

from typing import Any

import pytest

from operations.acting.effects import Rule, rules_of

DEFINITIONS = "/providers/Microsoft.Authorization/policyDefinitions"
ROLE = "17d1049b-9a84-46fb-8f53-869881c3d3ab"


def definition(effect: Any, *, default: str | None = None, roles: Any = None) -> dict[str, Any]:
    then: dict[str, Any] = {"effect": effect}
    if roles is not None:
        then["details"] = {"roleDefinitionIds": roles}
    parameters = {"effect": {"type": "String", "defaultValue": default}} if default else {}
    return {"id": f"{DEFINITIONS}/One", "properties": {"parameters": parameters, "policyRule": {"then": then}}}


def assignment(effect: str | None = None, **properties: Any) -> dict[str, Any]:
    parameters = {"Effect": {"value": effect}} if effect else {}
    return {"properties": {"parameters": parameters, **properties}}


def override(value: str, *references: str) -> dict[str, Any]:
    selectors = [{"kind": "policyDefinitionReferenceId", "in": list(references)}] if references else []
    return {"kind": "policyEffect", "value": value, "selectors": selectors}


BY_PARAMETER = "[parameters('effect')]"


@pytest.mark.parametrize(
    ("assigned", "defined", "effect"),
    [
        (assignment(), definition("Modify"), "modify"),
        (assignment(), definition(BY_PARAMETER, default="DeployIfNotExists"), "deployifnotexists"),
        (assignment("Disabled"), definition("[Parameters('EFFECT')]", default="Modify"), "disabled"),
        (assignment(), definition(BY_PARAMETER), ""),
        (assignment(), definition("[if(equals(1,1),'modify','audit')]"), ""),
        (assignment(), definition({"not": "text"}), ""),
        (assignment("Audit", overrides=[override("Modify")]), definition(BY_PARAMETER, default="Audit"), "modify"),
        (assignment(overrides=[{"kind": "other", "value": "Audit"}]), definition("modify"), "modify"),
    ],
)
def test_the_effect_of_a_definition(assigned: dict[str, Any], defined: dict[str, Any], effect: str) -> None:
    [rule] = rules_of(assigned, defined, {})
    assert (rule.reference_id, rule.definition_id, rule.effect) == ("", f"{DEFINITIONS}/one".lower(), effect)


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        ([f"/providers/Microsoft.Authorization/roleDefinitions/{ROLE.upper()}"], (ROLE,)),
        ([f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{ROLE}/", ROLE], (ROLE,)),
        (None, None),
        ([], None),
        ([ROLE, 7], None),
    ],
)
def test_the_roles_of_a_definition(roles: Any, names: tuple[str, ...] | None) -> None:
    [rule] = rules_of(assignment(), definition("modify", roles=roles), {})
    assert rule.roles == names


def initiative(*members: dict[str, Any], default: str | None = None) -> dict[str, Any]:
    parameters = {"mode": {"type": "String", "defaultValue": default}} if default else {}
    return {"id": "/initiative", "properties": {"parameters": parameters, "policyDefinitions": list(members)}}


def reference(name: str, value: Any = None) -> dict[str, Any]:
    parameters = {"effect": {"value": value}} if value else {}
    identity = f"{DEFINITIONS}/One"
    return {"policyDefinitionReferenceId": name, "policyDefinitionId": identity, "parameters": parameters}


def effects(assigned: dict[str, Any], defined: dict[str, Any], *, readable: bool = True) -> dict[str, Rule]:
    member = {(f"{DEFINITIONS}/one".lower(), ""): definition(BY_PARAMETER, default="Modify", roles=[ROLE])}
    return {one.reference_id: one for one in rules_of(assigned, defined, member if readable else {})}


def test_each_reference_of_an_initiative_has_its_own_effect() -> None:
    defined = initiative(
        reference("A"), reference("B", "Audit"), reference("C", "[parameters('mode')]"), default="Deny"
    )
    assert {name: one.effect for name, one in effects(assignment(), defined).items()} == {
        "a": "modify",
        "b": "audit",
        "c": "deny",
    }
    given = {"properties": {"parameters": {"MODE": {"value": "Disabled"}}}}
    assert effects(given, defined)["c"].effect == "disabled"


def test_an_expression_that_cannot_be_resolved_is_no_default() -> None:
    assert effects(assignment(), initiative(reference("A", "[concat('mod','ify')]")))["a"].effect == ""


def test_an_override_is_of_the_references_that_it_selects() -> None:
    assigned = assignment(overrides=[override("Disabled", "B")])
    defined = initiative(reference("A"), reference("B"))
    assert {name: one.effect for name, one in effects(assigned, defined).items()} == {"a": "modify", "b": "disabled"}


def test_of_a_member_that_could_not_be_read_the_roles_are_not_known() -> None:
    rule = effects(assignment(), initiative(reference("A", "Modify")), readable=False)["a"]
    assert (rule.effect, rule.roles) == ("modify", None)
    assert effects(assignment(), initiative(reference("A")), readable=False)["a"].effect == ""
