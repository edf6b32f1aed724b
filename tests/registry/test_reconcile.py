"""The daily reconciliation heals the registry from what no notification told."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from publisher.resource_ids import ApplicationId
from registry.inventory import Inventory
from registry.managed_application import ManagedApplication, Removal
from registry.reconcile import ERASED_AFTER, Reconciliation, ReconciliationFailed, reconcile_registry
from registry.refresh import Refresher
from registry.registry import Registry
from sandbox.faults.effects import Status
from sandbox.faults.operations import ApplicationRead, TableRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.registry.conftest import RawTable


def soon() -> float:
    return time.monotonic() + 30


def now() -> datetime:
    return datetime.now(UTC)


async def register(refresher: Refresher, *customers: Customer) -> None:
    for customer in customers:
        await refresher.refresh(ApplicationId.parse(customer.application_id), deadline=soon())


async def listed(registry: Registry) -> dict[str, ManagedApplication]:
    found = [item async for item in registry.applications()]
    return {str(item.application_id): item for item in found if isinstance(item, ManagedApplication)}


async def test_every_kind_of_change_is_found(sandbox: Sandbox, refresher: Refresher, registry: Registry) -> None:
    upgraded, left, closed, same = (sandbox.arm.add_customer(name) for name in ("upgraded", "left", "closed", "same"))
    await register(refresher, upgraded, left, closed, same)
    upgraded.upgrade("9.0.0")
    left.delete()
    closed.revoke_access()
    result = await reconcile_registry(refresher, deadline=soon())
    assert result.changes == {"Updated": 2, "Removed": 1, "AccessLost": 1}
    assert result.failures == {}
    rows = await listed(registry)
    assert set(rows) == {customer.application_id for customer in (upgraded, closed, same)}
    assert rows[upgraded.application_id].plan_version == "9.0.0"
    assert rows[closed.application_id].access_lost_at
    result.raise_for_failures()


async def test_one_failure_touches_no_other_application_and_is_told_at_the_end(
    sandbox: Sandbox, refresher: Refresher, registry: Registry
) -> None:
    customers = [sandbox.arm.add_customer(f"customer {number}") for number in range(20)]
    await register(refresher, *customers)
    for customer in customers:
        customer.upgrade("2.0.0")
    sandbox.faults.add(ApplicationRead(customers[3]), Status(400, code="Strange"))
    result = await reconcile_registry(refresher, deadline=soon())
    assert set(result.failures) == {customers[3].application_id}
    versions = [row.plan_version for row in (await listed(registry)).values()]
    assert sorted(versions) == ["1.0.0"] + ["2.0.0"] * 19
    with pytest.raises(ReconciliationFailed, match=r"1 applications were not refreshed: .*Strange"):
        result.raise_for_failures()


async def test_the_number_of_requests_at_once_is_bounded(sandbox: Sandbox, refresher: Refresher) -> None:
    customers = [sandbox.arm.add_customer(f"customer {number}") for number in range(30)]
    await register(refresher, *customers)
    sandbox.requests.clear()
    sandbox.set_latency(Service.RESOURCE_MANAGER, 0.02)
    result = await reconcile_registry(refresher, deadline=soon())
    assert result.changes == {"Updated": 30}
    assert 2 <= sandbox.requests.most_at_once(Service.RESOURCE_MANAGER) <= 8


async def test_a_malformed_row_that_says_whose_it_is_is_healed(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, table: RawTable
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    await table.put(
        customer.subscription_id,
        customer.application_name,
        subscription_id=customer.subscription_id,
        app_resource_group_name=customer.resource_group,
        app_name=customer.application_name,
    )
    await table.put("nobody", "knows", mrg_name="mrg")
    result = await reconcile_registry(refresher, deadline=soon())
    assert result.changes == {"Updated": 1}
    assert result.failures == {"row nobody/knows": "subscription_id is missing"}
    assert set(await listed(registry)) == {customer.application_id}
    assert len(await table.rows()) == 2


async def test_what_the_deadline_leaves_over_is_a_failure(sandbox: Sandbox, refresher: Refresher) -> None:
    await register(refresher, *(sandbox.arm.add_customer(f"customer {number}") for number in range(3)))
    result = await reconcile_registry(refresher, deadline=time.monotonic())
    assert len(result.failures) == 3
    assert all("DeadlineExceeded" in reason for reason in result.failures.values())


async def test_a_registry_that_cannot_be_read_to_its_end_is_a_failure(
    sandbox: Sandbox, refresher: Refresher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "registry")
    sandbox.faults.add(TableRequest("GET"), Status(403))
    result = await reconcile_registry(refresher, deadline=soon())
    with pytest.raises(ReconciliationFailed, match="not everything was read to its end"):
        result.raise_for_failures()
    assert "registry reconciled in part" in caplog.text


def test_the_message_names_the_first_failures_and_counts_the_rest() -> None:
    result = Reconciliation(failures={f"/app/{number}": "NoAnswer: gone" for number in range(25)})
    with pytest.raises(ReconciliationFailed) as failure:
        result.raise_for_failures()
    assert str(failure.value).startswith("25 applications were not refreshed: /app/0: NoAnswer: gone; ")
    assert str(failure.value).endswith("; and 15 more")


async def test_an_application_that_was_wrongly_believed_to_be_deleted_is_found_again(
    sandbox: Sandbox, refresher: Refresher, registry: Registry
) -> None:
    """ARM shut us out when somebody told of a deletion, which does not confirm it; now we are in again."""
    customer = sandbox.arm.add_customer("Contoso")
    identity = ApplicationId.parse(customer.application_id)
    await register(refresher, customer)
    customer.revoke_access()
    assert await refresher.confirm_deletion(identity, event_time=refresher.clock(), deadline=soon()) == "Removed"
    assert (await reconcile_registry(refresher, deadline=soon())).changes == {}
    customer.grant_access()
    assert (await reconcile_registry(refresher, deadline=soon())).changes == {"Registered": 1}
    assert set(await listed(registry)) == {customer.application_id}


async def test_what_an_operator_removed_stays_removed(
    sandbox: Sandbox, refresher: Refresher, registry: Registry
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    await register(refresher, customer)
    identity = ApplicationId.parse(customer.application_id)
    await Inventory(refresher).remove(identity, person="Ada Lovelace", reason="the contract has ended")
    assert (await reconcile_registry(refresher, deadline=soon())).changes == {}
    assert await listed(registry) == {}
    removal = await registry.removal_of(identity)
    assert removal
    assert (removal.confirmed, removal.by, removal.reason) == (True, "Ada Lovelace", "the contract has ended")


async def test_what_an_older_version_removed_is_confirmed_only_if_an_operator_did_it(
    registry: Registry, table: RawTable
) -> None:
    identities = [
        ApplicationId("0f5ae5fc-e9c3-4f4b-a8b1-0f5a1d0a0b0c", "rg", name) for name in ("by-azure", "by-operator")
    ]
    for identity, by in zip(identities, ("Azure", "operator"), strict=True):
        await table.put(
            identity.partition_key,
            identity.row_key,
            application_id=str(identity),
            status="deleted",
            deleted_at="2026-01-01T00:00:00.000000Z",
            removed_by=by,
        )
    removals = [await registry.removal_of(identity) for identity in identities]
    assert [(one.confirmed, one.by) for one in removals if one] == [(False, "Azure"), (True, "operator")]


async def test_a_deletion_that_was_not_confirmed_is_confirmed_later(
    sandbox: Sandbox, refresher: Refresher, registry: Registry
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    identity = ApplicationId.parse(customer.application_id)
    await register(refresher, customer)
    customer.revoke_access()
    await refresher.confirm_deletion(identity, event_time=refresher.clock(), deadline=soon())
    customer.delete()
    result = await reconcile_registry(refresher, deadline=soon())
    assert result.changes == {"DeletionConfirmed": 1}
    assert result.told == [(identity, "DeletionConfirmed")]
    assert (await reconcile_registry(refresher, deadline=soon())).told == []


async def test_those_who_left_long_ago_are_not_asked_about_any_more(sandbox: Sandbox, refresher: Refresher) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    await register(refresher, customer)
    customer.delete()
    await reconcile_registry(replace(refresher, clock=lambda: now() - timedelta(days=31)), deadline=soon())
    sandbox.requests.clear()
    await reconcile_registry(refresher, deadline=soon())
    assert sandbox.requests.count(Service.RESOURCE_MANAGER) == 0


async def test_old_tombstones_are_erased_when_azure_confirmed_the_deletion_and_no_others(
    sandbox: Sandbox, refresher: Refresher, registry: Registry
) -> None:
    gone, denied, removed, lately = (sandbox.arm.add_customer(name) for name in ("gone", "denied", "removed", "lately"))
    await register(refresher, gone, denied, removed, lately)
    longer_ago = now() - ERASED_AFTER - timedelta(days=1)
    for customer, removal in (
        (gone, Removal(longer_ago, confirmed=True, by="Azure")),
        (denied, Removal(longer_ago, confirmed=False, by="Azure")),
        (removed, Removal(longer_ago, confirmed=True, by="ada", reason="ended")),
        (lately, Removal(longer_ago + timedelta(days=2), confirmed=True, by="Azure")),
    ):
        identity = ApplicationId.parse(customer.application_id)
        await registry.remove(identity, await registry.find(identity), removal)
        customer.delete()
    result = await reconcile_registry(refresher, deadline=soon())
    result.raise_for_failures()
    left = [one async for one in registry.known()]
    assert {str(one.application_id) for one in left} == {one.application_id for one in (denied, removed, lately)}


async def test_tombstones_that_cannot_be_erased_are_told(sandbox: Sandbox, refresher: Refresher) -> None:
    customer = sandbox.arm.add_customer("gone")
    await register(refresher, customer)
    identity = ApplicationId.parse(customer.application_id)
    longer_ago = now() - ERASED_AFTER - timedelta(days=1)
    row = await refresher.registry.find(identity)
    await refresher.registry.remove(identity, row, Removal(longer_ago, confirmed=True, by="Azure"))
    sandbox.faults.add(TableRequest("DELETE"), Status(403))
    result = await reconcile_registry(refresher, deadline=soon())
    with pytest.raises(ReconciliationFailed, match="not everything was read to its end"):
        result.raise_for_failures()
