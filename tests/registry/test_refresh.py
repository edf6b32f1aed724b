"""One row and ARM: what ARM says of a living application enters the registry, and what cannot be read stays."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from publisher.errors.kinds import AccessDenied
from publisher.resource_ids import ApplicationId
from registry.managed_application import Removal
from registry.refresh import Change, Refresher
from registry.registry import Registry
from sandbox.faults.effects import Status
from sandbox.faults.operations import AssignmentList, ExemptionList
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Access, Customer
from tests.registry.refreshing import NOW, only, soon


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


async def test_a_tombstone_revives_when_arm_calls_the_application_alive(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, event_time=NOW, deadline=soon())
    customer.start_deleting()
    assert await refresher.confirm_deletion(identity, event_time=NOW, deadline=soon()) is Change.REMOVED
    customer.provisioning_state = "Succeeded"
    assert await refresher.refresh(identity, event_time=NOW - timedelta(days=1), deadline=soon()) is Change.REGISTERED
    assert (await only(registry)).event_time == NOW


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
