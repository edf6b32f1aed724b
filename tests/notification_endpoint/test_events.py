"""Every accepted notification becomes a row that analytics and alerts can count on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any

import pytest

from notification_endpoint.endpoint import answer_notification
from notification_endpoint.events import event_id, event_row
from notification_endpoint.handler import Outcome
from notification_endpoint.notification import Notification
from publisher.resource_ids import ApplicationId
from sandbox.azure.notifications import DEPLOYMENT_ERROR
from sandbox.faults.effects import AnswerLost, Slow, Status
from sandbox.faults.operations import ApplicationRead, IdentityTokenRequest, TableRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.workspace.schema import read_tables
from sandbox.world.customers import Customer
from tests.notification_endpoint.conftest import Lines, Webhook, answer_of, now

TABLE = "ManagedApplicationEvents_CL"
STREAM = f"Custom-{TABLE}"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
NOTIFICATION = Notification(
    "PUT",
    "Succeeded",
    ApplicationId("abcdef00-0000-4000-8000-00000000000a", "Customer-RG", "App"),
    MOMENT,
)


def events(sandbox: Sandbox) -> list[dict[str, Any]]:
    return sandbox.workspace.query(f"{TABLE} | order by Received_at asc")


def test_a_row_has_exactly_the_columns_of_the_table() -> None:
    row = event_row(
        NOTIFICATION, Outcome(HTTPStatus.OK, "Ignored"), received_at=MOMENT, customer_name="Contoso", correlation_id="1"
    )
    assert list(row) == [column.name for column in read_tables()[TABLE].columns]


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


async def test_an_event_tells_what_happened_and_what_was_done(
    webhook: Webhook, sandbox: Sandbox, customer: Customer
) -> None:
    started = now()
    happened = started - timedelta(minutes=3)
    response = await webhook.deliver(customer, "PUT", "Succeeded", at=happened)
    (row,) = events(sandbox)
    assert started <= row["Received_at"] <= now()
    assert row["TimeGenerated"] == row["Received_at"]
    assert row["Event_time"] == happened
    assert (row["Application_id"], row["Application_name"]) == (customer.application_id, customer.application_name)
    assert row["Customer_subscription_id"] == row["Customer_name"] == customer.subscription_id
    assert (row["Event_type"], row["Provisioning_state"]) == ("PUT", "Succeeded")
    assert (row["Plan_publisher"], row["Plan_product"]) == ("contoso", "secure-analytics")
    assert (row["Plan_name"], row["Plan_version"]) == ("standard", "1.0.0")
    assert (row["Registry_action"], row["Registry_error"]) == ("Registered", "")
    assert answer_of(response) == (200, {"result": "Registered", "correlationId": row["Correlation_id"]})


async def test_a_failed_deployment_comes_with_azures_error(
    webhook: Webhook, sandbox: Sandbox, customer: Customer
) -> None:
    await webhook.deliver(customer, "PUT", "Failed")
    (row,) = events(sandbox)
    assert (row["Error_code"], row["Error_message"]) == (DEPLOYMENT_ERROR["code"], DEPLOYMENT_ERROR["message"])
    assert (row["Registry_action"], row["Registry_error"]) == ("Ignored", "")


async def test_a_service_catalog_application_has_its_definition(webhook: Webhook, sandbox: Sandbox) -> None:
    customer = sandbox.arm.add_customer("Fabrikam", kind="ServiceCatalog")
    await webhook.deliver(customer, "PUT", "Accepted")
    (row,) = events(sandbox)
    assert "applicationDefinitions" in row["Application_definition_id"]
    assert not row["Plan_name"]


async def test_every_accepted_notification_is_a_row_whatever_its_action(
    webhook: Webhook, sandbox: Sandbox, customer: Customer
) -> None:
    told = [("put", "accepted"), ("PUT", "Succeeded"), ("POST", "Dreaming"), ("DELETE", "Deleting")]
    for event_type, state in told:
        await webhook.deliver(customer, event_type, state)
    customer.delete()
    await webhook.deliver(customer, "DELETE", "Deleted")
    assert [(row["Event_type"], row["Provisioning_state"], row["Registry_action"]) for row in events(sandbox)] == [
        ("PUT", "Accepted", "Ignored"),
        ("PUT", "Succeeded", "Registered"),
        ("POST", "Dreaming", "Ignored"),
        ("DELETE", "Deleting", "Ignored"),
        ("DELETE", "Deleted", "Removed"),
    ]


async def test_what_is_not_accepted_is_no_row(webhook: Webhook, sandbox: Sandbox, customer: Customer) -> None:
    await webhook.post(b"{}")
    await webhook.post(b"{}", {"sig": "wrong"})
    assert events(sandbox) == []


async def test_the_operators_name_for_the_customer_is_on_the_row(
    webhook: Webhook, sandbox: Sandbox, customer: Customer
) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded")
    row = await webhook.row(customer)
    assert row
    await webhook.registry._table.replace(row, {**row.properties, "customer_name": "Contoso Ltd"})
    await webhook.deliver(customer, "PUT", "Failed")
    assert [row["Customer_name"] for row in events(sandbox)] == [customer.subscription_id, "Contoso Ltd"]


async def test_a_name_that_cannot_be_read_costs_only_the_name(
    webhook: Webhook, sandbox: Sandbox, customer: Customer
) -> None:
    sandbox.faults.add(TableRequest("GET"), Status(403))
    response = await webhook.deliver(customer, "PUT", "Failed")
    assert response.status_code == HTTPStatus.OK
    assert [row["Customer_name"] for row in events(sandbox)] == [customer.subscription_id]


@pytest.mark.parametrize("fault", [Status(403), Status(400), Status(429), Status(503), AnswerLost()])
async def test_an_event_that_is_not_stored_is_asked_for_again(
    webhook: Webhook, sandbox: Sandbox, customer: Customer, lines: Lines, fault: Any
) -> None:
    sandbox.faults.add(Upload(STREAM), fault)
    response = await webhook.deliver(customer, "PUT", "Accepted")
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "EventNotStored" in lines()[-1]
    assert "EventNotStored" not in response.get_body().decode()


async def test_without_the_apps_identity_events_are_asked_for_again(
    webhook: Webhook, sandbox: Sandbox, customer: Customer
) -> None:
    sandbox.faults.add(IdentityTokenRequest(), Status(400))
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert list(await webhook.registered()) == [customer.application_id]


async def test_an_application_that_refuses_us_is_an_event_and_stays_to_be_seen(
    webhook: Webhook, sandbox: Sandbox, customer: Customer
) -> None:
    customer.revoke_access()
    happened = now()
    for _ in range(2):
        response = await webhook.deliver(customer, "PUT", "Succeeded", at=happened)
        assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    customer.grant_access()
    assert (await webhook.deliver(customer, "PUT", "Succeeded", at=happened)).status_code == HTTPStatus.OK
    rows = events(sandbox)
    assert len({row["Event_id"] for row in rows}) == 1
    assert [row["Registry_action"] for row in rows] == ["AccessDenied", "AccessDenied", "Updated"]
    assert [row["Registry_error"].partition(":")[0] for row in rows] == ["AuthorizationFailed"] * 2 + [""]
    assert list(await webhook.registered()) == [customer.application_id]


async def test_trouble_with_the_registry_is_an_event_too(
    webhook: Webhook, sandbox: Sandbox, customer: Customer
) -> None:
    sandbox.faults.add(TableRequest(), Status(503))
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert [row["Registry_action"] for row in events(sandbox)] == ["TransientFailure"]


async def test_one_budget_covers_both_the_registry_and_the_event(
    sandbox: Sandbox, environment: dict[str, str], customer: Customer, lines: Lines
) -> None:
    sandbox.faults.add(ApplicationRead(), Slow(60))
    sandbox.faults.add(Upload(STREAM), Slow(60))
    body = (
        f'{{"eventType": "PUT", "provisioningState": "Succeeded", "applicationId": "{customer.application_id}", '
        f'"eventTime": "{now().isoformat()}"}}'
    )
    async with asyncio.timeout(10):
        answer = await answer_notification(body.encode(), sandbox.notification_signature, environment, budget_seconds=2)
    assert answer.status is HTTPStatus.SERVICE_UNAVAILABLE
    assert "DeadlineExceeded" in lines()[-1]
    assert "the event was not stored" in lines()[-1]


async def test_a_burst_shares_one_token_for_the_tables(webhook: Webhook, sandbox: Sandbox, customer: Customer) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded")
    sandbox.clear_counts()
    await asyncio.gather(*(webhook.deliver(customer, "PUT", "Accepted") for _ in range(12)))
    assert len(sandbox.requests.of(Service.MANAGED_IDENTITY)) == 1
    assert len(events(sandbox)) == 13
