"""``pending``: what waits is listed, asked about now, or dropped by somebody with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import pytest
from azure.data.tables import TableClient

from publisher.resource_ids import ApplicationId
from sandbox.faults.effects import Status
from sandbox.faults.operations import ApplicationRead
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.worker_side import WorkerSide, open_worker_side

_Answer = TypeVar("_Answer")


def on_worker(sandbox: Sandbox, act: Callable[[WorkerSide], Awaitable[_Answer]]) -> _Answer:
    async def do() -> _Answer:
        async with open_worker_side(sandbox) as worker:
            return await act(worker)

    return asyncio.run(do())


@pytest.fixture
def refused(sandbox: Sandbox, environment: dict[str, str], customer: Customer) -> Customer:
    """A customer who deployed the application and does not let us in; ARM was asked for eleven hours."""
    assert environment
    customer.revoke_access()

    async def tell(worker: WorkerSide) -> None:
        await worker.take(customer, "PUT", "Succeeded")
        for hours in (0, 5, 11):
            worker.passed = timedelta(hours=hours)
            await worker.ask()

    on_worker(sandbox, tell)
    return customer


def test_nothing_waits_at_first(cli: Cli) -> None:
    done = cli("pending", "list")
    assert (done.status, "Nothing waits." in done.words) == (0, True)
    assert cli("pending", "list", "--json").document == {"pending": [], "unreadable": [], "error": None}


def test_what_waits_is_listed_with_the_reason(cli: Cli, refused: Customer) -> None:
    [listed] = cli("pending", "list", "--json").document["pending"]
    assert listed["application_id"] == refused.application_id
    assert (listed["event_type"], listed["provisioning_state"], listed["attempts"]) == ("PUT", "Succeeded", 3)
    assert listed["last_error"].startswith("AuthorizationFailed")
    words = cli("pending", "list").words
    assert "PUT/Succeeded" in words


@pytest.mark.parametrize("all_of_them", [False, True])
def test_what_is_replayed_is_asked_about_by_the_next_round(
    cli: Cli, sandbox: Sandbox, refused: Customer, all_of_them: bool
) -> None:
    refused.grant_access()
    on_worker(sandbox, WorkerSide.ask)
    assert len(cli("pending", "list", "--json").document["pending"]) == 1, "it is not due before tomorrow"
    done = cli("pending", "replay", "--all" if all_of_them else refused.application_id, "--json")
    assert (done.status, done.document["replayed"]) == (0, [refused.application_id])
    on_worker(sandbox, WorkerSide.ask)
    assert set(on_worker(sandbox, WorkerSide.registered)) == {refused.application_id}
    assert cli("pending", "list", "--json").document["pending"] == []


def test_what_is_dropped_is_told_with_who_and_why_and_alerted_no_more(
    cli: Cli, sandbox: Sandbox, refused: Customer
) -> None:
    assert (
        cli("pending", "drop", refused.application_id, "--reason", "their subscription is closed", "--yes").status == 0
    )
    assert cli("pending", "list", "--json").document["pending"] == []
    rows = sandbox.workspace.query("ManagedApplicationEvents_CL")
    [last] = [row for row in rows if row["Registry_action"] == "GivenUp"]
    assert last["Registry_error"] == ""
    assert (last["Person"], last["Reason"]) == ("ada", "their subscription is closed")
    assert {row["Event_id"] for row in rows} == {last["Event_id"]}


def test_dropping_asks_first_and_wants_a_reason(cli: Cli, refused: Customer) -> None:
    assert cli("pending", "drop", refused.application_id, "--yes").status == 2
    assert cli("pending", "drop", refused.application_id, "--reason", "r").status == 2
    assert len(cli("pending", "list", "--json").document["pending"]) == 1


@pytest.mark.parametrize("command", [("replay",), ("drop", "--reason", "r", "--yes")])
def test_what_does_not_wait_is_named(cli: Cli, customer: Customer, command: tuple[str, ...]) -> None:
    done = cli("pending", command[0], customer.application_id, *command[1:])
    assert (done.status, "does not wait" in done.words) == (1, True)


def test_replay_wants_to_know_which(cli: Cli) -> None:
    assert cli("pending", "replay").status == 2


def test_a_row_that_cannot_be_read_is_told(cli: Cli, environment: dict[str, str]) -> None:
    with TableClient.from_connection_string(environment["AzureWebJobsStorage"], "pending") as table:
        table.create_table()
        table.create_entity({"PartitionKey": "p", "RowKey": "r", "due_at": "never"})
    done = cli("pending", "list", "--json")
    assert (done.status, [one["row"] for one in done.document["unreadable"]]) == (1, ["p/r"])


@pytest.mark.parametrize("meanwhile", ["asked", "told"])
def test_what_happens_while_somebody_makes_up_his_mind_to_drop_is_noticed(
    cli: Cli, sandbox: Sandbox, refused: Customer, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    async def act(worker: WorkerSide) -> None:
        worker.passed = timedelta(days=2)
        await (worker.ask() if meanwhile == "asked" else worker.take(refused, "PATCH", "Succeeded"))

    def hesitate(*_: object) -> None:
        with ThreadPoolExecutor() as threads:
            threads.submit(on_worker, sandbox, act).result()

    monkeypatch.setattr("operations.pending.make_sure", hesitate)
    done = cli("pending", "drop", refused.application_id, "--reason", "r", "--yes")
    waits = len(cli("pending", "list", "--json").document["pending"])
    assert (done.status, waits) == ((0, 0) if meanwhile == "asked" else (1, 1))


def test_replaying_everything_gets_along_with_a_worker_that_asks_meanwhile(
    cli: Cli, sandbox: Sandbox, environment: dict[str, str]
) -> None:
    assert environment
    many = [sandbox.arm.add_customer(f"customer {number}") for number in range(30)]
    sandbox.faults.add(ApplicationRead(), Status(403))

    async def tell(worker: WorkerSide) -> None:
        for customer in many:
            await worker.take(customer, "PUT", "Succeeded")

    async def ask(worker: WorkerSide) -> None:
        for _ in range(3):
            worker.passed += timedelta(hours=1)
            await worker.ask()

    on_worker(sandbox, tell)
    with ThreadPoolExecutor() as threads:
        asking = threads.submit(on_worker, sandbox, ask)
        done = cli("pending", "replay", "--all", "--json")
        asking.result()
    assert (done.status, len(done.document["replayed"])) == (0, 30)


@pytest.mark.parametrize("command", [("replay",), ("drop", "--reason", "r", "--yes")])
def test_a_row_that_cannot_be_read_is_neither_replayed_nor_dropped(
    cli: Cli, environment: dict[str, str], customer: Customer, command: tuple[str, ...]
) -> None:
    identity = ApplicationId.parse(customer.application_id)
    with TableClient.from_connection_string(environment["AzureWebJobsStorage"], "pending") as table:
        table.create_table()
        table.create_entity({"PartitionKey": identity.partition_key, "RowKey": identity.row_key})
    done = cli("pending", command[0], customer.application_id, *command[1:])
    assert (done.status, "cannot be read" in done.words) == (1, True)
