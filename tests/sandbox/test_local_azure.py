"""The sandbox as a whole: it starts, it is empty again for each test, parts of it fail, and it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import aiohttp
import psutil
import pytest

from sandbox.azure.identity.directory import API_IDENTITY, USER_ASSIGNED
from sandbox.environment import WORKSPACE_ID
from sandbox.faults.effects import Status
from sandbox.faults.operations import LogQuery, PolicyQuery
from sandbox.local_azure import Sandbox
from sandbox.services import Service

if TYPE_CHECKING:
    from tests.sandbox.conftest import Caller

SERVE = "from sandbox.serve import Fleet, Served, serve; serve(Served(Fleet.parse('3x20')))"


async def test_a_reset_leaves_nothing_behind(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    sandbox.arm.page_size = 1
    sandbox.arm.throttle.limit(1, 0.001)
    sandbox.faults.add(PolicyQuery(), Status(500))
    sandbox.workspace.insert("PolicyCollectionRuns_CL", [{"Run_id": "x"}])
    await caller.states(customer)
    sandbox.reset()
    assert (sandbox.requests.totals(), sandbox.arm.customers.all()) == ({}, [])
    assert sandbox.workspace.query("PolicyCollectionRuns_CL") == []
    again = sandbox.arm.add_customer("Contoso")
    assert len((await caller.states(again)).body["value"]) == 17
    assert (await caller.states(again)).status == 200


async def test_a_service_can_refuse_connections_and_come_back(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    assert (await caller.states(customer)).status == 200
    with sandbox.offline(Service.RESOURCE_MANAGER), pytest.raises(aiohttp.ClientConnectionError):
        await caller.states(customer)
    assert (await caller.states(customer)).status == 200


async def test_a_service_can_show_a_certificate_that_nobody_trusts(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    assert (await caller.states(customer)).status == 200
    with sandbox.untrusted(Service.RESOURCE_MANAGER):
        with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientConnectorCertificateError)):
            await caller.states(customer)  # perhaps on the connection that was open
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await caller.states(customer)
    assert (await caller.states(customer)).status == 200


async def test_the_log_keeps_no_secrets(sandbox: Sandbox, caller: Caller) -> None:
    await caller.states(sandbox.arm.add_customer("Contoso"))
    (entry,) = sandbox.requests.of(Service.RESOURCE_MANAGER, method="POST", path_part="policystates")
    assert "authorization" not in entry.headers
    assert (entry.status, entry.query["api-version"]) == (200, "2019-10-01")
    assert sandbox.requests.most_at_once(Service.RESOURCE_MANAGER) == 1


async def test_the_workspace_is_queried_with_the_right_token_only(sandbox: Sandbox, caller: Caller) -> None:
    body = {"query": "PolicyCollectionRuns_CL | count"}
    path = f"/v1/workspaces/{WORKSPACE_ID}/query"
    audience = "https://api.loganalytics.io"
    right, stranger = (caller.token(audience, principal) for principal in (API_IDENTITY, USER_ASSIGNED))
    wrong = caller.token("https://monitor.azure.com", API_IDENTITY)
    for token, status in ((wrong, 401), (stranger, 403)):
        assert (await caller.ask(Service.LOG_ANALYTICS, "POST", path, token, json=body)).status == status
    answer = await caller.ask(Service.LOG_ANALYTICS, "POST", path, right, json=body)
    assert answer.body["tables"][0]["rows"] == [[0]]
    sandbox.faults.add(LogQuery(), Status(503))
    assert (await caller.ask(Service.LOG_ANALYTICS, "POST", path, right, json=body)).status == 503


def test_customers_are_changed_and_read_from_many_threads(sandbox: Sandbox) -> None:
    def work(number: int) -> int:
        customer = sandbox.arm.add_customer(f"Customer {number}")
        customer.break_resource("web")
        return len(customer.owned_states())

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(200))) == {9}
    assert len(sandbox.arm.customers.all()) == 200


def test_an_unknown_way_to_sign_in_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="unknown way"):
        sandbox.environment_with("guessing")


def test_the_system_assigned_identity_needs_no_client_id(identity_sandbox: Sandbox) -> None:
    settings = identity_sandbox.environment_with("federation", system_assigned=True)
    assert "MANAGED_IDENTITY_CLIENT_ID" not in settings
    assert "AzureWebJobsStorage__clientId" not in settings
    assert "AZURE_CLIENT_SECRET" not in settings
    assert settings["PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID"]


def served() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SERVE]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_sandbox_of_its_own_process_reports_and_ends_with_its_input() -> None:
    with served() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["environment"]["AZURE_RESOURCE_MANAGER_ENDPOINT"].startswith("https://127.0.0.1:")
        assert len(ready["applications"]) == 3
        process.stdin.write("report\nnonsense\nclear\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["rows"] == {}
        assert "error" in json.loads(process.stdout.readline())
        assert json.loads(process.stdout.readline())["uploads"] == 0
        process.stdin.close()
        assert process.wait(20) == 0


@pytest.mark.parametrize("death", [signal.SIGTERM, signal.SIGKILL])
def test_the_emulator_never_outlives_the_sandbox(death: signal.Signals) -> None:
    with served() as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        (emulator,) = psutil.Process(process.pid).children()
        assert "azurite.js" in " ".join(emulator.cmdline())
        process.send_signal(death)
        process.wait(20)
        emulator.wait(20)
