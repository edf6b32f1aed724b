"""Runs that are ended at random moments while states change: ledger and tables agree after the next whole run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from sandbox.world.customers import Customer
from tests.collector.conftest import LATEST_VERDICTS, Fleet
from verdicts.derive import verdict_of

KILLS = 20
RESOURCES = ("storage1", "storage2", "vault", "web")


async def kill_after(steps: int, run: Coroutine[Any, Any, object]) -> bool:
    """Cancel a run after so many turns of the event loop; returns whether it was still running."""
    task = asyncio.ensure_future(run)
    for _ in range(steps):
        if task.done():
            break
        await asyncio.sleep(0)
    killed = task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return killed


async def turns_of(run: Coroutine[Any, Any, object]) -> int:
    """How many turns of the event loop a run takes that nobody kills."""
    task, turns = asyncio.ensure_future(run), 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    await task
    return turns


def change_something(chance: random.Random, customers: list[Customer]) -> None:
    for customer in chance.sample(customers, 3):
        resource = chance.choice(RESOURCES)
        if chance.random() < 0.5:
            customer.break_resource(resource)
        else:
            customer.repair(resource)


async def assert_ledger_and_tables_agree(fleet: Fleet, customers: list[Customer]) -> None:
    """The latest verdict rows say what the ledger's facts say, and both what Azure Policy says."""
    told = {
        (row["Application_id"].lower(), row["Policy_assignment_id"]): (row["Verdict"], row["Noncompliant_states"])
        for row in fleet.sandbox.workspace.query(LATEST_VERDICTS)
    }
    remembered = {
        (application_id, assignment_id): (verdict_of(facts, assignment).value, len(assignment.open))
        for application_id, facts in (await fleet.ledger()).items()
        for assignment_id, assignment in facts.assignments.items()
    }
    true = {
        (customer.application_id.lower(), assignment.id.lower()): sum(
            state["complianceState"] == "NonCompliant"
            for state in customer.owned_states()
            if str(state["policyAssignmentId"]).lower() == assignment.id.lower()
        )
        for customer in customers
        for assignment in customer.assignments
    }
    assert told == remembered
    assert {key: count for key, (_, count) in remembered.items()} == true


@pytest.mark.parametrize("seed", range(2))
async def test_runs_killed_at_random_moments_leave_ledger_and_tables_agreeing(fleet: Fleet, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    customers = [fleet.sandbox.arm.add_customer(f"Customer {number}") for number in range(6)]
    await fleet.register(*customers, assignments=True)
    await fleet.collect()
    turns = await turns_of(fleet.collect())
    killed = 0

    while killed < KILLS:
        fleet.sandbox.clock.advance(timedelta(hours=1))
        change_something(chance, customers)
        killed += await kill_after(chance.randrange(turns), fleet.collect())
        if chance.random() < 0.3:
            fleet.sandbox.clock.advance(timedelta(hours=1))
            summary = await fleet.collect()
            assert summary.completed
            await assert_ledger_and_tables_agree(fleet, customers)

    fleet.sandbox.clock.advance(timedelta(hours=1))
    assert (await fleet.collect()).completed
    await assert_ledger_and_tables_agree(fleet, customers)
