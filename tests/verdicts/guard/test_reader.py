"""What a run reads of assignments and exemptions: only what ARM says clearly is believed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from publisher.resource_manager import ResourceManager
from registry.managed_application import Exemption
from registry.policies.definition_names import DefinitionNames
from sandbox.faults.effects import Body, Status, html
from sandbox.faults.operations import AssignmentList, DefinitionRead, ExemptionList, PermissionList
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Access, Customer
from sandbox.world.policies import SECURE_TRANSFER, Assignment
from tests.verdicts.guard.conftest import application_of, soon
from verdicts.evidence import GuardReading
from verdicts.facts import GuardState
from verdicts.guard.comparison import compare, judges_nothing
from verdicts.guard.reader import read_guard

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ALL = ("secure-transfer", "web-https", "baseline")


def key(customer: Customer, name: str) -> str:
    return f"{customer.managed_resource_group_id}/providers/microsoft.authorization/policyassignments/{name}".lower()


async def reading(
    arm: ResourceManager,
    customer: Customer,
    *baseline: str,
    exemptions: tuple[Exemption, ...] | None = None,
    seconds: float = 10,
) -> GuardReading:
    application = replace(application_of(customer), exemptions=exemptions)
    ids = [key(customer, name) for name in baseline or ALL]
    return await read_guard(arm, application, ids, DefinitionNames(), now=NOW, deadline=soon(seconds))


def asked(sandbox: Sandbox, part: str) -> int:
    return len(sandbox.requests.of(Service.RESOURCE_MANAGER, path_part=part))


async def test_the_usual_reading_takes_two_lists_and_asks_for_nothing_else(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    found = await reading(arm, customer)
    assert found.assignments
    assert set(found.assignments) == {key(customer, name) for name in ALL}
    assert (found.read_at, found.missing, found.exemptions) == (NOW, {}, ())
    assert asked(sandbox, "/policyAssignments") == 1
    assert asked(sandbox, "/policyExemptions") == 1
    assert asked(sandbox, "/permissions") == 0


async def test_a_deleted_assignment_is_missing_for_certain(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    customer.unassign("baseline")
    found = await reading(arm, customer)
    assert found.missing == {key(customer, "baseline"): True}
    assert asked(sandbox, "/permissions") == 1


async def test_an_assignment_at_a_resource_is_asked_for_there(arm: ResourceManager, customer: Customer) -> None:
    storage = f"{customer.managed_resource_group_id}/providers/Microsoft.Storage/storageAccounts/storage1"
    customer.assign(Assignment("inside", "Inside", SECURE_TRANSFER, storage))
    application = application_of(customer)
    inside = customer.assignments[-1].id
    found = await read_guard(arm, application, [inside], DefinitionNames(), now=NOW, deadline=soon())
    assert inside.lower() in (found.assignments or {})
    customer.unassign("inside")
    found = await read_guard(arm, application, [inside], DefinitionNames(), now=NOW, deadline=soon())
    assert found.missing == {inside.lower(): True}


async def test_without_the_right_to_read_an_empty_list_says_nothing(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    customer.unassign("baseline")
    customer.revoke_access(Access.ASSIGNMENTS)
    found = await reading(arm, customer)
    assert found.assignments is None
    assert found.missing == {key(customer, name): False for name in ALL}
    assert asked(sandbox, "/policyAssignments/") == 1, "whoever is refused one is refused the others"


@pytest.mark.parametrize("fault", [Status(403), Status(404), Status(500), html(404), Body(b'{"value": []}')])
async def test_without_knowing_our_permissions_nothing_is_missing_for_certain(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, fault: Status | Body
) -> None:
    customer.unassign("baseline")
    sandbox.faults.add(PermissionList(), fault)
    found = await reading(arm, customer, seconds=1)
    assert found.missing == {key(customer, "baseline"): False}
    assert found.assignments


@pytest.mark.parametrize(
    ("permissions", "certain"),
    [
        ([{"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}], True),
        ([{"actions": ["*/read"]}], True),
        ([{"actions": ["microsoft.authorization/POLICYASSIGNMENTS/*"]}], True),
        ([{"actions": ["Microsoft.Storage/*"]}, {"actions": ["Microsoft.Authorization/*/read"]}], True),
        ([{"actions": ["*"], "notActions": ["Microsoft.Authorization/*"]}], False),
        ([{"actions": ["*"], "notActions": ["Microsoft.Authorization/policyAssignments/read"]}], False),
        ([{"actions": ["Microsoft.Authorization/policyAssignments/write"]}], False),
        ([{"actions": ["Microsoft.PolicyInsights/*"], "dataActions": ["*"]}], False),
        ([{"actions": "*"}, {}, {"actions": [7]}], False),
    ],
)
async def test_permissions_are_patterns_less_what_a_role_leaves_out(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, permissions: list[Any], certain: bool
) -> None:
    customer.unassign("baseline")
    sandbox.faults.add(PermissionList(), Body(json.dumps({"value": permissions}).encode()))
    found = await reading(arm, customer)
    assert found.missing == {key(customer, "baseline"): certain}


@pytest.mark.parametrize(
    "fault",
    [
        html(404),
        Status(404, code="ResourceNotFound"),
        Status(404, code="ResourceGroupNotFound"),
        Status(404, code="SubscriptionNotFound"),
        Status(404, code="InvalidResourceNamespace"),
        Status(400, code="PolicyAssignmentNotFound"),
        Status(503),
        Body(b"{}"),
        Body(b"[]"),
    ],
)
async def test_only_arms_own_word_says_that_an_assignment_is_gone(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, fault: Status | Body
) -> None:
    customer.unassign("baseline")
    sandbox.faults.add(AssignmentList(customer), Body(b'{"value": []}'), times=1)
    sandbox.faults.add(AssignmentList(customer), fault)
    found = await reading(arm, customer, "baseline", seconds=1)
    assert found.missing == {key(customer, "baseline"): False}
    assert found.assignments is None


async def test_what_a_list_lacks_and_arm_knows_by_id_is_there(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    sandbox.faults.add(AssignmentList(customer), Body(b'{"value": []}'), times=1)
    found = await reading(arm, customer)
    assert set(found.assignments or {}) == {key(customer, name) for name in ALL}
    assert found.missing == {}


async def test_a_list_that_fails_costs_nothing_that_arm_knows_by_id(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    sandbox.faults.add(AssignmentList(customer), html(404), times=1)
    found = await reading(arm, customer)
    assert set(found.assignments or {}) == {key(customer, name) for name in ALL}


@pytest.mark.parametrize("fault", [Status(403), html(404), Body(b"{}")])
async def test_exemptions_that_cannot_be_read_cost_only_the_exemptions(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, fault: Status | Body
) -> None:
    sandbox.faults.add(ExemptionList(), fault)
    found = await reading(arm, customer)
    assert found.exemptions is None
    assert len(found.assignments or {}) == len(ALL)


async def test_exemptions_that_vanish_without_the_right_to_read_them_are_not_known(
    arm: ResourceManager, customer: Customer
) -> None:
    customer.exempt("baseline")
    before = (await reading(arm, customer)).exemptions
    assert before
    customer.revoke_access(Access.EXEMPTIONS)
    assert (await reading(arm, customer, exemptions=before)).exemptions is None


async def test_weakenings_are_found_whatever_they_are_made_with(arm: ResourceManager, customer: Customer) -> None:
    before = (await reading(arm, customer)).assignments or {}
    customer.disable("secure-transfer")
    customer.disable("baseline", reference="vaultSoftDelete")
    customer.exclude("web-https")
    after = (await reading(arm, customer)).assignments or {}
    compared = {name: compare(before[key(customer, name)], after[key(customer, name)]) for name in ALL}
    assert {state for state, _ in compared.values()} == {GuardState.WEAKENED}
    assert "parameter effect is Disabled, was left out" in compared["secure-transfer"][1]
    assert "effect is Disabled for vaultsoftdelete" in compared["baseline"][1]
    assert compared["web-https"][1] == ("notScopes has the managed resource group more",)
    idle = {name for name in ALL if judges_nothing(after[key(customer, name)], customer.managed_resource_group_id)}
    assert idle == {"secure-transfer", "web-https"}


async def test_a_whole_initiative_can_be_disabled_by_an_override(arm: ResourceManager, customer: Customer) -> None:
    customer.disable("baseline", by_override=True)
    found = (await reading(arm, customer)).assignments or {}
    assert judges_nothing(found[key(customer, "baseline")], customer.managed_resource_group_id)


async def test_definitions_behind_a_gateways_page_are_asked_for_again(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    names, application, ids = DefinitionNames(), application_of(customer), [key(customer, name) for name in ALL]
    sandbox.faults.add(DefinitionRead(), html(404))
    found = await read_guard(arm, application, ids, names, now=NOW, deadline=soon())
    assert {one.posture.disabled for one in (found.assignments or {}).values() if one.posture} == {None}
    sandbox.faults.clear()
    found = await read_guard(arm, application, ids, names, now=NOW, deadline=soon())
    assert {one.posture.disabled for one in (found.assignments or {}).values() if one.posture} == {()}


async def test_over_time_nothing_is_known(arm: ResourceManager, customer: Customer) -> None:
    found = await reading(arm, customer, seconds=-1)
    assert (found.assignments, found.exemptions) == (None, None)
    assert set(found.missing.values()) == {False}
