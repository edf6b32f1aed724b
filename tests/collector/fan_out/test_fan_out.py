"""A run in shards: rows as if one process had done it, whatever is delivered twice, killed, or fails."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from azure.data.tables import TableServiceClient

from collector.collection import ReportRefusedError
from collector.fan_out.shard_records import RUNS_TABLE as RECORDS_TABLE
from publisher.errors.kinds import AzureFailure
from publisher.settings import PublicationSettings
from sandbox.faults.effects import AnswerLost, Slow, Status
from sandbox.faults.operations import PolicyQuery, QueueRequest, TableRequest, Upload
from sandbox.services import Service
from tests.collector.conftest import (
    RESULTS_STREAM,
    RESULTS_TABLE,
    RUNS_STREAM,
    RUNS_TABLE,
    STATES_STREAM,
    VERDICTS_TABLE,
    key_of_row,
)
from tests.collector.fan_out.conftest import FanOut
from verdicts.exports.daily import export_daily
from verdicts.exports.loss import RowsLost
from verdicts.ledger import LEDGER_TABLE


def without_run(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """Rows without what differs from run to run."""
    changing = {
        "Run_id",
        "TimeGenerated",
        "Duration_ms",
        "Trigger",
        "Evaluated_at",
        "Oldest_evaluation",
        "Latest_evaluation",
        "Due_by",
        "Last_read",
        "Unread_since",
        "Guard_read_at",
        "Since",
        "Changed_at",
        "States_id",
        "States_time",
    }
    return Counter(tuple((name, row[name]) for name in sorted(row) if name not in changing) for row in rows)


async def test_a_fanned_out_run_writes_what_one_process_would(fan_out: FanOut) -> None:
    customers = await fan_out.fleet.deploy_many(24, per_subscription=2)
    customers[3].revoke_access()
    customers[7].delete()
    await fan_out.fleet.add_row(PartitionKey="somewhere", RowKey="broken", app_name="half a row")
    await fan_out.fleet.collect()
    tables = ("PolicyComplianceStates_CL", VERDICTS_TABLE, RESULTS_TABLE, RUNS_TABLE)
    expected = [without_run(fan_out.fleet.rows(table)) for table in tables]
    fan_out.fleet.sandbox.workspace.clear()
    await fan_out.fleet.forget_ledger()

    messages = await fan_out.send(most=5)
    await asyncio.gather(*(fan_out.deliver(*message) for message in messages))

    assert len(messages) > 4
    assert [without_run(fan_out.fleet.rows(table)) for table in tables] == expected
    (run,) = fan_out.fleet.rows(RUNS_TABLE)
    everything = [row for table in tables if table != VERDICTS_TABLE for row in fan_out.fleet.rows(table)]
    assert {(row["Run_id"], row["TimeGenerated"]) for row in everything} == {(run["Run_id"], run["TimeGenerated"])}


async def test_a_subscription_is_never_split_between_shards(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(12, per_subscription=4)

    messages = await fan_out.send(most=3)
    subscriptions: list[set[str]] = []
    for message in messages:
        await fan_out.deliver(*message)
        found = {row["Customer_subscription_id"] for row in fan_out.fleet.rows()}
        subscriptions.append(found.difference(*subscriptions))

    assert [len(found) for found in subscriptions] == [1, 1, 1]


async def test_the_run_row_comes_with_the_last_shard_and_an_empty_registry_has_one_too(fan_out: FanOut) -> None:
    await fan_out.fleet.create_registry()

    (message,) = await fan_out.send()
    assert fan_out.fleet.rows(RUNS_TABLE) == []
    await fan_out.deliver(*message)

    assert [row["Applications"] for row in fan_out.fleet.rows(RUNS_TABLE)] == [0]


async def test_a_message_delivered_twice_adds_no_result_and_no_run_row(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(12)
    messages = await fan_out.send(most=4)
    duplicates = [(f"duplicate of {message_id}", shard) for message_id, shard in messages]

    await asyncio.gather(*(fan_out.deliver(*message) for message in [*messages, *duplicates, *messages]))
    for message in [*messages, *duplicates]:
        await fan_out.deliver(*message)

    fan_out.assert_each_result_once(12)
    assert len(fan_out.fleet.rows(RUNS_TABLE)) == 1


async def test_a_duplicate_leaves_a_shard_to_whoever_works_on_it(fan_out: FanOut) -> None:
    (customer,) = await fan_out.fleet.deploy_many(1)
    fan_out.fleet.sandbox.faults.add(PolicyQuery(customer), Slow(0.5), times=1)
    ((message_id, shard),) = await fan_out.send()

    working = asyncio.create_task(fan_out.deliver(message_id, shard))
    arm = fan_out.fleet.sandbox.requests
    while not arm.of(Service.RESOURCE_MANAGER):
        await asyncio.sleep(0.005)
    assert await fan_out.deliver("another message", shard) is None
    await working

    assert len(arm.of(Service.RESOURCE_MANAGER)) == 1
    fan_out.assert_each_result_once(1)


async def test_who_was_taken_over_reports_nothing(fan_out: FanOut) -> None:
    (customer,) = await fan_out.fleet.deploy_many(1)
    fan_out.fleet.sandbox.faults.add(PolicyQuery(customer), Slow(1), times=1)
    ((message_id, shard),) = await fan_out.send()

    stranded = asyncio.create_task(fan_out.deliver(message_id, shard))
    while not fan_out.fleet.sandbox.requests.of(Service.RESOURCE_MANAGER):
        await asyncio.sleep(0.005)
    assert await fan_out.deliver(message_id, shard) is not None  # the platform thinks that the first one is dead
    assert await stranded is None

    fan_out.assert_each_result_once(1)
    assert len(fan_out.fleet.rows(RUNS_TABLE)) == 1


@pytest.mark.parametrize(
    "reached",
    [
        lambda requests: len(requests.of(Service.RESOURCE_MANAGER)) >= 4,
        lambda requests: len(requests.of(Service.LOGS_INGESTION)) >= 1,
    ],
    ids=["while reading", "while uploading states"],
)
async def test_a_shard_killed_half_way_is_done_by_the_next_delivery(
    fan_out: FanOut, reached: Callable[..., bool]
) -> None:
    customers = await fan_out.fleet.deploy_many(12, states=2000)
    fan_out.fleet.sandbox.set_latency(Service.RESOURCE_MANAGER, 0.02)
    fan_out.fleet.sandbox.set_latency(Service.LOGS_INGESTION, 0.2)
    ((message_id, shard),) = await fan_out.send()

    await fan_out.kill_when(message_id, shard, lambda: reached(fan_out.fleet.sandbox.requests))
    assert fan_out.fleet.rows(RESULTS_TABLE) == fan_out.fleet.rows(RUNS_TABLE) == []
    fan_out.fleet.sandbox.set_latency(Service.LOGS_INGESTION, 0)
    await fan_out.deliver(message_id, shard)

    fan_out.assert_each_result_once(12)
    assert fan_out.outcomes() == {"Succeeded": 12}
    states = {(row["Application_id"], key_of_row(row)) for row in fan_out.fleet.rows()}
    assert len(states) == 2000 * len(customers)
    (run,) = fan_out.fleet.rows(RUNS_TABLE)
    assert (run["Applications"], run["States"]) == (12, 24_000)


async def test_a_shard_cancelled_while_it_reports_finishes_its_report(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(3)
    fan_out.fleet.sandbox.faults.add(Upload(RESULTS_STREAM), Slow(0.3), times=1)
    ((message_id, shard),) = await fan_out.send()
    requests = fan_out.fleet.sandbox.requests

    await fan_out.kill_when(
        message_id, shard, lambda: bool(requests.of(Service.LOGS_INGESTION, path_part=RESULTS_TABLE))
    )
    fan_out.assert_each_result_once(3)
    await fan_out.deliver(message_id, shard)

    fan_out.assert_each_result_once(3)
    assert len(fan_out.fleet.rows(RUNS_TABLE)) == 1


@pytest.mark.parametrize("stream", [RESULTS_STREAM, RUNS_STREAM])
async def test_a_report_that_is_refused_brings_the_message_back(fan_out: FanOut, stream: str) -> None:
    await fan_out.fleet.deploy_many(3)
    ((message_id, shard),) = await fan_out.send()
    fan_out.fleet.sandbox.faults.add(Upload(stream), Status(400), times=1)

    with pytest.raises(ReportRefusedError):
        await fan_out.deliver(message_id, shard)
    assert fan_out.fleet.rows(RUNS_TABLE) == []
    await fan_out.deliver(message_id, shard)

    fan_out.assert_each_result_once(3)
    assert len(fan_out.fleet.rows(RUNS_TABLE)) == 1


async def test_a_registry_that_cannot_be_read_again_is_no_empty_shard(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(3)
    ((message_id, shard),) = await fan_out.send()
    fan_out.fleet.sandbox.faults.add(TableRequest("GET", "applications"), Status(500))

    with pytest.raises(AzureFailure):
        await fan_out.deliver(message_id, shard)

    assert fan_out.fleet.rows(RESULTS_TABLE) == fan_out.fleet.rows(RUNS_TABLE) == []


async def test_a_shard_given_up_is_a_failed_result_for_each_of_its_applications(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(6)
    good, (lost_id, lost) = await fan_out.send(most=3)
    fan_out.fleet.sandbox.faults.add(TableRequest("GET", "applications"), Status(403), times=1)
    with pytest.raises(AzureFailure):
        await fan_out.deliver(lost_id, lost)

    await fan_out.work("poison", lost).give_up()
    await fan_out.deliver(*good)
    await fan_out.work("poison again", lost).give_up()

    fan_out.assert_each_result_once(6)
    assert fan_out.outcomes() == {"Succeeded": 3, "Failed": 3}
    assert {row["Error_code"] for row in fan_out.fleet.rows(RESULTS_TABLE, Outcome="Failed")} == {"ShardFailed"}
    (run,) = fan_out.fleet.rows(RUNS_TABLE)
    assert (run["Applications"], run["Succeeded"], run["Failed"]) == (6, 3, 3)


async def test_giving_up_completes_a_run_whose_row_was_refused_and_keeps_the_results(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(3)
    ((message_id, shard),) = await fan_out.send()
    fan_out.fleet.sandbox.faults.add(Upload(RUNS_STREAM), Status(400), times=1)
    with pytest.raises(ReportRefusedError):
        await fan_out.deliver(message_id, shard)

    await fan_out.work("poison", shard).give_up()

    assert fan_out.outcomes() == {"Succeeded": 3}
    assert len(fan_out.fleet.rows(RUNS_TABLE)) == 1


async def test_answers_of_storage_that_get_lost_change_nothing(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(6)
    await fan_out.send()  # the queue is there now
    fan_out.fleet.sandbox.faults.add(QueueRequest("POST"), AnswerLost(), times=1)
    messages = await fan_out.send(most=3)
    fan_out.fleet.sandbox.faults.add(TableRequest("PUT"), AnswerLost(), times=4)

    for message in messages:
        await fan_out.deliver(*message)

    assert len(messages) == 3, "one of them twice"
    fan_out.assert_each_result_once(6)
    assert len(fan_out.fleet.rows(RUNS_TABLE)) == 1


async def test_a_run_that_cannot_be_handed_out_never_completes_and_the_next_one_does(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(2)
    fan_out.fleet.sandbox.faults.add(QueueRequest("POST"), Status(403), times=1)
    with pytest.raises(AzureFailure):
        await fan_out.send()

    for message in await fan_out.send(most=1):
        await fan_out.deliver(*message)

    assert len(fan_out.fleet.rows(RUNS_TABLE)) == 1
    fan_out.assert_each_result_once(2)


async def test_a_message_that_outlived_its_records_is_dropped(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(1)
    ((message_id, shard),) = await fan_out.send()
    old = replace(shard, run=replace(shard.run, started_at=shard.run.started_at - timedelta(days=4)))

    assert await fan_out.deliver(message_id, old) is None

    assert fan_out.fleet.rows(RESULTS_TABLE) == []


async def test_records_of_old_runs_are_deleted_by_later_ones(fan_out: FanOut, monkeypatch: pytest.MonkeyPatch) -> None:
    await fan_out.fleet.deploy_many(1)
    (first,) = await fan_out.send()
    monkeypatch.setattr("collector.fan_out.dispatch.KEPT", timedelta(seconds=-1))

    await fan_out.send()

    async with fan_out.fleet.tables() as tables:
        records = [entity async for entity in tables.get_table_client(RECORDS_TABLE).list_entities()]
    assert records == []
    assert await fan_out.deliver(*first) is None


async def test_states_refused_in_a_shard_are_results_like_any_other(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(2)
    fan_out.fleet.sandbox.faults.add(Upload(STATES_STREAM), Status(400))

    for message in await fan_out.send():
        await fan_out.deliver(*message)

    assert fan_out.outcomes() == {"UploadFailed": 2}
    assert fan_out.fleet.rows(RUNS_TABLE)[0]["Rejected_rows"] == 6


async def test_a_ledger_that_was_deleted_is_cut_into_no_shards_and_judged_by_none(fan_out: FanOut) -> None:
    await fan_out.fleet.deploy_many(4, per_subscription=2)
    await fan_out.fleet.collect()
    settings = PublicationSettings.from_environment(fan_out.fleet.sandbox.environment)
    assert await export_daily(settings, version="1") is not None
    shards = await fan_out.send(most=2)
    with TableServiceClient.from_connection_string(fan_out.fleet.sandbox.environment["AzureWebJobsStorage"]) as service:
        service.delete_table(LEDGER_TABLE)

    with pytest.raises(RowsLost):
        await fan_out.send(most=2)
    with pytest.raises(RowsLost):
        await fan_out.deliver(*shards[0])
