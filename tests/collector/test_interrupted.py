"""Runs that are killed: nothing claims success, alerts keep judging the last good run, and the next run repairs all."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.collector.conftest import RESULTS_TABLE, RUNS_TABLE, Fleet, key_of, key_of_row

ROOT = Path(__file__).parents[2]
NONCOMPLIANT = (ROOT / "infra/queries/application_noncompliant.kql").read_text(encoding="utf-8")


async def kill_a_run(fleet: Fleet, number: signal.Signals, reached: Callable[[], bool]) -> int:
    """Run ``python -m collector`` and kill it when something is reached; returns its exit status."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "collector",
        "--json",
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **fleet.sandbox.environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        while not reached():
            assert process.returncode is None
            await asyncio.sleep(0.01)
        process.send_signal(number)
        return await process.wait()


def alerts(sandbox: Sandbox) -> set[tuple[str, int]]:
    """What the alert rule's query says: application and how many states are not compliant."""
    rows = sandbox.workspace.query(NONCOMPLIANT)
    return {(row["Alarm_key"].partition("#")[0], row["Violations"]) for row in rows}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("uploads", [0, 1], ids=["while reading", "while uploading"])
async def test_a_killed_run_claims_nothing_hides_nothing_and_is_repaired(
    fleet: Fleet, number: signal.Signals, uploads: int
) -> None:
    customers = await fleet.deploy(*(f"Customer {n}" for n in range(8)))
    customers[0].break_resource("vault")
    customers[0].age_states(timedelta(hours=1))
    await fleet.collect()
    before = alerts(fleet.sandbox)
    assert {application for application, _ in before} == {customers[0].application_id.lower()}

    customers[0].repair()
    customers[1].break_resource("web")
    fleet.sandbox.requests.clear()
    fleet.sandbox.set_latency(Service.LOGS_INGESTION, 1)
    fleet.sandbox.set_latency(Service.RESOURCE_MANAGER, 1 - uploads)
    requests = fleet.sandbox.requests
    busy = Service.LOGS_INGESTION if uploads else Service.RESOURCE_MANAGER
    status = await kill_a_run(fleet, number, lambda: bool(requests.of(busy)))

    assert status in {-number, 130}
    assert len(fleet.rows(RUNS_TABLE)) == 1
    assert alerts(fleet.sandbox) == before

    fleet.sandbox.set_latency(Service.LOGS_INGESTION, 0)
    fleet.sandbox.set_latency(Service.RESOURCE_MANAGER, 0)
    summary = await fleet.collect()

    assert {application for application, _ in alerts(fleet.sandbox)} == {customers[1].application_id.lower()}
    last = summary.run.run_id
    assert len(fleet.rows(RUNS_TABLE)) == 2
    assert len(fleet.rows(RESULTS_TABLE, Run_id=last)) == 8
    for customer in customers:
        rows = await fleet.standing_rows(customer)
        assert sorted(map(key_of_row, rows)) == sorted(map(key_of, customer.owned_states()))


async def test_a_run_cancelled_by_the_platform_writes_no_run_row_and_closes_what_it_opened(fleet: Fleet) -> None:
    await fleet.deploy("Contoso", "Fabrikam")
    fleet.sandbox.set_latency(Service.RESOURCE_MANAGER, 5)

    collecting = asyncio.create_task(fleet.collect())
    async with asyncio.timeout(30):
        while not fleet.sandbox.requests.of(Service.RESOURCE_MANAGER):
            await asyncio.sleep(0.01)
    collecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await collecting

    assert fleet.rows(RUNS_TABLE) == fleet.rows(RESULTS_TABLE) == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
