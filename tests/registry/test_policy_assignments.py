"""Which assignments an application must show states of, and what is not known about it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from publisher.resource_ids import ResourceGroupId
from publisher.resource_manager import ResourceManager
from registry.managed_application import ExpectedAssignment
from registry.policies.definition_names import DefinitionNames
from registry.policies.policy_assignments import expected_assignments
from sandbox.faults.effects import Body, Rewritten, Status
from sandbox.faults.operations import AssignmentList, DefinitionRead
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Access, Customer
from sandbox.world.policies import PLAN_ASSIGNMENTS, SECURE_TRANSFER, Assignment


async def expected(
    arm: ResourceManager, customer: Customer, names: DefinitionNames | None = None
) -> tuple[ExpectedAssignment, ...] | None:
    group = ResourceGroupId.parse(customer.managed_resource_group_id)
    return await expected_assignments(arm, group, names or DefinitionNames(), deadline=time.monotonic() + 10)


async def test_the_applications_own_assignments_are_found_with_their_names(
    arm: ResourceManager, customer: Customer
) -> None:
    found = await expected(arm, customer)
    assert found is not None
    assert tuple(replace(one, posture=None) for one in found) == tuple(
        ExpectedAssignment(one.id, one.display_name, one.definition.id, one.definition.display_name)
        for one in customer.assignments
    )
    assert len(found) == len(PLAN_ASSIGNMENTS)


async def test_assignments_inside_the_group_are_own_and_those_of_neighbours_are_not(
    sandbox: Sandbox, arm: ResourceManager
) -> None:
    group = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/mrg"
    inside = Assignment(
        "inside", "Inside", SECURE_TRANSFER, f"{group.upper()}/providers/Microsoft.Storage/storageAccounts/a"
    )
    neighbour = Assignment("neighbour", "Neighbour", SECURE_TRANSFER, f"{group}-2")
    customer = sandbox.arm.add_customer(
        "Fabrikam",
        subscription_id="00000000-0000-4000-8000-000000000001",
        managed_resource_group="mrg",
        assignments=(inside, neighbour),
    )
    found = await expected(arm, customer)
    assert found
    assert [one.display_name for one in found] == ["Inside"]


async def test_an_empty_list_is_not_known_because_missing_permission_looks_the_same(
    arm: ResourceManager, customer: Customer
) -> None:
    customer.revoke_access(Access.ASSIGNMENTS)
    assert await expected(arm, customer) is None


async def test_a_list_of_foreign_assignments_only_says_that_there_are_none(
    sandbox: Sandbox, arm: ResourceManager
) -> None:
    customer = sandbox.arm.add_customer("Fabrikam", assignments=(), foreign=True)
    assert await expected(arm, customer) == ()


@pytest.mark.parametrize("fault", [Status(403), Status(404), Status(400), Body(b"{}"), Status(429, retry_after=86_400)])
async def test_a_list_that_cannot_be_read_is_not_known(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, fault: Status | Body
) -> None:
    sandbox.faults.add(AssignmentList(), fault)
    group = ResourceGroupId.parse(customer.managed_resource_group_id)
    assert await expected_assignments(arm, group, DefinitionNames(), deadline=time.monotonic() + 1) is None


async def test_a_name_is_asked_for_once_and_again_the_next_day(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    now = 0.0
    names = DefinitionNames(lambda: now)
    for _ in range(2):
        await expected(arm, customer, names)
    asked = len({one.definition.id for one in customer.assignments})
    assert len(definition_reads(sandbox)) == asked
    now = 25 * 3600
    await expected(arm, customer, names)
    assert len(definition_reads(sandbox)) == 2 * asked


@pytest.mark.parametrize("status", [403, 404])
async def test_a_name_that_may_not_be_read_costs_only_the_name(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, status: int
) -> None:
    sandbox.faults.add(DefinitionRead(), Status(status))
    names = DefinitionNames()
    for _ in range(2):
        found = await expected(arm, customer, names)
        assert found
        assert {one.definition_display_name for one in found} == {""}
    assert len(definition_reads(sandbox)) == len({one.definition.id for one in customer.assignments})


async def test_a_name_that_failed_to_be_read_is_asked_for_the_next_time(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    names = DefinitionNames()
    sandbox.faults.add(DefinitionRead(), Status(503, retry_after=86_400))
    found = await expected(arm, customer, names)
    assert found
    assert {one.definition_display_name for one in found} == {""}
    sandbox.faults.clear()
    found = await expected(arm, customer, names)
    assert found
    assert "" not in {one.definition_display_name for one in found}


@pytest.mark.parametrize(
    "definition_id",
    ["https://attacker.example/x", "/providers/Microsoft.Authorization/policyDefinitions/../../x", "/x?y"],
)
async def test_an_odd_definition_id_leads_nowhere(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, definition_id: object
) -> None:
    assignment = {
        "id": f"{customer.managed_resource_group_id}/providers/Microsoft.Authorization/policyAssignments/odd",
        "properties": {"displayName": "Odd\n", "policyDefinitionId": definition_id},
    }
    sandbox.faults.add(AssignmentList(), Body(json.dumps({"value": [assignment]}).encode()))
    found = await expected(arm, customer)
    assert found
    assert [one.display_name for one in found] == ["Odd"]
    assert definition_reads(sandbox) == []


@pytest.mark.parametrize("entry", [None, 7, {}, {"id": None}, {"id": 17}, {"id": " "}, {"id": ["/x"]}])
async def test_with_an_entry_that_names_no_assignment_the_list_is_not_known(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, entry: object
) -> None:
    assignment = {"id": f"{customer.managed_resource_group_id}/providers/Microsoft.Authorization/policyAssignments/a"}
    sandbox.faults.add(AssignmentList(), Body(json.dumps({"value": [assignment, entry]}).encode()))
    assert await expected(arm, customer) is None


@pytest.mark.parametrize(
    "change",
    [
        *({"id": identity} for identity in (None, "", 5, "odd", [], "/providers/Microsoft.Authorization/x")),
        *({"properties": properties} for properties in (None, "", {}, {"policyDefinitionId": 7})),
    ],
)
async def test_a_list_with_an_assignment_that_cannot_be_told_is_not_known(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, change: dict[str, Any]
) -> None:
    def odd(body: bytes) -> bytes:
        document = json.loads(body)
        document["value"][0].update(change)
        return json.dumps(document).encode()

    sandbox.faults.add(AssignmentList(), Rewritten(odd))
    assert await expected(arm, customer) is None


@pytest.mark.parametrize("spell", [lambda text: f" {text}/", lambda text: text.replace("/providers/", "//providers//")])
async def test_slashes_too_many_make_no_other_assignment(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, spell: Callable[[str], str]
) -> None:
    def odd(body: bytes) -> bytes:
        document = json.loads(body)
        for one in document["value"]:
            one["id"] = spell(one["id"])
        return json.dumps(document).encode()

    plain = await expected(arm, customer)
    sandbox.faults.add(AssignmentList(), Rewritten(odd))
    assert await expected(arm, customer) == plain


def definition_reads(sandbox: Sandbox) -> list[str]:
    return [entry.path for entry in sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="definitions/")]
