"""Rows of older versions about an application that Azure told of and refused us: they are read, and healed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.resource_ids import ApplicationId
from registry.managed_application import MalformedRow, ManagedApplication
from registry.refresh import Change, Refresher
from registry.registry import Registry
from registry.rows import is_tombstone, time_text
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.registry.conftest import RawTable
from tests.registry.refreshing import NOW, soon


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    customer = sandbox.arm.add_customer("Contoso")
    customer.revoke_access()
    return customer


@pytest.fixture
async def written(table: RawTable, identity: ApplicationId) -> None:
    """The row of an older version of this program."""
    await table.put(
        identity.partition_key,
        identity.row_key,
        application_id=str(identity),
        subscription_id=identity.subscription_id,
        app_resource_group_name=identity.resource_group,
        app_name=identity.name,
        status="active",
        event_time=time_text(NOW),
        access_lost_at=time_text(NOW),
    )


async def only(registry: Registry) -> ManagedApplication | MalformedRow:
    (found,) = [item async for item in registry.applications()]
    return found


@pytest.mark.usefixtures("written")
async def test_it_has_the_reason_why_it_is_not_collected(registry: Registry, identity: ApplicationId) -> None:
    found = await only(registry)
    assert isinstance(found, MalformedRow)
    assert found.application_id == identity
    assert found.access_lost_at
    assert "refused" in found.reason


@pytest.mark.usefixtures("written")
async def test_reconciling_heals_it_when_we_are_let_in(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    assert await refresher.reconcile(identity, deadline=soon()) is Change.ACCESS_LOST
    customer.grant_access()
    assert await refresher.reconcile(identity, deadline=soon()) is Change.UPDATED
    found = await only(registry)
    assert isinstance(found, ManagedApplication)
    assert str(found.managed_resource_group_id) == customer.managed_resource_group_id
    assert found.access_lost_at is None


@pytest.mark.usefixtures("written")
async def test_its_deletion_is_confirmed_as_any_other(
    refresher: Refresher, registry: Registry, customer: Customer, identity: ApplicationId
) -> None:
    customer.delete()
    later = NOW + timedelta(minutes=1)
    assert await refresher.confirm_deletion(identity, event_time=later, deadline=soon()) is Change.REMOVED
    row = await registry.find(identity)
    assert row
    assert is_tombstone(row)
