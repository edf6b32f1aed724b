"""Who is removed from the registry, on whose word, and who is found again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from publisher.errors.kinds import AccessDenied, AuthenticationFailed, AzureFailure, TransientFailure
from publisher.resource_ids import ApplicationId
from registry.refresh import Change, Refresher
from registry.registry import Registry
from registry.rows import is_tombstone
from sandbox.faults.effects import Body, Status, html
from sandbox.faults.operations import ApplicationRead, ResourceGroupRead
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.registry.refreshing import NOW, only, soon


@pytest.mark.parametrize("way", ["delete", "start_deleting", "revoke_access", "hide"])
async def test_a_deletion_is_confirmed_by_arms_own_word_and_by_nothing_else(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId, way: str
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    getattr(customer, way)()
    assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.REMOVED
    row = await registry.find(identity)
    assert row
    assert is_tombstone(row)
    removal = await registry.removal_of(identity)
    assert removal
    assert (removal.confirmed, removal.by) == (way in {"delete", "start_deleting"}, "Azure")
    assert NOW <= removal.at <= datetime.now(UTC)
    assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.REMOVED, "told again"
    another = NOW + timedelta(seconds=1)
    assert await refresher.confirm_deletion(identity, event_time=another, deadline=soon()) is Change.CONFIRMED


@pytest.mark.parametrize(
    "fault", [Status(403), Status(404, code="SubscriptionNotFound"), Status(409, code="ScopeLocked")]
)
async def test_whoevers_group_can_be_read_is_alive_though_the_application_is_denied(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId, fault: Status | Body
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    sandbox.faults.add(ApplicationRead(), fault)
    assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.ALIVE
    assert (await only(registry)).application_id == identity
    assert await registry.removal_of(identity) is None


@pytest.mark.parametrize(
    "answers",
    [
        (of_application, of_group)
        for of_application in (Status(403), Status(404, code="SubscriptionNotFound"), Status(409, code="ScopeLocked"))
        for of_group in (
            Status(403),
            Status(404, code="ResourceGroupNotFound"),
            Status(404, code="SubscriptionNotFound"),
        )
    ],
)
async def test_whoever_shuts_us_out_after_a_deletion_is_removed_without_confirmation(
    sandbox: Sandbox,
    refresher: Refresher,
    registry: Registry,
    identity: ApplicationId,
    answers: tuple[Status, Status],
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    sandbox.faults.add(ApplicationRead(), answers[0])
    sandbox.faults.add(ResourceGroupRead(), answers[1])
    assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.REMOVED
    removal = await registry.removal_of(identity)
    assert removal
    assert not removal.confirmed
    assert "managed resource group" in removal.reason


async def test_a_group_that_cannot_be_asked_for_now_leaves_the_row(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    sandbox.faults.add(ApplicationRead(), Status(403))
    sandbox.faults.add(ResourceGroupRead(), Status(500, retry_after=86_400))
    with pytest.raises(TransientFailure):
        await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon())
    assert (await only(registry)).application_id == identity


@pytest.mark.parametrize("state", ["Deleting", " deleting ", "Deleted", "DELETED "])
async def test_a_group_that_azure_is_deleting_is_no_sign_of_life(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId, state: str
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    sandbox.faults.add(ApplicationRead(), Status(403))
    sandbox.faults.add(ResourceGroupRead(), Body(json.dumps({"properties": {"provisioningState": state}}).encode()))
    assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.REMOVED
    removal = await registry.removal_of(identity)
    assert removal
    assert not removal.confirmed


async def test_an_unconfirmed_removal_is_confirmed_when_arm_says_so_and_keeps_its_time(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    customer.revoke_access()
    await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon())
    before = await registry.removal_of(identity)
    assert await refresher.revisit(identity, deadline=soon()) is Change.CONFIRMED
    assert await registry.removal_of(identity) == before
    customer.delete()
    assert await refresher.revisit(identity, deadline=soon()) is Change.DELETION_CONFIRMED
    after = await registry.removal_of(identity)
    assert before
    assert after
    assert (after.at, after.confirmed) == (before.at, True)
    assert "ResourceNotFound" in after.reason
    assert await refresher.revisit(identity, deadline=soon()) is Change.CONFIRMED


async def test_a_removed_application_that_lives_is_registered_without_a_trace_of_the_removal(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    customer.revoke_access()
    await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon())
    customer.grant_access()
    assert await refresher.revisit(identity, deadline=soon()) is Change.REGISTERED
    assert await registry.removal_of(identity) is None
    row = await registry.find(identity)
    assert row
    assert not {"confirmed", "removed_by", "removal_reason", "deleted_at"} & row.properties.keys()


async def test_who_has_no_row_is_looked_for_as_the_removed_are(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    customer.revoke_access()
    assert await refresher.revisit(identity, deadline=soon()) is Change.CONFIRMED
    assert await registry.find(identity) is None
    customer.grant_access()
    assert await refresher.revisit(identity, deadline=soon()) is Change.REGISTERED
    assert (await only(registry)).application_id == identity


@pytest.mark.parametrize("way", ["delete", "start_deleting"])
async def test_who_has_no_row_and_does_not_exist_gets_a_tombstone_that_says_so(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId, way: str
) -> None:
    getattr(customer, way)()
    assert await refresher.revisit(identity, deadline=soon()) is Change.DELETION_CONFIRMED
    removal = await registry.removal_of(identity)
    assert removal
    assert removal.confirmed


async def test_a_deletion_that_is_told_of_an_unknown_application_is_no_removal_until_arm_confirms_it(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon())
    assert await registry.removal_of(identity) is None
    customer.delete()
    assert await refresher.revisit(identity, deadline=soon()) is Change.DELETION_CONFIRMED
    removal = await registry.removal_of(identity)
    assert removal
    assert removal.confirmed


async def test_a_deletion_that_arm_contradicts_changes_nothing(
    refresher: Refresher, registry: Registry, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    before = await registry.find(identity)
    assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.ALIVE
    assert await registry.find(identity) == before


async def test_an_old_deletion_takes_nobody_out_of_monitoring(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    customer.revoke_access()
    sandbox.requests.clear()
    outdated = NOW - timedelta(microseconds=1)
    assert await refresher.confirm_deletion(identity, event_time=outdated, deadline=soon()) is Change.OUTDATED
    assert sandbox.requests.of(Service.RESOURCE_MANAGER) == []
    assert (await only(registry)).application_id == identity


async def test_a_deletion_of_an_unknown_application_leaves_no_row(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    customer.delete()
    assert await refresher.reconcile(identity, deadline=soon()) is Change.CONFIRMED
    for _ in range(2):
        assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.UNKNOWN
    assert await registry.find(identity) is None


async def test_a_deployment_that_arm_refuses_leaves_no_row(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    customer.revoke_access()
    with pytest.raises(AccessDenied):
        await refresher.refresh(identity, event_time=NOW, deadline=soon())
    assert await registry.find(identity) is None


@pytest.mark.parametrize("fault", [Status(401), Status(500, retry_after=86_400), Status(429, retry_after=86_400)])
async def test_a_deletion_that_arm_cannot_confirm_now_is_not_believed(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId, fault: Status
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    sandbox.faults.add(ApplicationRead(), fault)
    with pytest.raises((TransientFailure, AuthenticationFailed)):
        await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon())
    assert (await only(registry)).application_id == identity


async def test_reconciling_finds_a_deletion_that_nobody_told(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    customer.delete()
    assert await refresher.reconcile(identity, deadline=soon()) is Change.REMOVED
    assert [item async for item in registry.applications()] == []


@pytest.mark.parametrize("way", ["revoke_access", "hide"])
async def test_reconciling_keeps_and_marks_an_application_that_shut_us_out(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId, way: str
) -> None:
    await refresher.refresh(identity, deadline=soon())
    getattr(customer, way)()
    assert await refresher.reconcile(identity, deadline=soon()) is Change.ACCESS_LOST
    lost_at = (await only(registry)).access_lost_at
    assert lost_at
    assert await refresher.reconcile(identity, deadline=soon()) is Change.ACCESS_LOST
    assert (await only(registry)).access_lost_at == lost_at
    customer.grant_access()
    customer.visible = True
    assert await refresher.reconcile(identity, deadline=soon()) is Change.UPDATED
    assert (await only(registry)).access_lost_at is None


async def test_a_subscription_that_is_not_found_may_only_be_out_of_sight(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    sandbox.faults.add(ApplicationRead(), Status(404, code="SubscriptionNotFound"))
    assert await refresher.reconcile(identity, deadline=soon()) is Change.ACCESS_LOST
    assert (await only(registry)).access_lost_at


OTHERS_404 = [
    html(404),
    Body(b"", status=404),
    Status(404, code="NoRegisteredProviderFound"),
    Status(404, code="InvalidResourceNamespace"),
    Status(
        404, code="ResourceNotFound", message="The Resource 'Microsoft.Solutions/applications/other' was not found."
    ),
    Status(404, code="ResourceGroupNotFound", message="Resource group 'another' could not be found."),
]


@pytest.mark.parametrize("fault", OTHERS_404)
async def test_a_404_that_is_not_arms_word_about_the_application_removes_nobody(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId, fault: Status | Body
) -> None:
    await refresher.refresh(identity, deadline=soon())
    sandbox.faults.add(ApplicationRead(), fault)
    with pytest.raises(AzureFailure):
        await refresher.reconcile(identity, deadline=soon())
    with pytest.raises(AzureFailure):
        await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon())
    assert (await only(registry)).application_id == identity


@pytest.mark.parametrize("fault", OTHERS_404)
async def test_a_404_that_is_not_arms_word_about_the_group_confirms_nothing(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId, fault: Status | Body
) -> None:
    await refresher.refresh(identity, deadline=soon())
    sandbox.faults.add(ApplicationRead(), Status(403))
    sandbox.faults.add(ResourceGroupRead(), fault)
    with pytest.raises(AzureFailure):
        await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon())
    assert (await only(registry)).application_id == identity


async def test_an_application_whose_state_is_deleted_is_gone(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    customer.provisioning_state = "Deleted"
    assert await refresher.reconcile(identity, deadline=soon()) is Change.REMOVED
