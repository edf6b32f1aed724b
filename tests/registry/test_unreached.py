"""An application that Azure tells of and refuses us: not forgotten, not collected, healed as soon as it can be read."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from publisher.errors import AccessDenied, AuthenticationFailed, NotFound
from publisher.resource_ids import ApplicationId
from registry.managed_application import MalformedRow, ManagedApplication
from registry.refresh import Change, Refresher
from registry.registry import Registry
from registry.rows import is_tombstone
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer

NOW = datetime.now(UTC)


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    sandbox.arm.add_customer("Fabrikam")
    customer = sandbox.arm.add_customer("Contoso")
    customer.revoke_access()
    return customer


def soon() -> float:
    return time.monotonic() + 20


async def told(refresher: Refresher, identity: ApplicationId, at: datetime = NOW) -> None:
    with pytest.raises((AccessDenied, AuthenticationFailed)):
        await refresher.refresh(identity, event_time=at, deadline=soon())


async def only(registry: Registry) -> ManagedApplication | MalformedRow:
    (found,) = [item async for item in registry.applications()]
    return found


@pytest.mark.parametrize("hidden", [False, True])
async def test_it_is_in_the_registry_with_the_reason_why_it_is_not_collected(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId, hidden: bool
) -> None:
    if hidden:
        customer.hide()
    for _ in range(2):
        await told(refresher, identity)
    found = await only(registry)
    assert isinstance(found, MalformedRow)
    assert found.application_id == identity
    assert found.access_lost_at
    assert "refused" in found.reason


async def test_the_operators_question_alone_leaves_no_row(
    refresher: Refresher, registry: Registry, identity: ApplicationId
) -> None:
    with pytest.raises(AccessDenied):
        await refresher.refresh(identity, deadline=soon())
    assert await registry.find(identity) is None


async def test_reconciling_heals_it_when_we_are_let_in(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await told(refresher, identity)
    assert await refresher.reconcile(identity, deadline=soon()) is Change.ACCESS_LOST
    customer.grant_access()
    assert await refresher.reconcile(identity, deadline=soon()) is Change.UPDATED
    found = await only(registry)
    assert isinstance(found, ManagedApplication)
    assert str(found.managed_resource_group_id) == customer.managed_resource_group_id
    assert found.access_lost_at is None


async def test_its_deletion_is_confirmed_as_any_other(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    await told(refresher, identity)
    customer.delete()
    later = NOW + timedelta(minutes=1)
    assert await refresher.confirm_deletion(identity, event_time=later, deadline=soon()) is Change.REMOVED
    assert [item async for item in registry.applications()] == []


async def test_one_that_arm_does_not_know_leaves_no_row(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    customer.delete()
    with pytest.raises(NotFound):
        await refresher.refresh(identity, event_time=NOW, deadline=soon())
    assert await registry.find(identity) is None


@pytest.mark.parametrize("later", [timedelta(hours=-1), timedelta(hours=1)])
async def test_only_a_later_event_brings_a_deleted_one_back(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId, later: timedelta
) -> None:
    before = NOW - timedelta(hours=2)
    await told(refresher, identity, at=before)
    customer.delete()
    await refresher.confirm_deletion(identity, event_time=before, deadline=soon())
    customer.deleted = False
    tomorrow = Refresher(refresher.arm, registry, refresher.names, clock=lambda: NOW + timedelta(days=1))
    await told(tomorrow, identity, at=NOW + later)
    row = await registry.find(identity)
    assert row
    assert is_tombstone(row) is (later < timedelta())
