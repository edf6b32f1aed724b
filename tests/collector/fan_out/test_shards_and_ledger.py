"""Shards and the ledger: deliveries that are repeated, killed or given up leave it and the tables agreeing."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from collector.collection import ReportRefusedError
from collector.fan_out.shard_records import RUNS_TABLE as RECORDS_TABLE
from sandbox.faults.effects import Slow, Status
from sandbox.faults.operations import Upload
from sandbox.services import Service
from tests.collector.conftest import (
    LATEST_VERDICTS,
    RUNS_TABLE,
    VERDICTS_STREAM,
    VERDICTS_TABLE,
    Fleet,
)
from tests.collector.fan_out.conftest import FanOut
from tests.collector.test_kills import change_something, kill_after
from verdicts.derive import verdict_of
from verdicts.ledger import Ledger


async def assert_ledger_and_tables_agree(fleet: Fleet) -> None:
    """The latest verdict rows say what the ledger's facts say."""
    told = {
        (row["Application_id"].lower(), row["Policy_assignment_id"]): (row["Verdict"], row["Noncompliant_states"])
        for row in fleet.sandbox.workspace.query(LATEST_VERDICTS)
    }
    remembered = {
        (application_id, assignment_id): (verdict_of(facts, assignment).value, len(assignment.open))
        for application_id, facts in (await fleet.ledger()).items()
        for assignment_id, assignment in facts.assignments.items()
    }
    assert told == remembered


async def test_a_shard_read_twice_changes_neither_the_ledger_nor_what_is_told(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(6)
    ((message_id, shard),) = await fan_out.send()
    await fan_out.deliver(message_id, shard)
    before = await fan_out.fleet.ledger()
    async with fan_out.fleet.tables() as tables:
        await tables.delete_table(RECORDS_TABLE)
    ((again_id, again),) = await fan_out.send()

    await fan_out.deliver(again_id, replace(again, run=shard.run))

    assert await fan_out.fleet.ledger() == before
    await assert_ledger_and_tables_agree(fan_out.fleet)


async def test_a_crash_between_the_ledger_and_the_verdict_rows_is_made_good_by_the_next_delivery(
    fan_out: FanOut,
) -> None:
    customers = await fan_out.fleet.deploy("Contoso", "Fabrikam")
    customers[0].break_resource("vault")
    fault = fan_out.fleet.sandbox.faults.add(Upload(VERDICTS_STREAM), Slow(5))
    ((message_id, shard),) = await fan_out.send()
    requests = fan_out.fleet.sandbox.requests
    await fan_out.kill_when(
        message_id, shard, lambda: bool(requests.of(Service.LOGS_INGESTION, path_part=VERDICTS_TABLE))
    )
    assert len(await fan_out.fleet.ledger()) == 2
    fan_out.fleet.sandbox.faults.remove(fault)

    await fan_out.deliver(message_id, shard)

    assert len(fan_out.fleet.rows(RUNS_TABLE)) == 1
    assert fan_out.fleet.verdicts(customers[0])["baseline"]["Verdict"] == "NonCompliant"
    await assert_ledger_and_tables_agree(fan_out.fleet)


async def test_shards_killed_at_random_moments_leave_ledger_and_tables_agreeing(fan_out: FanOut) -> None:
    chance = random.Random(7)  # noqa: S311 - repeatable, not secret
    customers = [fan_out.fleet.sandbox.arm.add_customer(f"Customer {number}") for number in range(6)]
    await fan_out.fleet.register(*customers, assignments=True)
    for _ in range(20):
        fan_out.fleet.sandbox.clock.advance(timedelta(hours=1))
        change_something(chance, customers)
        for message in await fan_out.send(most=2):
            await kill_after(chance.randrange(120), fan_out.deliver(*message))
            if chance.random() < 0.5:
                await fan_out.deliver(*message)

    fan_out.fleet.sandbox.clock.advance(timedelta(hours=1))
    for message in await fan_out.send(most=2):
        await fan_out.deliver(*message)

    await assert_ledger_and_tables_agree(fan_out.fleet)


async def test_verdict_rows_that_are_refused_bring_the_message_back(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(3)
    ((message_id, shard),) = await fan_out.send()
    fan_out.fleet.sandbox.faults.add(Upload(VERDICTS_STREAM), Status(400), times=1)

    with pytest.raises(ReportRefusedError):
        await fan_out.deliver(message_id, shard)
    await fan_out.deliver(message_id, shard)

    fan_out.assert_each_result_once(3)
    (run,) = fan_out.fleet.rows(RUNS_TABLE)
    assert (run["Verdict_rows"], run["Open_alarms"]) == (3, 3)
    await assert_ledger_and_tables_agree(fan_out.fleet)


async def test_many_alarms_by_one_cause_are_shared_out_among_the_shards(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(60)

    for message in await fan_out.send(most=10):
        await fan_out.deliver(*message)

    (run,) = fan_out.fleet.rows(RUNS_TABLE)
    assert (run["Open_alarms"], run["Named_alarms"]) == (60, 6 * 4)
    async with Ledger(fan_out.fleet.settings) as ledger:
        record = (await ledger.control()).latest_run
    assert record is not None
    assert (record.run_id, record.named_alarms) == (run["Run_id"], 24)


async def test_a_shard_given_up_leaves_what_is_open_and_says_that_it_was_not_read(fan_out: FanOut) -> None:
    customer, *_ = await fan_out.fleet.deploy("Contoso")
    customer.break_resource("vault")
    for message in await fan_out.send():
        await fan_out.deliver(*message)
    fan_out.fleet.sandbox.clock.advance(timedelta(hours=1))
    ((_, lost),) = await fan_out.send()

    await fan_out.work("poison", lost).give_up()

    row = fan_out.fleet.verdicts(customer)["baseline"]
    assert (row["Verdict"], row["Held_reason"]) == ("NonCompliant", "Unread")
    assert fan_out.fleet.latest_result(customer)["Error_code"] == "ShardFailed"
