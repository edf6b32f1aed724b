"""Fan-out with the real queue triggers: workers that are processes, and are killed while they work."""

import asyncio
import json
import os
import random
import shutil
import signal
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from collector.fan_out import SHARDS_QUEUE
from collector.fan_out.dispatch import send_shards
from collector.fan_out.shards import Shard
from sandbox.faults.effects import Status
from sandbox.faults.operations import TableRequest
from sandbox.functions.process import REPOSITORY, FunctionsProcess
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.collector.conftest import RESULTS_TABLE, RUNS_TABLE, Fleet, key_of_row

HIDDEN_SECONDS = 2


@pytest.fixture
def app_folder(tmp_path: Path) -> Path:
    """The app with a host.json that repeats failures at once and looks often: everything else is the real one."""
    document = json.loads((REPOSITORY / "host.json").read_text())
    document["extensions"]["queues"] |= {"visibilityTimeout": "00:00:00", "maxPollingInterval": "00:00:01"}
    (tmp_path / "host.json").write_text(json.dumps(document))
    shutil.copy(REPOSITORY / "function_app.py", tmp_path)
    return tmp_path


def a_host(fleet: Fleet, folder: Path) -> FunctionsProcess:
    settings = {**fleet.sandbox.environment_of("worker"), "COLLECTION_MODE": "fan-out"}
    return FunctionsProcess(settings, folder=folder, hidden_seconds=HIDDEN_SECONDS)


async def send_again(fleet: Fleet, shards: list[Shard]) -> None:
    """Put the same messages on the queue once more, as a queue may do."""
    async with QueueClient.from_connection_string(
        fleet.sandbox.environment["AzureWebJobsStorage"], SHARDS_QUEUE, message_encode_policy=TextBase64EncodePolicy()
    ) as queue:
        for shard in shards:
            await queue.send_message(shard.message())


async def completed(fleet: Fleet, seconds: float = 60) -> dict[str, object]:
    """Wait for the run row."""
    async with asyncio.timeout(seconds):
        while not (rows := await asyncio.to_thread(fleet.rows, RUNS_TABLE)):
            await asyncio.sleep(0.2)
    (row,) = rows
    return row


def assert_whole(fleet: Fleet, applications: int, states: int) -> None:
    """Every application has one result, and every state is there."""
    results = Counter(row["Application_id"] for row in fleet.rows(RESULTS_TABLE))
    assert len(results) == applications
    assert {application: count for application, count in results.items() if count != 1} == {}
    assert len({(row["Application_id"], key_of_row(row)) for row in fleet.rows()}) == applications * states


async def test_the_timer_hands_out_and_the_queue_collects(fleet: Fleet, app_folder: Path) -> None:
    await fleet.deploy_many(300, per_subscription=3)

    with a_host(fleet, app_folder) as host:
        assert await asyncio.to_thread(host.run_timer, "collect_policy_states") is None
        run = await completed(fleet)

    assert (run["Trigger"], run["Applications"], run["Succeeded"], run["States"]) == ("timer", 300, 300, 900)
    assert_whole(fleet, 300, 3)


async def test_processes_killed_half_way_lose_nothing_and_double_no_result(fleet: Fleet, app_folder: Path) -> None:
    await fleet.deploy_many(240, per_subscription=2, states=20)
    fleet.sandbox.set_latency(Service.RESOURCE_MANAGER, 0.05)
    shards = await send_shards(fleet.settings, trigger="timer", most=60)
    await send_again(fleet, shards[:2])

    for killed_after in (10, 50, 150):
        with a_host(fleet, app_folder) as host:
            asked = fleet.sandbox.requests.count(Service.RESOURCE_MANAGER)
            async with asyncio.timeout(30):
                while fleet.sandbox.requests.count(Service.RESOURCE_MANAGER) < asked + killed_after:
                    await asyncio.sleep(0.01)
            os.kill(host.process_id or 0, signal.SIGKILL)
    assert fleet.rows(RUNS_TABLE) == []
    with a_host(fleet, app_folder), a_host(fleet, app_folder):
        run = await completed(fleet)

    assert (run["Applications"], run["Succeeded"], run["States"]) == (240, 240, 4800)
    assert_whole(fleet, 240, 20)


async def test_a_shard_that_fails_five_times_ends_with_failed_results(fleet: Fleet, app_folder: Path) -> None:
    await fleet.deploy_many(6)
    await send_shards(fleet.settings, trigger="timer", most=3)
    fleet.sandbox.faults.add(TableRequest("GET", fleet.settings.table_name), Status(403), times=9)

    with a_host(fleet, app_folder) as host:
        run = await completed(fleet)
        log = host.log(200)

    assert (run["Applications"], run["Succeeded"], run["Failed"]) == (6, 3, 3)
    assert Counter(row["Error_code"] or "" for row in fleet.rows(RESULTS_TABLE)) == {"ShardFailed": 3, "": 3}
    assert "is given up" in log


async def test_fan_out_needs_no_connection_string(identity_sandbox: Sandbox, app_folder: Path) -> None:
    fleet = Fleet(identity_sandbox)
    await fleet.deploy_many(5)

    with a_host(fleet, app_folder) as host:
        assert await asyncio.to_thread(host.run_timer, "collect_policy_states") is None
        run = await completed(fleet)

    assert run["Applications"] == 5


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_thousands_of_applications_survive_random_kills(fleet: Fleet, app_folder: Path) -> None:
    await fleet.deploy_many(4000, per_subscription=3, states=30)
    fleet.sandbox.set_latency(Service.RESOURCE_MANAGER, 0.02)
    shards = await send_shards(fleet.settings, trigger="timer")
    await send_again(fleet, shards[::4])
    dice = random.Random(7)  # noqa: S311 - when to kill is no secret

    async def replaced_again_and_again() -> None:
        while True:
            with a_host(fleet, app_folder) as host:
                await asyncio.sleep(dice.uniform(5, 12))
                os.kill(host.process_id or 0, signal.SIGKILL)

    killing = [asyncio.create_task(replaced_again_and_again()) for _ in range(2)]
    await asyncio.sleep(60)
    for task in killing:
        task.cancel()
    await asyncio.gather(*killing, return_exceptions=True)
    with ExitStack() as hosts:
        for _ in range(2):
            hosts.enter_context(a_host(fleet, app_folder))
        run = await completed(fleet, 600)

    assert (run["Applications"], run["Succeeded"], run["States"]) == (4000, 4000, 120_000)
    assert_whole(fleet, 4000, 30)
