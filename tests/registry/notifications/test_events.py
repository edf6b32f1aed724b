"""Every notification that was taken becomes rows that analytics and alerts can count on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from publisher.errors.kinds import AzureFailure
from publisher.notifications import Notification
from publisher.resource_ids import ApplicationId
from registry.notifications.events import Outcome, event_id, event_row
from sandbox.azure.notifications import DEPLOYMENT_ERROR
from sandbox.faults.effects import AnswerLost, Status
from sandbox.faults.operations import IdentityTokenRequest, TableRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.workspace.schema import read_tables
from sandbox.world.customers import Customer
from tests.worker_side import EVENTS, Lines, WorkerSide

STREAM = f"Custom-{EVENTS}"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
NOTIFICATION = Notification(
    event_type="PUT",
    provisioning_state="Succeeded",
    application_id=ApplicationId("abcdef00-0000-4000-8000-00000000000a", "Customer-RG", "App"),
    event_time=MOMENT,
    received_at=MOMENT,
)


def test_a_row_has_exactly_the_columns_of_the_table() -> None:
    row = event_row(NOTIFICATION, Outcome("Ignored"), stored_at=MOMENT, customer_name="Contoso")
    assert list(row) == [column.name for column in read_tables()[EVENTS].columns]


def test_one_event_keeps_its_id_however_it_is_delivered() -> None:
    spelled = ApplicationId.parse(str(NOTIFICATION.application_id).upper())
    local = MOMENT.astimezone(timezone(timedelta(hours=5)))
    again = replace(NOTIFICATION, event_type="put", application_id=spelled, event_time=local, plan_version="2")
    assert event_id(again) == event_id(NOTIFICATION)


@pytest.mark.parametrize(
    "change",
    [
        {"event_type": "PATCH"},
        {"provisioning_state": "Accepted"},
        {"event_time": MOMENT + timedelta(microseconds=1)},
        {"application_id": replace(NOTIFICATION.application_id, resource_group="other")},
    ],
)
def test_another_event_has_another_id(change: dict[str, Any]) -> None:
    assert event_id(replace(NOTIFICATION, **change)) != event_id(NOTIFICATION)


async def test_an_event_tells_what_happened_and_what_was_done(worker: WorkerSide, customer: Customer) -> None:
    started = worker.now()
    happened = started - timedelta(minutes=3)
    correlation_id = await worker.take(customer, "PUT", "Succeeded", at=happened)
    await worker.ask()
    taken, done = worker.events()
    assert taken["Registry_error"] == "Azure Resource Manager has not been asked yet"
    for row, action in ((taken, "Pending"), (done, "Registered")):
        assert row["Registry_action"] == action
        assert started <= row["Received_at"] <= row["TimeGenerated"] <= worker.now()
        assert row["Event_time"] == happened
        assert (row["Application_id"], row["Application_name"]) == (customer.application_id, customer.application_name)
        assert row["Customer_subscription_id"] == row["Customer_name"] == customer.subscription_id
        assert (row["Event_type"], row["Provisioning_state"]) == ("PUT", "Succeeded")
        assert (row["Plan_publisher"], row["Plan_product"]) == ("contoso", "secure-analytics")
        assert (row["Plan_name"], row["Plan_version"]) == ("standard", "1.0.0")
        assert row["Correlation_id"] == correlation_id
    assert done["Registry_error"] == ""
    assert taken["Event_id"] == done["Event_id"]


async def test_a_failed_deployment_comes_with_azures_error(worker: WorkerSide, customer: Customer) -> None:
    await worker.take(customer, "PUT", "Failed")
    (row,) = worker.events()
    (inner,) = DEPLOYMENT_ERROR["details"]
    around = f"{DEPLOYMENT_ERROR['code']}: {DEPLOYMENT_ERROR['message']}"
    assert (row["Error_code"], row["Error_message"]) == (inner["code"], f"{inner['message']} ({around})")
    assert (row["Registry_action"], row["Registry_error"]) == ("Ignored", "")


async def test_a_service_catalog_application_has_its_definition(worker: WorkerSide, sandbox: Sandbox) -> None:
    customer = sandbox.arm.add_customer("Fabrikam", kind="ServiceCatalog")
    await worker.take(customer, "PUT", "Accepted")
    (row,) = worker.events()
    assert "applicationDefinitions" in row["Application_definition_id"]
    assert not row["Plan_name"]


async def test_what_is_only_told_has_one_row_and_what_is_asked_about_two(
    worker: WorkerSide, customer: Customer
) -> None:
    for event_type, state in [("put", "accepted"), ("PUT", "Succeeded"), ("POST", "Dreaming"), ("DELETE", "Deleting")]:
        await worker.deliver(customer, event_type, state)
    customer.delete()
    await worker.deliver(customer, "DELETE", "Deleted")
    assert [(row["Event_type"], row["Provisioning_state"], row["Registry_action"]) for row in worker.events()] == [
        ("PUT", "Accepted", "Ignored"),
        ("PUT", "Succeeded", "Pending"),
        ("PUT", "Succeeded", "Registered"),
        ("POST", "Dreaming", "Ignored"),
        ("DELETE", "Deleting", "Ignored"),
        ("DELETE", "Deleted", "Pending"),
        ("DELETE", "Deleted", "Removed"),
    ]


async def test_a_message_that_no_webhook_sent_is_dropped_and_told(worker: WorkerSide, lines: Lines) -> None:
    for body in (b"", b"{}", b"no JSON", b'{"version": 1, "application_id": 7}'):
        assert await worker.intake.take(body) is None
    assert worker.events() == []
    assert await worker.waiting() == []
    assert [line.partition(":")[0] for line in lines()] == ["a message that no webhook sent was dropped"] * 4


async def test_the_operators_name_for_the_customer_is_on_the_row(worker: WorkerSide, customer: Customer) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    row = await worker.row(customer)
    assert row
    await worker.registry.name_customer(row, "Contoso Ltd")
    await worker.take(customer, "PUT", "Failed")
    assert [row["Customer_name"] for row in worker.events()] == [customer.subscription_id] * 2 + ["Contoso Ltd"]


async def test_a_name_that_cannot_be_read_costs_only_the_name(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    sandbox.faults.add(TableRequest("GET"), Status(403))
    await worker.take(customer, "PUT", "Failed")
    assert [row["Customer_name"] for row in worker.events()] == [customer.subscription_id]


@pytest.mark.parametrize("fault", [Status(403), Status(400), Status(429), Status(503), AnswerLost()])
@pytest.mark.parametrize("state", ["Accepted", "Succeeded"])
async def test_a_message_whose_event_is_not_stored_is_delivered_again(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer, fault: Any, state: str
) -> None:
    sandbox.faults.add(Upload(STREAM), fault)
    message = worker.message(customer, "PUT", state)
    with pytest.raises(AzureFailure):
        await worker.intake.take(message)
    sandbox.faults.clear()
    await worker.intake.take(message)
    assert len({row["Event_id"] for row in worker.events()}) == 1
    assert len(await worker.waiting()) == (state == "Succeeded")


async def test_what_was_done_and_could_not_be_told_is_told_by_the_next_round(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    await worker.take(customer, "PUT", "Succeeded")
    sandbox.faults.add(Upload(STREAM), Status(503))
    problems = (await worker.ask()).problems
    assert sum(problems.values()) == 1
    sandbox.faults.clear()
    worker.passed = timedelta(minutes=1)
    await worker.ask()
    assert [row["Registry_action"] for row in worker.events()] == ["Pending", "Registered"]
    assert await worker.waiting() == []


async def test_without_the_apps_identity_messages_are_delivered_again(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    sandbox.faults.add(IdentityTokenRequest(), Status(400))
    with pytest.raises(AzureFailure):
        await worker.take(customer, "PUT", "Accepted")


async def test_messages_are_taken_without_the_publishers_credential(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    sandbox.directory.entra_id.secrets.clear()
    told = await worker.deliver(customer, "PUT", "Succeeded")
    assert told.action == "Pending"
    assert "AADSTS" in told.error or "invalid_client" in told.error
    assert len(await worker.waiting()) == 1


async def test_an_application_that_refuses_us_waits_and_is_told_by_one_event(
    worker: WorkerSide, customer: Customer
) -> None:
    customer.revoke_access()
    happened = worker.now()
    for _ in range(2):
        told = await worker.deliver(customer, "PUT", "Succeeded", at=happened)
        assert told.action == "Pending"
        assert await worker.row(customer) is None, "only what ARM confirms enters the registry"
        worker.passed += timedelta(hours=1)
    customer.grant_access()
    assert (await worker.deliver(customer, "PUT", "Succeeded", at=happened)).action == "Pending"
    rows = worker.events()
    assert len({row["Event_id"] for row in rows}) == 1
    assert (rows[-1]["Registry_action"], rows[-1]["Registry_error"]) == ("Registered", "")
    assert list(await worker.registered()) == [customer.application_id]


async def test_a_burst_shares_one_token_for_the_tables(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    for _ in range(12):
        await worker.take(customer, "PUT", "Accepted")
    assert len(sandbox.requests.of(Service.MANAGED_IDENTITY)) == 1
    assert len(worker.events()) == 12
