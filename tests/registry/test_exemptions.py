"""Exemptions of an application's assignments: whose they are, and what is not known about them."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from publisher.resource_ids import ApplicationId, ResourceGroupId
from publisher.resource_manager import ResourceManager
from registry.managed_application import Exemption, ManagedApplication
from registry.policies.policy_assignments import known_exemptions
from registry.refresh import Refresher
from registry.registry import Registry
from sandbox.faults.effects import Body, Rewritten, Status, html
from sandbox.faults.operations import AssignmentList, ExemptionList, PermissionList
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Access, Customer

OWN = "GROUP/providers/Microsoft.Authorization/policyAssignments/baseline"


async def exemptions(
    arm: ResourceManager, customer: Customer, before: tuple[Exemption, ...] | None = None
) -> tuple[Exemption, ...] | None:
    group = ResourceGroupId.parse(customer.managed_resource_group_id)
    return await known_exemptions(arm, group, before=before, deadline=time.monotonic() + 5)


async def stored(registry: Registry) -> ManagedApplication:
    (found,) = [one async for one in registry.applications()]
    assert isinstance(found, ManagedApplication)
    return found


async def refreshed(refresher: Refresher, customer: Customer) -> ManagedApplication:
    await refresher.refresh(ApplicationId.parse(customer.application_id), deadline=time.monotonic() + 30)
    return await stored(refresher.registry)


async def test_an_exemption_tells_who_until_when_and_of_what(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    customer.exempt("baseline", days=3, by="ops@customer.example", references=("vaultSoftDelete",))
    (found,) = await exemptions(arm, customer) or ()
    group = customer.managed_resource_group_id.lower()
    assert found.assignment_id == f"{group}/providers/microsoft.authorization/policyassignments/baseline"
    assert (found.category, found.created_by, found.reference_ids) == (
        "Waiver",
        "ops@customer.example",
        ("vaultsoftdelete",),
    )
    expected = customer.now() + timedelta(days=3)
    assert found.expires_at
    assert abs(found.expires_at - expected) < timedelta(seconds=2)


async def test_exemptions_inside_the_group_count_and_those_of_foreign_assignments_do_not(
    sandbox: Sandbox, arm: ResourceManager
) -> None:
    customer = sandbox.arm.add_customer("Fabrikam", foreign=True)
    customer.exempt("secure-transfer", name="inside", resource="storage1")
    foreign = customer.foreign_assignments[0]
    customer.exemptions += (type(customer.exemptions[0])("foreign", foreign.id, None),)
    (found,) = await exemptions(arm, customer) or ()
    assert "/storageaccounts/storage1/" in found.id
    assert found.display_name == "inside"


async def test_an_expired_exemption_is_still_there(sandbox: Sandbox, arm: ResourceManager, customer: Customer) -> None:
    customer.exempt("baseline", days=1)
    sandbox.clock.advance(timedelta(days=9))
    (found,) = await exemptions(arm, customer) or ()
    assert found.expires_at
    assert found.expires_at < customer.now()


@pytest.mark.parametrize(
    "fault",
    [Status(403), Status(404), html(404), *(Body(body) for body in (
        b"{}", b'{"value": 1}', b'{"value": [null]}', b'{"value": [{"id": "/e"}]}',
        b'{"value": [{"id": "/e", "properties": {"policyAssignmentId": 7}}]}',
    ))],
)  # fmt: skip
async def test_a_list_that_cannot_be_read_is_not_known(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, fault: Status | Body
) -> None:
    sandbox.faults.add(ExemptionList(), fault)
    assert await exemptions(arm, customer) is None


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"properties": None},
        *(
            {"properties": {"policyAssignmentId": identity, **more}}
            for identity, more in [
                (None, {}),
                (5, {}),
                ("baseline", {}),
                (OWN, {"expiresOn": "soon"}),
                (OWN, {"expiresOn": "0001-01-01T00:00:00+14:00"}),
                (OWN, {"policyDefinitionReferenceIds": ["one", 2]}),
            ]
        ),
    ],
)
async def test_a_list_with_an_exemption_that_cannot_be_told_is_not_known(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, change: dict[str, Any]
) -> None:
    customer.exempt("baseline")

    def odd(body: bytes) -> bytes:
        document = json.loads(body)
        document["value"][0].update(change)
        return json.dumps(document).replace("GROUP", customer.managed_resource_group_id).encode()

    sandbox.faults.add(ExemptionList(), Rewritten(odd))
    assert await exemptions(arm, customer) is None


async def test_an_empty_list_after_some_is_believed_only_of_who_may_read_exemptions(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    customer.exempt("baseline")
    before = await exemptions(arm, customer)
    customer.revoke_access(Access.EXEMPTIONS)
    assert await exemptions(arm, customer, before) is None
    customer.grant_access()
    customer.end_exemption()
    sandbox.faults.add(PermissionList(), Status(403))
    assert await exemptions(arm, customer, before) is None
    sandbox.faults.clear()
    assert await exemptions(arm, customer, before) == ()


async def test_permissions_are_not_asked_for_while_nothing_is_missing(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    assert await exemptions(arm, customer, ()) == ()
    customer.exempt("baseline")
    assert await exemptions(arm, customer)
    assert sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="/permissions") == []


async def test_a_row_has_postures_and_exemptions_and_when_they_were_read(
    refresher: Refresher, customer: Customer
) -> None:
    customer.exempt("baseline")
    found = await refreshed(refresher, customer)
    assert found.assignments
    assert all(one.posture and one.posture.definition_version == "1.*.*" for one in found.assignments)
    initiative = next(one.posture for one in found.assignments if one.id.endswith("/baseline"))
    assert initiative
    assert initiative.references == 4
    assert len(found.exemptions or ()) == 1
    assert found.assignments_read_at is not None


async def test_what_cannot_be_read_any_more_stays_known_as_it_was(
    sandbox: Sandbox, refresher: Refresher, customer: Customer
) -> None:
    customer.exempt("baseline")
    before = await refreshed(refresher, customer)
    customer.exclude("baseline")
    sandbox.faults.add(AssignmentList(), Status(403))
    customer.revoke_access(Access.EXEMPTIONS)
    after = await refreshed(refresher, customer)
    assert (after.assignments, after.exemptions) == (before.assignments, before.exemptions)
    assert after.assignments_read_at == before.assignments_read_at


async def test_exemptions_that_were_not_read_are_as_old_as_before(
    sandbox: Sandbox, refresher: Refresher, customer: Customer
) -> None:
    before = await refreshed(refresher, customer)
    customer.exempt("baseline")
    sandbox.faults.add(ExemptionList(), Status(403))
    after = await refreshed(refresher, customer)
    assert after.exemptions == before.exemptions
    assert after.exemptions_read_at == before.exemptions_read_at
    assert after.assignments_read_at
    assert before.assignments_read_at
    assert after.assignments_read_at > before.assignments_read_at


async def test_of_another_group_nothing_stays_known(sandbox: Sandbox, refresher: Refresher, customer: Customer) -> None:
    customer.exempt("baseline")
    await refreshed(refresher, customer)
    sandbox.arm.customers.move(customer, managed_resource_group="mrg-anew")
    sandbox.faults.add(AssignmentList(), Status(403))
    sandbox.faults.add(ExemptionList(), Status(403))
    after = await refreshed(refresher, customer)
    assert (after.assignments, after.exemptions, after.assignments_read_at) == (None, None, None)
