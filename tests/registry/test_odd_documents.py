"""What Azure Resource Manager says of an application, spelled otherwise than documented: the same is read of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from publisher.errors.kinds import TransientFailure
from registry.discovery.discover import discover
from registry.inventory import Finding, Inventory, Standing
from registry.policies.definition_names import DefinitionNames
from registry.policies.policy_assignments import expected_assignments, known_exemptions
from registry.reconcile import reconcile_registry
from registry.refresh import Change
from registry.rows import event_time_of
from sandbox.faults.effects import Body, Rewritten, Status
from sandbox.faults.operations import ApplicationList, ApplicationRead, AssignmentList, ExemptionList, ResourceGroupRead
from sandbox.world.plans import Plan
from tests.registry.refreshing import NOW, only, soon

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.resource_ids import ApplicationId
    from publisher.resource_manager import ResourceManager
    from registry.refresh import Refresher
    from registry.registry import Registry
    from sandbox.local_azure import Sandbox
    from sandbox.world.customers import Customer
    from tests.registry.conftest import RawTable

GOING = ["deleting", " Deleting\n", "DELETING\u200b", "\ufeffDeleting", "De\u200bleting", "deleted ", "De-leted"]
SPELLINGS: list[Callable[[str], str]] = [
    lambda text: f" {text}\u200b\n",
    lambda text: text.replace("/", "//"),
    lambda text: f"{text.removeprefix('/')}//",
    lambda text: text.replace("mrg", "%6Drg").replace("policy", "%70olicy"),
]


def rewritten(change: Callable[[dict[str, Any]], object]) -> Rewritten:
    """An answer in which `change` was made to each object."""

    def rewrite(body: bytes) -> bytes:
        document = json.loads(body)
        for one in document.get("value", [document]):
            change(one)
        return json.dumps(document).encode()

    return Rewritten(rewrite)


@pytest.mark.parametrize("state", GOING)
async def test_what_is_being_deleted_is_not_registered_however_that_is_written(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId, state: str
) -> None:
    odd = rewritten(lambda one: one["properties"].update(provisioningState=state))
    sandbox.faults.add(ApplicationRead(), odd)
    sandbox.faults.add(ApplicationList(), odd)
    assert (await discover(refresher, may_be_new=True, deadline=soon())).going == (identity,)
    assert await refresher.refresh(identity, deadline=soon()) is Change.CONFIRMED
    assert await registry.find(identity) is None
    assert await Inventory(refresher).standing(identity) == (Standing.DELETING, "")


@pytest.mark.parametrize("state", ["Undeleted", "DeleteFailed", "not deleted", "", None, 7, ["Deleted"], "Deleted?"])
async def test_no_other_state_ends_an_application(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId, state: object
) -> None:
    await refresher.refresh(identity, deadline=soon())
    sandbox.faults.add(ApplicationRead(), rewritten(lambda one: one["properties"].update(provisioningState=state)))
    assert await refresher.reconcile(identity, deadline=soon()) is Change.UPDATED
    assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.ALIVE
    assert (await only(registry)).application_id == identity


@pytest.mark.parametrize("spelled", SPELLINGS)
async def test_ids_are_the_same_however_they_are_slashed_and_encoded(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId, spelled: Callable[[str], str]
) -> None:
    def change(one: dict[str, Any]) -> None:
        one["id"] = spelled(one["id"])
        one["properties"]["managedResourceGroupId"] = spelled(one["properties"]["managedResourceGroupId"])

    await refresher.refresh(identity, deadline=soon())
    before = await only(registry)
    sandbox.faults.add(ApplicationRead(), rewritten(change))
    sandbox.faults.add(ResourceGroupRead(), rewritten(lambda one: one.update(managedBy=spelled(one["managedBy"]))))
    sandbox.faults.add(AssignmentList(), rewritten(lambda one: one.update(id=spelled(one["id"]))))
    assert await Inventory(refresher).compare(before) is None
    assert await refresher.reconcile(identity, deadline=soon()) is Change.UPDATED
    after = await only(registry)
    assert (str(after.application_id), after.managed_resource_group_id) == (
        str(before.application_id),
        before.managed_resource_group_id,
    )
    assert after.assignments == before.assignments


@pytest.mark.parametrize("spelled", SPELLINGS)
async def test_an_exemption_belongs_to_its_assignment_however_that_is_spelled(
    sandbox: Sandbox, arm: ResourceManager, refresher: Refresher, identity: ApplicationId, spelled: Callable[[str], str]
) -> None:
    group = (await arm.application(identity)).group
    assignments = await expected_assignments(arm, group, DefinitionNames(), deadline=soon())
    assert assignments
    exemption = {"id": "/e", "properties": {"policyAssignmentId": spelled(assignments[0].id)}}
    sandbox.faults.add(ExemptionList(), Body(json.dumps({"value": [exemption]}).encode()))
    found = await known_exemptions(arm, group, before=None, deadline=soon())
    assert found
    assert [one.assignment_id for one in found] == [assignments[0].id.lower()]


async def test_one_that_another_publisher_put_in_its_place_fails_no_reconciliation(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    before = await only(registry)
    customer.plan = Plan(publisher="mallory")
    moved = customer.managed_resource_group_id + "-2"
    sandbox.faults.add(ApplicationRead(), rewritten(lambda one: one["properties"].update(managedResourceGroupId=moved)))

    result = await reconcile_registry(refresher, deadline=soon())

    assert (dict(result.changes), result.failures) == ({Change.UNUSABLE: 1}, {})
    assert await only(registry) == before
    difference = await Inventory(refresher).compare(before)
    assert difference
    assert (difference.finding, difference.can_be_repaired) == (Finding.UNUSABLE, False)
    assert "OFFERS" in difference.reason


async def test_one_whose_new_group_does_not_exist_fails_no_reconciliation(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    before = await only(registry)
    moved = customer.managed_resource_group_id + "-2"
    sandbox.faults.add(ApplicationRead(), rewritten(lambda one: one["properties"].update(managedResourceGroupId=moved)))
    sandbox.faults.add(ResourceGroupRead(), Status(404, code="ResourceGroupNotFound"))

    result = await reconcile_registry(refresher, deadline=soon())

    assert (dict(result.changes), result.failures) == ({Change.UNUSABLE: 1}, {})
    assert await only(registry) == before
    difference = await Inventory(refresher).compare(before)
    assert difference
    assert (difference.finding, difference.can_be_repaired) == (Finding.UNUSABLE, False)
    assert "its managed resource group" in difference.reason

    with pytest.raises(TransientFailure, match="its managed resource group"):
        await refresher.refresh(identity, deadline=soon())


async def test_a_listed_application_says_why_it_cannot_be_registered(
    sandbox: Sandbox, refresher: Refresher, customer: Customer, identity: ApplicationId
) -> None:
    nameless = sandbox.arm.add_customer("Fabrikam", subscription_id=customer.subscription_id)
    customer.plan = Plan(publisher="mallory")

    def change(one: dict[str, Any]) -> None:
        if one["id"] == nameless.application_id:
            one["id"] = 17

    sandbox.faults.add(ApplicationList(), rewritten(change))
    sandbox.graph.hide_application(customer, nameless)
    found = await discover(refresher, may_be_new=True, deadline=soon())
    assert {one: "OFFERS" in why for one, why in found.foreign.items()} == {identity: True}
    assert "1 entries of Azure's list cannot be told" in found.unread[0].problem


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", " 2026-01-01", "soon"])
async def test_a_time_that_no_clock_has_breaks_no_row(
    refresher: Refresher, registry: Registry, table: RawTable, identity: ApplicationId, time: str
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    (row,) = await table.rows()
    await table.put(row.pop("PartitionKey"), row.pop("RowKey"), **row | {"event_time": time, "refreshed_at": time})
    assert (await only(registry)).application_id == identity
    assert await refresher.refresh(identity, event_time=NOW, deadline=soon()) is Change.UPDATED
    found = await registry.find(identity)
    assert found
    assert event_time_of(found) == NOW
