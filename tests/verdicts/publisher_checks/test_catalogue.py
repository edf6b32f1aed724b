"""The checks by name, and what any document makes of them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verdicts.publisher_checks import arm
from verdicts.publisher_checks.catalogue import CHECKS
from verdicts.publisher_checks.documents import Documents, Unjudgeable
from verdicts.publisher_checks.ids import JudgedBy, check_id, check_name, definition_id, judged_by

PARAMETERS = {"firewall_addresses": ["10.0.0.4"], "allowed_roles": ["Reader"]}


def test_each_has_a_name_that_ids_and_shells_take_a_title_and_a_source() -> None:
    for name, one in CHECKS.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", name)
        assert one.display_name.startswith("Publisher check: ")
        assert one.source.startswith("https://learn.microsoft.com/azure/")
        assert one.reads


def test_the_id_of_a_check_is_in_the_group_and_no_policy_assignments() -> None:
    identity = check_id(arm.GROUP, "nsg-without-deny-all")
    assert identity == f"{arm.GROUP}/publisher-check/nsg-without-deny-all".lower()
    assert check_name(identity) == "nsg-without-deny-all"
    assert judged_by(identity) is JudgedBy.PUBLISHER_CHECK
    assert definition_id("nsg-without-deny-all") == "publisher-check/nsg-without-deny-all"


@pytest.mark.parametrize(
    "identity",
    [
        f"{arm.GROUP}/providers/microsoft.authorization/policyassignments/publisher-check",
        "/subscriptions/x/resourcegroups/publisher-check/providers/microsoft.authorization/policyassignments/p",
        "/subscriptions/x/resourcegroups/publisher-check",
        f"{arm.GROUP}/providers/a.b/c/publisher-check/providers/microsoft.authorization/policyassignments/p",
        f"{arm.GROUP}/providers/a.b/publisher-check/name",
        f"{arm.GROUP}/publisher-check/",
        "",
    ],
)
def test_no_policy_assignment_is_taken_for_a_check(identity: str) -> None:
    assert judged_by(identity.lower()) is JudgedBy.AZURE_POLICY


@pytest.mark.parametrize("check", CHECKS)
def test_a_group_that_has_nothing_of_it_has_nothing_to_judge(check: str) -> None:
    assert list(CHECKS[check].judge(Documents({}), PARAMETERS)) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 70_000) | st.sampled_from(["", "*", "Allow", "Deny", "10.0.0.0/8", "/a/b"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "properties", "name"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip

WELL = [
    arm.security_group(arm.rule("deny", 4096), arm.rule("https", 100, "Allow", destinationPortRange="443")),
    arm.route_table(arm.route("0.0.0.0/0"), arm.route("10.0.0.0/8", "None", None)),
    arm.network(
        arm.subnet(
            networkSecurityGroup=arm.reference("networkSecurityGroups", "nsg"),
            routeTable=arm.reference("routeTables", "table"),
            privateEndpoints=[{"id": "/endpoint"}],
            privateEndpointNetworkPolicies="Enabled",
        )
    ),
    {"id": f"{arm.GROUP}/providers/Microsoft.KeyVault/vaults/v", "properties": {"publicNetworkAccess": "Disabled"}},
    {
        "id": f"{arm.GROUP}/providers/Microsoft.OperationalInsights/workspaces/w",
        "properties": {"publicNetworkAccessForIngestion": "Disabled", "publicNetworkAccessForQuery": "Disabled"},
    },
    {"id": f"{arm.GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i", "properties": {"principalId": "p"}},
    {
        "id": f"{arm.GROUP}/providers/Microsoft.Authorization/roleAssignments/a",
        "properties": {"principalId": "p", "roleDefinitionId": "/providers/x/roleDefinitions/reader"},
    },
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    if not path:
        return to
    key, *rest = path
    if isinstance(value, dict):
        return {**value, key: changed(value[key], tuple(rest), to)}
    return [changed(one, tuple(rest), to) if number == key else one for number, one in enumerate(value)]


def said(resources: list[Any], check: str) -> list[Any]:
    return list(CHECKS[check].judge(arm.documents(*resources), PARAMETERS))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_document_a_check_says_something_or_that_it_cannot(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(WELL) - 1))
    inner = [path for path in places(WELL[number]) if path and path != ("id",)]
    broken = changed(WELL[number], data.draw(st.sampled_from(inner)), data.draw(json_values))
    resources = [broken if place == number else one for place, one in enumerate(WELL)]
    for check in CHECKS:
        with suppress(Unjudgeable):
            assert all(one.reason for one in said(resources, check))


def test_all_that_is_well_is_called_so() -> None:
    for check in CHECKS:
        found = said(WELL, check)
        if check == "identity-with-wide-role":
            continue  # its role has no definition here
        assert found
        assert all(one.judgement is arm.COMPLIANT for one in found), (check, found)
