"""The doctor about what waits: messages in the worker's queues, and applications without an answer of ARM."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from operations.doctor.waiting import MANY_MESSAGES
from publisher.notifications import NOTIFICATIONS_QUEUE, POISONED_NOTIFICATIONS_QUEUE
from registry.notifications.pending_table import PENDING_TABLE
from sandbox.faults.effects import Status
from sandbox.faults.operations import ApplicationRead, QueueRequest, TableRequest
from sandbox.local_azure import Sandbox
from tests.operations.command_line import Cli
from tests.operations.doctor.findings import check
from tests.worker_side import open_worker_side

PENDING = "pending applications"
WAITING = f"messages in {NOTIFICATIONS_QUEUE}"
POISONED = f"messages in {POISONED_NOTIFICATIONS_QUEUE}"
Send = Callable[..., None]


@pytest.fixture
def send(environment: dict[str, str]) -> Send:
    """Sends messages to a queue, which is created where that is needed."""

    def messages(queue: str, *, count: int = 1) -> None:
        connection = environment["AzureWebJobsStorage"]
        with QueueClient.from_connection_string(
            connection, queue, message_encode_policy=TextBase64EncodePolicy()
        ) as client:
            if queue != NOTIFICATIONS_QUEUE:
                client.create_queue()
            with ThreadPoolExecutor(16) as threads:
                assert all(threads.map(client.send_message, ["{}"] * count))

    return messages


def notified(sandbox: Sandbox, name: str, **passed: float) -> str:
    """A notification that the worker took in some time ago, and about which ARM did not answer; the application."""
    customer = sandbox.arm.add_customer(name)
    then = datetime.now(UTC) - timedelta(**passed)

    async def at_that_time() -> None:
        async with open_worker_side(sandbox, lambda: then) as worker:
            await worker.take(customer, "PUT", "Succeeded")
            await worker.ask()

    fault = sandbox.faults.add(ApplicationRead(), Status(503))
    asyncio.run(at_that_time())
    sandbox.faults.remove(fault)
    return customer.application_id


def found_in(cli: Cli, name: str) -> dict[str, Any]:
    return check(cli("doctor", "--json"), name)


def test_nothing_waits(cli: Cli) -> None:
    assert found_in(cli, PENDING)["finding"].startswith("none")
    assert found_in(cli, POISONED)["verdict"] == "ok"


def test_what_waits_for_minutes_is_told_and_no_warning(cli: Cli, sandbox: Sandbox) -> None:
    application = notified(sandbox, "Contoso", minutes=5)
    found = found_in(cli, PENDING)
    assert (found["verdict"], found["next_step"]) == ("ok", "")
    assert found["finding"].startswith("1 wait for an answer of ARM, 0 of them for more than ten hours")
    assert application in found["finding"]


def test_what_waits_for_more_than_ten_hours_is_a_warning_with_the_oldest(cli: Cli, sandbox: Sandbox) -> None:
    oldest = notified(sandbox, "Contoso", hours=30)
    notified(sandbox, "Fabrikam", hours=11)
    notified(sandbox, "Northwind", minutes=5)
    found = found_in(cli, PENDING)
    assert found["verdict"] == "warning"
    assert found["finding"].startswith("3 wait for an answer of ARM, 2 of them")
    assert oldest in found["finding"]
    assert "ServerUnavailable" in found["finding"]
    assert "pending list" in found["next_step"]


def test_a_row_that_cannot_be_read_is_a_failure(cli: Cli, sandbox: Sandbox, environment: dict[str, str]) -> None:
    notified(sandbox, "Contoso", minutes=5)
    with TableClient.from_connection_string(environment["AzureWebJobsStorage"], PENDING_TABLE) as table:
        table.create_entity({"PartitionKey": "x", "RowKey": "broken"})
    done = cli("doctor", "--json")
    assert (done.status, check(done, "pending row x/broken")["verdict"]) == (1, "failed")
    assert check(done, PENDING)["finding"].startswith("1 wait")


def test_a_table_that_cannot_be_read_is_a_failure(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.faults.add(TableRequest(table="pending"), Status(403, code="AuthorizationPermissionMismatch"))
    found = found_in(cli, PENDING)
    assert found["verdict"] == "failed"
    assert "Storage Table Data Contributor" in found["next_step"]


def test_few_messages_are_no_warning(cli: Cli, send: Send) -> None:
    send(NOTIFICATIONS_QUEUE, count=3)
    assert found_in(cli, WAITING)["finding"] == "about 3 wait to be taken"
    assert found_in(cli, WAITING)["verdict"] == "ok"


def test_very_many_messages_are_a_warning(cli: Cli, send: Send) -> None:
    send(NOTIFICATIONS_QUEUE, count=MANY_MESSAGES)
    found = found_in(cli, WAITING)
    assert found["verdict"] == "warning"
    assert "take_notification" in found["next_step"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Status(404), "the template makes the queue"),
        (Status(403, code="AuthorizationPermissionMismatch"), "Storage Queue Data Contributor"),
    ],
)
def test_a_queue_that_cannot_be_read_is_a_failure(cli: Cli, sandbox: Sandbox, fault: Status, words: str) -> None:
    sandbox.faults.add(QueueRequest("GET", NOTIFICATIONS_QUEUE), fault)
    found = found_in(cli, WAITING)
    assert found["verdict"] == "failed"
    assert words in found["next_step"]


def test_poisoned_messages_are_a_warning(cli: Cli, send: Send) -> None:
    send(POISONED_NOTIFICATIONS_QUEUE)
    found = found_in(cli, POISONED)
    assert (found["verdict"], found["finding"]) == ("warning", "about 1 wait to be taken")
    assert "take_notification" in found["next_step"]
