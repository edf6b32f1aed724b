"""``python -m collector`` as an operator meets it: what it prints, and its exit status."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from sandbox.faults.effects import Slow, Status
from sandbox.faults.operations import PolicyQuery, TableRequest
from sandbox.services import Service
from tests.collector.conftest import RUNS_TABLE, Fleet

ROOT = Path(__file__).parents[2]


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "collector", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_fleet_that_was_read_exits_0_with_one_json_object(fleet: Fleet) -> None:
    contoso, fabrikam = await fleet.deploy("Contoso", "Fabrikam")
    contoso.break_resource("vault")

    done = run(fleet.sandbox.environment, "--json")

    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["run_id"] == fleet.rows(RUNS_TABLE)[0]["Run_id"]
    assert report["completed"] is True
    assert report["error"] is None
    assert report["totals"]["applications"] == 2
    assert report["totals"]["states"] == len(fleet.rows())
    by_id = {application["application_id"]: application for application in report["applications"]}
    assert by_id[contoso.application_id]["outcome"] == "Succeeded"
    assert by_id[contoso.application_id]["noncompliant_states"] > 0
    assert by_id[fabrikam.application_id]["noncompliant_states"] == 0


async def test_people_get_tables_and_the_reason_of_what_was_not_read(fleet: Fleet) -> None:
    contoso, fabrikam = await fleet.deploy("Contoso", "Fabrikam")
    fabrikam.revoke_access()

    done = run({**fleet.sandbox.environment, "COLUMNS": "200"})

    assert done.returncode == 1
    assert contoso.application_name in done.stdout
    assert "AccessDenied" in done.stdout
    assert "AuthorizationFailed" in done.stdout
    assert "noncompliant states" in done.stdout


async def test_a_registry_that_cannot_be_read_exits_1_and_says_so(fleet: Fleet) -> None:
    await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(TableRequest("GET", "applications"), Status(403))

    done = run(fleet.sandbox.environment, "--json")

    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert "registry" in report["error"]
    assert report["completed"] is False


async def test_one_application_can_be_collected_by_its_id_in_any_spelling(fleet: Fleet) -> None:
    contoso, _ = await fleet.deploy("Contoso", "Fabrikam")

    done = run(fleet.sandbox.environment, "--json", "--application", contoso.application_id.upper().strip("/"))

    assert done.returncode == 0
    assert [one["application_id"] for one in json.loads(done.stdout)["applications"]] == [contoso.application_id]


async def test_an_application_that_is_not_registered_exits_1_and_says_so(fleet: Fleet) -> None:
    contoso, _ = await fleet.deploy("Contoso", "Fabrikam")

    done = run(fleet.sandbox.environment, "--application", contoso.application_id.replace("contoso-a", "other-a"))

    assert done.returncode == 1
    assert "is not in the registry" in " ".join(done.stderr.split())


def test_every_bad_setting_is_named_at_once_with_exit_status_2() -> None:
    done = run({"AZURE_TENANT_ID": "not a tenant", "MAX_CONCURRENT_APPLICATIONS": "many"}, "--json")

    assert done.returncode == 2
    named = " ".join(json.loads(done.stdout)["settings"])
    for setting in (
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AzureWebJobsStorage",
        "DATA_COLLECTION_ENDPOINT",
        "DATA_COLLECTION_IMMUTABLE_ID",
        "MAX_CONCURRENT_APPLICATIONS",
    ):
        assert setting in named
        assert setting in done.stderr


def test_an_id_that_is_no_application_is_bad_usage() -> None:
    done = run({}, "--application", "/subscriptions/1/resourceGroups/rg")

    assert done.returncode == 2
    assert "--application" in done.stderr


def test_help_names_the_exit_statuses() -> None:
    done = run({}, "--help")

    assert done.returncode == 0
    assert "Exit status: 0 every application was read" in " ".join(done.stdout.split())


async def test_an_interrupted_run_stops_cleanly_and_writes_no_run_row(fleet: Fleet) -> None:
    (contoso,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(PolicyQuery(contoso), Slow(30))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "collector",
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **fleet.sandbox.environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        while not fleet.sandbox.requests.of(Service.RESOURCE_MANAGER):
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()

    assert process.returncode == 130
    assert b"Interrupted" in errors
    assert b"Traceback" not in errors
    assert fleet.rows(RUNS_TABLE) == []
