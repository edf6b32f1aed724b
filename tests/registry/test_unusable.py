"""An application whose managed resource group is none: told with its reason, never a failure that comes back for ever."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from publisher.errors.kinds import Unusable
from publisher.resource_ids import ApplicationId
from registry.discovery.discover import discover
from registry.inventory import Finding, Inventory, Standing
from registry.managed_application import Removal
from registry.reconcile import reconcile_registry
from registry.refresh import Change
from sandbox.faults.effects import Rewritten
from sandbox.faults.operations import ApplicationList, ApplicationRead
from tests.registry.refreshing import soon
from tests.worker_side import open_worker_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry.managed_application import ManagedApplication
    from registry.refresh import Refresher
    from registry.registry import Registry
    from sandbox.local_azure import Sandbox
    from sandbox.world.customers import Customer

GROUPS = [
    None,
    "",
    "mrg-contoso",
    "/subscriptions/11111111-2222-4333-8444-555555555555",
    "/subscriptions/nobody/resourceGroups/mrg",
    f"/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/{'m' * 91}",
    17,
]


def with_group(group: object) -> Rewritten:
    """ARM's answer, in which applications have another managed resource group."""

    def change(application: dict[str, Any]) -> None:
        application["properties"]["managedResourceGroupId"] = group

    def rewrite(body: bytes) -> bytes:
        document = json.loads(body)
        for application in document.get("value", [document]):
            change(application)
        return json.dumps(document).encode()

    return Rewritten(rewrite)


@pytest.mark.parametrize("group", GROUPS)
async def test_it_is_told_with_its_reason_at_once_and_asked_about_daily(
    sandbox: Sandbox, customer: Customer, group: object
) -> None:
    script = sandbox.faults.add(ApplicationRead(), with_group(group))
    async with open_worker_side(sandbox) as worker:
        told = await worker.deliver(customer, "PUT", "Succeeded")
        assert told.action == "Unusable"
        assert told.error.startswith("UnusableManagedResourceGroup: ")

        played = script.played
        worker.passed += timedelta(hours=20)
        await worker.ask()
        assert script.played == played
        worker.passed += timedelta(hours=5)
        await worker.ask()
        assert [row["Registry_action"] for row in worker.events()] == ["Pending", "Unusable", "Unusable"]

        sandbox.faults.clear()
        worker.passed += timedelta(days=1)
        await worker.ask()
        assert worker.events()[-1]["Registry_action"] == "Registered"


async def test_the_reconciliation_counts_it_leaves_its_row_and_does_not_fail(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    before: list[ManagedApplication | object] = [item async for item in registry.applications()]
    sandbox.faults.add(ApplicationRead(), with_group("mrg"))

    result = await reconcile_registry(refresher, deadline=soon())

    assert (dict(result.changes), result.failures) == ({Change.UNUSABLE: 1}, {})
    result.raise_for_failures()
    assert [item async for item in registry.applications()] == before


@pytest.mark.parametrize("act", ["refresh", "revisit"])
async def test_it_does_not_come_into_the_registry(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId, act: str
) -> None:
    sandbox.faults.add(ApplicationRead(), with_group("mrg"))
    call: Callable[..., Any] = getattr(refresher, act)
    if act == "refresh":
        with pytest.raises(Unusable, match="cannot be used"):
            await call(identity, deadline=soon())
    else:
        assert await call(identity, deadline=soon()) is Change.CONFIRMED
    assert await registry.find(identity) is None


async def test_its_deletion_is_not_confirmed_by_that(
    sandbox: Sandbox, refresher: Refresher, identity: ApplicationId
) -> None:
    await refresher.refresh(identity, deadline=soon())
    sandbox.faults.add(ApplicationRead(), with_group("mrg"))
    deadline, clock = soon(), refresher.clock()
    assert await refresher.confirm_deletion(identity, event_time=clock, deadline=deadline) is Change.ALIVE
    assert await Inventory(refresher).standing(identity) == (Standing.ALIVE, "")


async def test_the_comparison_says_what_no_command_repairs(
    sandbox: Sandbox, refresher: Refresher, registry: Registry, identity: ApplicationId, customer: Customer
) -> None:
    inventory = Inventory(refresher)
    await refresher.refresh(identity, deadline=soon())
    sandbox.faults.add(ApplicationRead(), with_group("mrg"))
    sandbox.faults.add(ApplicationList(), with_group("mrg"))

    (found,) = [await inventory.compare(item) async for item in registry.applications()]
    assert found
    assert found.finding is Finding.UNUSABLE
    removal = Removal(refresher.clock(), confirmed=True, by="Azure")
    await registry.remove(identity, await registry.find(identity), removal)
    assert "cannot be used" in (await discover(refresher, deadline=soon())).unusable[identity]
