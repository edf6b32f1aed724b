"""Twenty-four hours with random faults: in the end the registry, the tables and the alerts say what is true."""

from __future__ import annotations

import random

import pytest

from sandbox.local_azure import Sandbox
from tests.reliability.day import HOUR, Day


async def _live_through(sandbox: Sandbox, seed: int, hours: int = 24) -> Day:
    day = Day(sandbox, random.Random(seed))  # noqa: S311 - a script of faults, not a secret
    for number in range(hours):
        await day.hour(number)

    # Nothing fails any more, everybody lets us in again, Azure has told everything that it will tell, and an operator does
    # not wait until those who had shut us out for half a day are asked about again.
    for customer in day.living():
        customer.grant_access()
    await day.replay_everything()
    for _ in range(2):
        await day.tell_everything()
        (await day.reconcile()).raise_for_failures()
        summary = await day.collect()
        assert summary.completed
        for _ in range(2):
            day.evaluate_alerts()
        sandbox.clock.advance(HOUR)

    violated = {
        customer.application_id.lower()
        for customer in day.living()
        if any(state["complianceState"] == "NonCompliant" for state in customer.owned_states())
    }
    assert await day.registered() == {one.application_id: one.plan.version for one in day.living()}
    assert violated
    assert day.fired("application-noncompliant") == violated
    assert day.fired("application-unread") == set()
    assert day.fired("collector-silent") == set()
    return day


@pytest.mark.parametrize("seed", [1])
async def test_a_day_of_faults_ends_with_the_truth(sandbox: Sandbox, environment: dict[str, str], seed: int) -> None:
    day = await _live_through(sandbox, seed)
    assert day.faults_played > 20, "a quiet day proves nothing"


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 120))
async def test_twenty_days_of_faults_end_with_the_truth(
    sandbox: Sandbox, environment: dict[str, str], seed: int
) -> None:
    day = await _live_through(sandbox, seed)
    # The figure for docs/reliability.md:
    print(f"\nday {seed}: {day.events} events, {day.faults_played} faults, {day.failed_runs} of 24 runs failed")  # noqa: T201
