"""Runs that are killed: nothing claims success, alerts keep judging the last good run, and the next run repairs all."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from sandbox.faults.effects import Call
from sandbox.faults.operations import Operation, TableRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.collector.conftest import RESULTS_TABLE, RUNS_TABLE, VERDICTS_STREAM, Fleet, key_of, key_of_row
from tests.collector.test_changed_states import assert_stands
from tests.collector.test_publication import publish
from verdicts.ledger import LEDGER_TABLE

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


async def held(call: Call) -> web.StreamResponse:
    """Never carried out and never answered, however long the client waits."""
    while call.request.transport is not None:
        await asyncio.sleep(0.01)
    return web.Response(status=499)


async def killed_while_waiting_for(fleet: Fleet, operation: Operation) -> None:
    """A run of the command line, killed by SIGKILL while it waits for the answer to its first request of a kind."""
    fault = fleet.sandbox.faults.add(operation, held)
    assert await kill_a_run(fleet, signal.SIGKILL, lambda: fault.played > 0) == -signal.SIGKILL
    fleet.sandbox.faults.clear()


async def collected_and_changed(fleet: Fleet) -> tuple[Customer, str]:
    """Two applications, in runs of days ago and one of just now; then one of them changed.

    So nothing is told again because it or its guard is new, or its turn has come. Returns it, and the upload that
    stands.
    """
    fleet.sandbox.clock.stop(datetime.now(UTC) - timedelta(days=6))
    contoso, fabrikam = await fleet.deploy("Contoso", "Fabrikam")
    for days in (6, 3, 0):
        fleet.sandbox.clock.stop(datetime.now(UTC) - timedelta(days=days))
        for customer in (contoso, fabrikam):
            customer.age_states(timedelta())  # evaluated daily
        await fleet.collect()
    fleet.sandbox.clock.reset()
    await assert_stands(fleet, contoso)
    contoso.break_resource("vault")
    return contoso, (await fleet.standing_rows(contoso))[0]["Run_id"]


def uploads_of(fleet: Fleet, customer: Customer) -> dict[str, int]:
    """How many state rows of a customer each run uploaded, the latest last."""
    rows = sorted(fleet.rows(Application_id=customer.application_id), key=lambda row: row["TimeGenerated"])
    runs = [row["Run_id"] for row in rows]
    return {run: runs.count(run) for run in runs}


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


async def test_a_run_killed_between_the_upload_of_states_and_the_ledgers_write_loses_nothing(fleet: Fleet) -> None:
    contoso, before = await collected_and_changed(fleet)

    await killed_while_waiting_for(fleet, TableRequest("PUT", LEDGER_TABLE))

    *_, known, killed = uploads_of(fleet, contoso).items()
    assert known == (before, len(contoso.owned_states()))
    assert killed[1] == len(contoso.owned_states()), "the states were accepted"
    assert {row["States_id"] for row in fleet.verdicts(contoso).values()} == {before}, "and nobody names them"
    assert len(await fleet.standing_rows(contoso)) == len(contoso.owned_states())

    summary = await fleet.collect()

    assert fleet.verdicts(contoso)["baseline"]["Verdict"] == "NonCompliant"
    assert {row["States_id"] for row in fleet.verdicts(contoso).values()} == {summary.run.run_id}
    await assert_stands(fleet, contoso)


@pytest.mark.parametrize("told_by", ["the next run", "the publication"])
async def test_a_run_killed_between_the_ledgers_write_and_the_upload_of_verdicts_is_told_of(
    fleet: Fleet, told_by: str
) -> None:
    contoso, before = await collected_and_changed(fleet)

    await killed_while_waiting_for(fleet, Upload(VERDICTS_STREAM))

    uploads = uploads_of(fleet, contoso)
    *_, known, killed = uploads
    assert known == before
    states = (await fleet.facts(contoso)).states
    assert states is not None
    assert states.run_id == killed, "the ledger was written"
    assert fleet.verdicts(contoso)["baseline"]["Verdict"] == "Compliant", "and nobody was told"

    if told_by == "the next run":
        assert (await fleet.collect()).completed
    else:
        assert (await publish(fleet)).failure is None

    assert fleet.verdicts(contoso)["baseline"]["Verdict"] == "NonCompliant"
    assert uploads_of(fleet, contoso) == uploads, "nothing is uploaded twice"
    await assert_stands(fleet, contoso)
