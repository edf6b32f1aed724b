"""What an assignment judges, in a form that the same assignment of another deployment has as well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from registry.managed_application import Posture
from registry.policies.postures import Definition, posture_of

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/MRG-one"
OTHER = "/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/mrg-two"
AUDIT = Definition(1, "Audits", (), {"effect": '"Audit"'}, (("", "parameter:effect"),))
INITIATIVE = Definition(
    1,
    "Two rules",
    ("/one", "/two"),
    {"first": '"Audit"', "second": '"Deny"'},
    (("one", "parameter:first"), ("two", "parameter:second")),
)


def document(group: str = GROUP, **properties: Any) -> dict[str, Any]:
    return {
        "id": f"{group}/providers/Microsoft.Authorization/policyAssignments/tls",
        "properties": {"policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/x", **properties},
    }


def override(effect: str, **selector: Any) -> dict[str, Any]:
    return {"kind": "policyEffect", "value": effect, **({"selectors": [selector]} if selector else {})}


def references(*names: str, leave_out: bool = False) -> dict[str, Any]:
    return {"kind": "policyDefinitionReferenceId", "notIn" if leave_out else "in": list(names)}


def test_what_azure_leaves_out_is_its_default() -> None:
    assert posture_of(document(), Definition(0)) == Posture()
    assert posture_of({}, Definition(0)) == Posture()
    written = document(notScopes=[], parameters={}, resourceSelectors=[], overrides=[], enforcementMode="Default")
    assert posture_of(written, Definition(0)) == Posture()


def test_texts_metadata_casing_and_order_make_no_difference() -> None:
    scopes = [f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{name}" for name in ("a", "b")]
    selectors = [
        {"name": "by place", "selectors": [{"kind": "resourceLocation", "in": ["westeurope", "northeurope"]}]},
        {"name": "by type", "selectors": [{"kind": "resourceType", "notIn": ["Microsoft.Web/sites"]}]},
    ]
    first = document(notScopes=scopes, resourceSelectors=selectors, displayName="TLS", metadata={"a": 1})
    renamed = [
        {"name": "2", "selectors": [{"kind": "ResourceType", "notIn": ["microsoft.web/sites"]}]},
        {"name": "1", "selectors": [{"kind": "resourceLocation", "in": ["northeurope", "WestEurope"]}]},
    ]
    scopes_again = [one.upper() + "/" for one in reversed(scopes)]
    second = document(notScopes=scopes_again, resourceSelectors=renamed, displayName="Renamed", description="!")
    assert posture_of(first, AUDIT) == posture_of(second, AUDIT)


def test_two_deployments_of_one_template_have_the_same_posture() -> None:
    def deployed(group: str) -> Posture:
        workspace = f"{group}/providers/Microsoft.OperationalInsights/workspaces/{'long' * 20}"
        return posture_of(
            document(
                group,
                notScopes=[f"{group}/providers/Microsoft.Web/sites/legacy"],
                parameters={"workspace": {"value": workspace}, "place": {"value": {"id": group.upper()}}},
            ),
            AUDIT,
        )

    assert deployed(GROUP) == deployed(OTHER)
    assert deployed(GROUP).not_scopes == ("{group}/providers/microsoft.web/sites/legacy",)


def test_a_group_whose_name_begins_like_ours_is_another_one() -> None:
    found = posture_of(document(notScopes=[f"{GROUP}-2"], parameters={"id": {"value": f"{GROUP}-2"}}), AUDIT)
    assert found.not_scopes == (f"{GROUP}-2".lower(),)
    assert found.parameters == (("id", f'"{GROUP}-2"'),)


def test_long_parameters_are_kept_as_hashes_that_tell_them_apart() -> None:
    first, second = (
        posture_of(document(parameters={"List": {"value": [str(last), *map(str, range(200))]}}), AUDIT)
        for last in (300, 301)
    )
    ((name, value),) = first.parameters
    assert name == "list"
    assert value.startswith("sha256:")
    assert first != second


def test_parameters_at_their_default_are_marked_where_the_definition_can_be_read() -> None:
    written = document(parameters={"effect": {"value": "Audit"}, "other": {"value": 1}})
    assert posture_of(written, AUDIT).at_default == ("effect",)
    assert posture_of(written, Definition(0)).at_default == ()


@pytest.mark.parametrize(
    ("properties", "definition", "disabled"),
    [
        ({}, AUDIT, ()),
        ({"parameters": {"Effect": {"value": "DISABLED"}}}, AUDIT, ("",)),
        ({"overrides": [override("Disabled")]}, AUDIT, ("",)),
        ({"overrides": [override("Audit"), override("Disabled")]}, AUDIT, ()),
        ({"overrides": [override("Disabled", kind="resourceLocation", **{"in": ["westeurope"]})]}, AUDIT, ()),
        ({}, Definition(1, "Off", effects=(("", "disabled"),)), ("",)),
        ({}, Definition(0), None),
        ({"parameters": {"effect": {"value": "Disabled"}}}, Definition(0), ("",)),
        ({"overrides": [override("Disabled")]}, Definition(0), ("",)),
        ({"parameters": {"second": {"value": "Disabled"}}}, INITIATIVE, ("two",)),
        ({"overrides": [override("Disabled", **references("One"))]}, INITIATIVE, ("one",)),
        ({"overrides": [override("Disabled", **references("one", leave_out=True))]}, INITIATIVE, ("two",)),
        ({"overrides": [override("Disabled")]}, INITIATIVE, ("one", "two")),
        ({"overrides": "nonsense", "parameters": [1], "notScopes": {}, "resourceSelectors": 7}, AUDIT, ()),
        ({"overrides": [None, {"kind": 1, "selectors": 2}], "parameters": {"effect": 3}}, AUDIT, ()),
    ],
)
def test_which_effects_are_disabled(
    properties: dict[str, Any], definition: Definition, disabled: tuple[str, ...] | None
) -> None:
    assert posture_of(document(**properties), definition).disabled == disabled


def test_the_effect_of_an_initiative_that_cannot_be_read_is_not_known() -> None:
    initiative = "/providers/Microsoft.Authorization/policySetDefinitions/x"
    written = document(policyDefinitionId=initiative, parameters={"effect": {"value": "Disabled"}})
    assert posture_of(written, Definition(0)).disabled is None


@pytest.mark.parametrize(
    ("mode", "enforced"), [("Default", True), ("default", True), ("DoNotEnforce", False), ("Enroll", False)]
)
def test_only_the_default_mode_enforces(mode: str, enforced: bool) -> None:
    assert posture_of(document(enforcementMode=mode), AUDIT).enforced is enforced


@pytest.mark.parametrize(
    ("times", "changed_at"),
    [
        ({"systemData": {"lastModifiedAt": "2026-11-01T08:00:00.1234567Z"}}, "2026-11-01T08:00:00.123456+00:00"),
        ({"properties": {"metadata": {"createdOn": "2026-01-01T00:00:00Z"}}}, "2026-01-01T00:00:00+00:00"),
        (
            {"properties": {"metadata": {"createdOn": "2026-01-01T00:00:00Z", "updatedOn": "2026-02-01T00:00:00Z"}}},
            "2026-02-01T00:00:00+00:00",
        ),
        ({"systemData": {"lastModifiedAt": "yesterday"}}, None),
        ({}, None),
    ],
)
def test_when_azure_says_that_it_was_written(times: dict[str, Any], changed_at: str | None) -> None:
    expected = datetime.fromisoformat(changed_at).astimezone(UTC) if changed_at else None
    assert posture_of(times, AUDIT).changed_at == expected
