"""Whatever customers do, and however their notifications arrive: after a reconciliation the registry equals ARM."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime

import pytest

from publisher.settings import ReconcileSettings
from registry.clients import shared_refresher
from registry.reconcile import reconcile_registry
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.worker_side import WorkerSide


def act(customer: Customer, dice: random.Random) -> list[tuple[str, str]]:
    """Let a customer do something, and return the notifications Azure sends about it."""
    if customer.deleted:
        customer.deleted, customer.provisioning_state = False, "Succeeded"
        return [("PUT", "Accepted"), ("PUT", "Succeeded")]
    match dice.choice(["upgrade", "patch", "delete", "delete in vain"]):
        case "upgrade":
            customer.upgrade(f"{dice.randrange(100)}.0.0")
            return [("PUT", "Accepted"), ("PUT", "Succeeded")]
        case "patch":
            return [("PATCH", "Succeeded")]
        case "delete":
            customer.delete()
            return [("DELETE", "Deleting"), ("DELETE", "Deleted")]
        case _:
            return [("DELETE", "Deleting"), ("DELETE", "Failed")]


@pytest.mark.parametrize("seed", range(4))
async def test_any_interleaving_ends_with_what_arm_says(
    sandbox: Sandbox, environment: dict[str, str], worker: WorkerSide, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - repeatable, and secret from nobody
    customers = [sandbox.arm.add_customer(f"customer {number}") for number in range(4)]
    sent: list[tuple[Customer, str, str, datetime]] = [
        (customer, "PUT", "Succeeded", datetime.now(UTC)) for customer in customers
    ]
    settings = ReconcileSettings.from_environment(environment)
    await worker.deliver(customers[0], "PUT", "Succeeded")

    async with shared_refresher(settings) as refresher:
        for _ in range(5):
            for customer in customers:
                sent += [(customer, *event, datetime.now(UTC)) for event in act(customer, dice)]
            batch = dice.sample(sent, k=8) + sent[-6:]
            dice.shuffle(batch)
            reconciling = reconcile_registry(refresher, deadline=time.monotonic() + 60)
            taking = asyncio.gather(*(worker.take(*event[:3], at=event[3]) for event in batch))
            await asyncio.gather(taking, worker.ask(), reconciling)
            await worker.ask()
        for customer in customers:
            if not customer.deleted:
                await worker.deliver(customer, "PUT", "Succeeded")
        result = await reconcile_registry(refresher, deadline=time.monotonic() + 60)
    result.raise_for_failures()
    assert {name: row.plan_version for name, row in (await worker.registered()).items()} == {
        customer.application_id: customer.plan.version for customer in customers if not customer.deleted
    }
