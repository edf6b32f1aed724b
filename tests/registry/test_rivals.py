"""One row and ARM: whoever writes, and whatever happens in between, they end up equal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from aiohttp import web

from publisher.errors.kinds import NotFound, TransientFailure
from publisher.resource_ids import ApplicationId
from registry.refresh import Change, Refresher
from registry.registry import Registry
from registry.rows import is_tombstone
from sandbox.faults.effects import Call, Status
from sandbox.faults.operations import AssignmentList, TableRequest
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.registry.refreshing import NOW, only, soon


@dataclass(frozen=True)
class DeletedMeanwhile:
    """An effect: the customer deletes the application while ARM works out this very answer."""

    customer: Customer

    async def __call__(self, call: Call) -> web.StreamResponse:
        self.customer.delete()
        return await call.answer()


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
