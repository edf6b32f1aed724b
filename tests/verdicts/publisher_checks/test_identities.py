"""A managed identity may have the roles that the plan lists, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verdicts.publisher_checks.arm import COMPLIANT, GROUP, UNKNOWN, VIOLATED, Document
from verdicts.publisher_checks.catalogue import CHECKS
from verdicts.publisher_checks.documents import Documents, Unjudgeable
from verdicts.publisher_checks.judged import Judged

CHECK = "identity-with-wide-role"
READER, OWNER = "acdd72a7-3385-48ef-bd42-f606fba81ae7", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
ROLES = [("Reader", READER), ("Owner", OWNER)]


def resource_id(kind: str, name: str) -> str:
    return f"{GROUP}/providers/{kind}/{name}"


def identity(name: str, principal: Any) -> Document:
    return {
        "id": resource_id("Microsoft.ManagedIdentity/userAssignedIdentities", name),
        "properties": {"principalId": principal, "clientId": "c"},
    }


def machine(name: str, identity: Any = ...) -> Document:
    document: Document = {"id": resource_id("Microsoft.HybridCompute/machines", name), "properties": {}}
    return document if identity is ... else document | {"identity": identity}


def assignment(principal: str, role: str, **properties: Any) -> Document:
    return {
        "id": f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/x",
        "properties": {
            "principalId": principal,
            "roleDefinitionId": f"/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "scope": GROUP,
        }
        | properties,
    }


def definition_id(role: str) -> str:
    return f"{GROUP}/providers/Microsoft.Authorization/roleDefinitions/{role}".lower()


def definition(name: Any, role: str) -> Document:
    return {"id": definition_id(role), "properties": {"roleName": name}}


DEFINITIONS: dict[str, Any] = {definition_id(role): definition(name, role) for name, role in ROLES}


def judged(
    *,
    identities: Any = (),
    machines: Any = (),
    resources: Any = (),
    assignments: Any = (),
    definitions: Any = DEFINITIONS,
    allowed: Any = ("Reader",),
) -> list[Judged]:
    found = Documents(
        {
            "Microsoft.ManagedIdentity/userAssignedIdentities": list(identities),
            "Microsoft.HybridCompute/machines": list(machines),
            "Microsoft.Resources/resources": list(resources),
            "Microsoft.Authorization/roleAssignments": list(assignments),
        },
        definitions,
    )
    return list(CHECKS[CHECK].judge(found, {"allowed_roles": list(allowed)}))


def only(**found: Any) -> Judged:
    [one] = judged(**found)
    return one


@pytest.mark.parametrize(
    "allowed", [["Reader"], ["READER "], [READER], [READER.upper()], [f"/x/roleDefinitions/{READER}"]]
)
def test_a_role_is_allowed_by_its_name_or_its_id(allowed: list[str]) -> None:
    found = {"identities": [identity("app", "p1")], "allowed": allowed}
    assert only(assignments=[assignment("P1", READER)], **found).judgement is COMPLIANT
    wide = only(assignments=[assignment("p1", READER), assignment("p1", OWNER.upper())], **found)
    assert wide.judgement is VIOLATED
    assert wide.reason == "its identity has the role Owner, which the plan does not allow"


def test_identities_of_arc_machines_and_of_resources_are_judged() -> None:
    system = {"type": "SystemAssigned", "principalId": "p2"}
    vm = {"id": resource_id("Microsoft.Compute/virtualMachines", "vm"), "identity": system | {"principalId": "p3"}}
    plain = {"id": resource_id("Microsoft.Storage/storageAccounts", "st"), "identity": None}
    found = judged(
        machines=[machine("arc", system), machine("bare"), machine("none", {"type": "None"})],
        resources=[vm, plain, machine("arc", system)],
        assignments=[assignment("p2", OWNER), assignment("p3", READER), assignment("stranger", OWNER)],
    )
    assert [(one.resource_id.rpartition("/")[2], one.judgement) for one in found] == [
        ("arc", VIOLATED),
        ("bare", COMPLIANT),
        ("none", COMPLIANT),
        ("vm", COMPLIANT),
    ]


def test_an_identity_of_elsewhere_is_judged_where_it_is_used() -> None:
    away = "/subscriptions/y/resourceGroups/z/providers/Microsoft.ManagedIdentity/userAssignedIdentities/theirs"
    own = identity("mine", "p1")
    used = {"type": "UserAssigned", "userAssignedIdentities": {away: {"principalId": "p9"}, own["id"].upper(): {}}}
    vm = {"id": resource_id("Microsoft.Compute/virtualMachines", "vm"), "identity": used}
    found = judged(identities=[own], resources=[vm], assignments=[assignment("p1", READER), assignment("p9", OWNER)])
    assert [one.judgement for one in found] == [COMPLIANT, VIOLATED]
    unknown = {**vm, "identity": {**used, "userAssignedIdentities": {away: None}}}
    assert only(resources=[unknown], assignments=[assignment("p1", READER)]).judgement is UNKNOWN


def test_a_list_that_shows_no_identity_of_the_group_proves_nothing() -> None:
    both = [identity("one", "p1"), identity("two", "p2")]
    assert [one.judgement for one in judged(identities=both)] == [UNKNOWN, UNKNOWN]
    assert [one.judgement for one in judged(identities=both, assignments=[assignment("me", OWNER)])] == [
        UNKNOWN,
        UNKNOWN,
    ]
    telling = judged(identities=both, assignments=[assignment("p2", READER)])
    assert [one.judgement for one in telling] == [COMPLIANT, COMPLIANT]
    assert judged() == []


def test_a_role_whose_name_is_not_known_is_not_judged_by_names() -> None:
    found = {"identities": [identity("app", "p1")], "assignments": [assignment("p1", OWNER)], "definitions": {}}
    assert only(**found).judgement is UNKNOWN
    refused = only(**found | {"definitions": {definition_id(OWNER): "AuthorizationFailed"}})
    assert refused.reason == f"roleDefinitions {OWNER} could not be read: AuthorizationFailed"
    assert only(**found, allowed=[READER]).judgement is VIOLATED
    assert only(**found, allowed=[OWNER, "Reader"]).judgement is COMPLIANT
    nameless = {definition_id(OWNER): definition(None, OWNER)}
    assert only(**found | {"definitions": nameless}).judgement is UNKNOWN


def test_an_identity_without_a_principal_is_not_judged() -> None:
    for odd in (None, "", 7):
        assert only(identities=[identity("new", odd)]).judgement is UNKNOWN
    lost = {"type": "SystemAssigned, UserAssigned", "principalId": None}
    assert only(machines=[machine("arc", lost)]).judgement is UNKNOWN
    assert only(machines=[machine("arc", "SystemAssigned")]).judgement is UNKNOWN


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "UserAssigned", "userAssignedIdentities": None},
        {"type": "UserAssigned"},
        {"type": "UserAssigned", "userAssignedIdentities": ["id"]},
        {"type": "SystemAssigned, UserAssigned", "principalId": "p1", "userAssignedIdentities": {}},
        {"type": "SomethingNew"},
        {},
    ],
)
def test_an_identity_that_does_not_say_which_principals_it_has_is_not_judged(odd: Document) -> None:
    vm = {"id": resource_id("Microsoft.Compute/virtualMachines", "vm"), "identity": odd}
    other = identity("app", "p1")
    found = judged(identities=[other], resources=[vm], assignments=[assignment("p1", READER)])
    assert [one.judgement for one in found] == [COMPLIANT, UNKNOWN]


@pytest.mark.parametrize("odd", [{"principalId": None}, {"roleDefinitionId": None}, {"roleDefinitionId": 7}])
def test_an_assignment_that_does_not_say_whose_it_is_may_be_anybodys(odd: dict[str, Any]) -> None:
    with pytest.raises(Unjudgeable):
        judged(identities=[identity("app", "p1")], assignments=[assignment("p1", READER, **odd)])
