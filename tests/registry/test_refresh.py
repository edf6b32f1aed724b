"""One row and ARM: whoever asks, and whatever happens in between, they end up equal."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from publisher.errors import AccessDenied, AuthenticationFailed, MalformedAnswer, NotFound, TransientFailure
from publisher.resource_ids import ApplicationId
from registry.managed_application import ManagedApplication, Removal
from registry.refresh import Change, Refresher
from registry.registry import Registry
from registry.rows import is_tombstone
from sandbox.faults.effects import Body, Call, Status, html
from sandbox.faults.operations import ApplicationRead, AssignmentList, ExemptionList, ResourceGroupRead, TableRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Access, Customer

NOW = datetime.now(UTC)


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso")


@pytest.fixture
def identity(customer: Customer) -> ApplicationId:
    return ApplicationId.parse(customer.application_id)


@dataclass(frozen=True)
class DeletedMeanwhile:
    """An effect: the customer deletes the application while ARM works out this very answer."""

    customer: Customer

    async def __call__(self, call: Call) -> web.StreamResponse:
        self.customer.delete()
        return await call.answer()


def soon() -> float:
    return time.monotonic() + 20


async def only(registry: Registry) -> ManagedApplication:
    (found,) = [item async for item in registry.applications()]
    assert isinstance(found, ManagedApplication)
    return found


async def test_a_new_application_is_registered_with_everything_the_collector_needs(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    assert await refresher.refresh(identity, event_time=NOW, deadline=soon()) is Change.REGISTERED
    stored = await only(registry)
    assert str(stored.application_id) == customer.application_id
    assert str(stored.managed_resource_group_id) == customer.managed_resource_group_id
    assert stored.customer_name == customer.subscription_id
    assert (stored.plan_name, stored.plan_version, stored.kind) == ("standard", "1.0.0", "MarketPlace")
    assert stored.assignments
    assert [one.display_name for one in stored.assignments] == [one.display_name for one in customer.assignments]
    assert stored.event_time == NOW
    assert stored.refreshed_at


async def test_a_new_plan_version_is_taken_over(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    customer.upgrade("2.0.0")
    assert await refresher.refresh(identity, deadline=soon()) is Change.UPDATED
    assert (await only(registry)).plan_version == "2.0.0"
    assert (await only(registry)).event_time == NOW


async def test_an_event_from_the_future_does_not_outdate_later_ones(
    refresher: Refresher, registry: Registry, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, event_time=NOW + timedelta(days=365_000), deadline=soon())
    event_time = (await only(registry)).event_time
    assert event_time
    assert event_time <= datetime.now(UTC)


async def test_known_assignments_are_not_lost_when_they_cannot_be_read(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    known = (await only(registry)).assignments
    assert known
    customer.revoke_access(Access.ASSIGNMENTS)
    await refresher.refresh(identity, deadline=soon())
    assert (await only(registry)).assignments == known
    sandbox.faults.add(AssignmentList(), Status(403))
    await refresher.refresh(identity, deadline=soon())
    assert (await only(registry)).assignments == known


async def test_slow_assignments_never_keep_a_row_from_being_written(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId
) -> None:
    sandbox.faults.add(AssignmentList(), Status(503, retry_after=15))
    await refresher.refresh(identity, deadline=time.monotonic() + 20)
    assert (await only(registry)).assignments is None


@pytest.mark.parametrize("registered", [False, True])
async def test_an_application_that_arm_is_deleting_is_left_as_it_is(
    refresher: Refresher,
    registry: Registry,
    customer: Customer,
    identity: ApplicationId,
    registered: bool,
) -> None:
    if registered:
        await refresher.refresh(identity, deadline=soon())
    customer.start_deleting()
    assert await refresher.refresh(identity, deadline=soon()) is Change.CONFIRMED
    assert await refresher.reconcile(identity, deadline=soon()) is Change.CONFIRMED
    assert (await registry.find(identity) is not None) is registered


async def test_an_application_without_a_managed_resource_group_is_not_registered(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    answer = f'{{"id": "{customer.application_id}", "properties": {{"provisioningState": "Succeeded"}}}}'
    sandbox.faults.add(ApplicationRead(), Body(answer.encode()))
    with pytest.raises(MalformedAnswer):
        await refresher.refresh(identity, deadline=soon())
    assert await registry.find(identity) is None


async def test_a_tombstone_revives_when_arm_calls_the_application_alive(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    customer.start_deleting()
    assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.REMOVED
    customer.provisioning_state = "Succeeded"
    assert await refresher.refresh(identity, event_time=NOW - timedelta(days=1), deadline=soon()) is Change.REGISTERED
    assert (await only(registry)).event_time == NOW


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
    assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.CONFIRMED


@pytest.mark.parametrize("fault", [Status(403), Status(404, code="SubscriptionNotFound"), html(404)])
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
        for of_application in (Status(403), Status(404, code="NoRegisteredProviderFound"), html(404))
        for of_group in (Status(403), Status(404, code="ResourceGroupNotFound"), html(404))
    ],
)
async def test_whoever_shuts_us_out_after_a_deletion_is_removed_without_confirmation(
    sandbox: Sandbox,
    refresher: Refresher,
    registry: Registry,
    identity: ApplicationId,
    answers: tuple[Status | Body, Status | Body],
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


async def test_a_group_that_azure_is_deleting_is_no_sign_of_life(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    sandbox.faults.add(ApplicationRead(), Status(403))
    sandbox.faults.add(ResourceGroupRead(), Body(b'{"properties": {"provisioningState": "Deleting"}}'))
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


async def test_a_deletion_of_an_unknown_application_is_remembered_and_registers_nobody(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    customer.delete()
    assert await refresher.reconcile(identity, deadline=soon()) is Change.CONFIRMED
    for _ in range(2):
        assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.CONFIRMED
    assert [item async for item in registry.applications()] == []


async def test_a_late_deployment_does_not_bring_back_whom_arm_refuses_after_the_deletion(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    customer.revoke_access()  # our rights end with the application
    await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon())
    with pytest.raises(AccessDenied):
        await refresher.refresh(identity, event_time=NOW - timedelta(minutes=5), deadline=soon())
    assert [item async for item in registry.applications()] == []


async def test_an_application_deployed_anew_after_an_unknown_deletion_is_registered(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.confirm_deletion(identity, event_time=NOW - timedelta(hours=1), deadline=soon())
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    assert (await only(registry)).application_id == identity
    assert str((await only(registry)).managed_resource_group_id) == customer.managed_resource_group_id


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


async def test_a_404_that_is_not_arms_removes_nobody(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    sandbox.faults.add(ApplicationRead(), html(404))
    with pytest.raises(NotFound):
        await refresher.reconcile(identity, deadline=soon())
    assert (await only(registry)).application_id == identity


async def test_an_application_whose_state_is_deleted_is_gone(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    customer.provisioning_state = "Deleted"
    assert await refresher.reconcile(identity, deadline=soon()) is Change.REMOVED


async def test_a_deletion_told_between_our_reading_and_our_writing_is_not_lost(
    refresher: Refresher, registry: Registry, sandbox: Sandbox, customer: Customer, identity: ApplicationId
) -> None:
    sandbox.faults.add(AssignmentList(), DeletedMeanwhile(customer), times=1)
    with pytest.raises(NotFound):
        await refresher.refresh(identity, event_time=NOW, deadline=soon())
    assert [item async for item in registry.applications()] == []


async def test_a_deletion_told_while_a_tombstone_revives_is_not_lost(
    refresher: Refresher, registry: Registry, sandbox: Sandbox, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    customer.delete()
    await refresher.confirm_deletion(identity, event_time=refresher.clock(), deadline=soon())
    customer.deleted, customer.provisioning_state = False, "Succeeded"
    sandbox.faults.add(AssignmentList(), DeletedMeanwhile(customer), times=1)
    with pytest.raises(NotFound):
        await refresher.refresh(identity, event_time=NOW, deadline=soon())
    assert [item async for item in registry.applications()] == []


async def test_rivals_over_one_row_agree_with_arm_in_the_end(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    results = await asyncio.gather(*(refresher.refresh(identity, event_time=NOW, deadline=soon()) for _ in range(6)))
    assert set(results) <= {Change.REGISTERED, Change.UPDATED}
    assert (await only(registry)).plan_version == "1.0.0"
    customer.upgrade("2.0.0")
    customer_left = asyncio.gather(
        *(refresher.refresh(identity, event_time=NOW, deadline=soon()) for _ in range(3)),
        *(refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) for _ in range(3)),
        return_exceptions=True,
    )
    customer.delete()
    await customer_left
    row = await registry.find(identity)
    assert row
    assert is_tombstone(row)


async def test_a_row_that_is_never_free_is_given_up_for_now(
    sandbox: Sandbox, refresher: Refresher, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    sandbox.faults.add(TableRequest("PUT"), Status(412, code="UpdateConditionNotSatisfied"))
    with pytest.raises(TransientFailure) as failure:
        await refresher.refresh(identity, deadline=soon())
    assert failure.value.code == "RegistryBusy"


async def test_a_customer_who_never_let_us_in_is_not_registered(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    customer.revoke_access()
    with pytest.raises(AccessDenied):
        await refresher.refresh(identity, deadline=soon())
    assert await registry.find(identity) is None


async def test_the_time_of_the_assignments_is_that_of_the_last_reading(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    first = (await only(registry)).assignments_read_at
    assert first is not None
    customer.revoke_access(Access.ASSIGNMENTS)
    await refresher.refresh(identity, deadline=soon())
    assert (await only(registry)).assignments_read_at == first
    customer.grant_access(Access.ASSIGNMENTS)
    await refresher.refresh(identity, deadline=soon())
    latest = (await only(registry)).assignments_read_at
    assert latest is not None
    assert latest > first


async def test_postures_and_exemptions_are_registered_and_kept_when_they_cannot_be_read(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    customer.exempt("baseline", days=5)
    await refresher.refresh(identity, deadline=soon())
    stored = await only(registry)
    assert stored.assignments
    assert all(one.posture for one in stored.assignments)
    assert stored.exemptions
    assert stored.exemptions[0].category == "Waiver"
    sandbox.faults.add(ExemptionList(), Status(403))
    sandbox.faults.add(AssignmentList(), Status(403))
    await refresher.refresh(identity, deadline=soon())
    again = await only(registry)
    assert (again.assignments, again.exemptions) == (stored.assignments, stored.exemptions)


@pytest.mark.parametrize("confirmed", [True, False])
async def test_only_after_a_confirmed_removal_is_an_application_registered_anew(
    refresher: Refresher, registry: Registry, identity: ApplicationId, confirmed: bool
) -> None:
    await refresher.refresh(identity, deadline=soon())
    assert (await only(registry)).registered_at is None
    row = await registry.find(identity)
    assert row is not None
    await registry.remove(identity, row, Removal(NOW, confirmed=confirmed, by="Azure"))
    await refresher.refresh(identity, deadline=soon())
    registered_at = (await only(registry)).registered_at
    assert (registered_at is not None) == confirmed
    await refresher.refresh(identity, deadline=soon())
    assert (await only(registry)).registered_at == registered_at
