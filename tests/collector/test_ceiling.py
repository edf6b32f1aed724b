"""One customer who is much larger than all others: what is uploaded and told of it, and what it takes from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from publisher.notifications import NOTIFICATIONS_QUEUE
from publisher.queue import Queue
from publisher.retry import USUAL_PATIENCE
from sandbox.faults.effects import Status
from sandbox.faults.operations import QueueRequest
from sandbox.world.customers import BulkStates
from tests.collector.conftest import RUNS_TABLE, VERDICTS_TABLE

if TYPE_CHECKING:
    from sandbox.world.customers import Customer
    from tests.collector.conftest import Fleet

MOST = 500
STATES = 6_000


async def large_beside_small(fleet: Fleet, *, noncompliant_every: int = 10) -> tuple[Customer, list[Customer]]:
    large = fleet.sandbox.arm.add_customer(
        "Large", foreign=False, bulk=BulkStates(STATES, noncompliant_every=noncompliant_every)
    )
    small = [fleet.sandbox.arm.add_customer(f"Small {number}") for number in range(5)]
    await fleet.register(large, *small)
    return large, small


@pytest.mark.parametrize("mode", ["detailed", "summarised"])
async def test_a_large_customer_has_no_more_rows_than_the_ceiling_and_is_judged_from_all_states(
    fleet: Fleet, mode: str
) -> None:
    large, small = await large_beside_small(fleet)
    summary = await fleet.collect(max_rows_per_application=MOST, compliant_states=mode)
    rows = fleet.rows(Application_id=large.application_id)
    assert len(rows) == MOST
    assert {row["Compliance_state"] for row in rows} == {"NonCompliant"}
    assert all(fleet.rows(Application_id=one.application_id) for one in small)
    result = fleet.latest_result(large)
    assert (result["Outcome"], result["States"], result["Noncompliant_states"]) == ("Succeeded", STATES, STATES // 10)
    [run] = fleet.rows(RUNS_TABLE)
    assert result["States_withheld"] == run["States_withheld"] == summary.withheld_rows > 0
    assert {fleet.latest_result(one)["States_withheld"] for one in small} == {0}
    verdicts = fleet.verdicts(large).values()
    assert sum(row["Noncompliant_states"] for row in verdicts) == STATES // 10
    assert {(row["States_rows"], row["States_withheld"]) for row in verdicts} == {(MOST, result["States_withheld"])}


async def test_nothing_is_said_to_be_missing_of_what_was_withheld(fleet: Fleet) -> None:
    large, _ = await large_beside_small(fleet)
    await fleet.collect(max_rows_per_application=MOST)
    rows = await fleet.standing_rows(large)
    assert len(rows) == MOST == next(iter(fleet.verdicts(large).values()))["States_rows"]
    [run] = fleet.rows(RUNS_TABLE)
    told = {
        (row["Application_id"], row["Policy_assignment_id"])
        for row in fleet.rows(VERDICTS_TABLE)
        if row["Application_id"]
    }
    assert run["Verdict_rows"] == len(told)


async def test_what_was_withheld_is_told_by_every_run_although_the_states_stand_still(fleet: Fleet) -> None:
    large, _ = await large_beside_small(fleet)
    await fleet.collect(max_rows_per_application=MOST)
    withheld = fleet.latest_result(large)["States_withheld"]
    fleet.sandbox.clock.advance(fleet.settings.interval)
    summary = await fleet.collect(max_rows_per_application=MOST)
    assert fleet.latest_result(large)["States_withheld"] == summary.withheld_rows == withheld > 0


async def test_small_customers_are_done_before_a_large_one_and_wait_for_none_of_its_pages(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.reporting.ingestion.LONGEST_WAIT", 0.05)
    large, small = await large_beside_small(fleet)
    fleet.sandbox.arm.page_size = 20
    await fleet.collect(max_rows_per_application=MOST)
    assert list(fleet.results)[-1] == large.application_id
    assert {fleet.outcome(one) for one in (large, *small)} == {"Succeeded"}


async def test_a_run_tells_what_waits_besides_and_nothing_where_that_cannot_be_read(fleet: Fleet) -> None:
    await fleet.deploy("Contoso")
    settings = fleet.settings
    async with Queue(settings.storage, NOTIFICATIONS_QUEUE, patience=USUAL_PATIENCE) as queue:
        await queue.create()
        for number in range(3):
            await queue.send(f"message {number}")
    told = ("Notifications_waiting", "Notifications_oldest", "Pending_applications")
    await fleet.collect()
    [run] = fleet.rows(RUNS_TABLE)
    assert (run["Notifications_waiting"], run["Pending_applications"]) == (3, 0)
    assert run["Notifications_oldest"] is not None
    fleet.sandbox.faults.add(QueueRequest(), Status(403))
    summary = await fleet.collect()
    [run] = fleet.rows(RUNS_TABLE, Run_id=summary.run.run_id)
    assert summary.completed
    assert [run[name] for name in told] == [None, None, None]
