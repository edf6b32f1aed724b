"""Trouble that may pass: Azure is to ask again, and nothing changes meanwhile."""

from __future__ import annotations

import json

import pytest

from notification_endpoint.endpoint import answer_notification
from sandbox.azure.notifications import notification
from sandbox.faults.effects import AnswerLost, Body, CutHalfWay, Dropped, Effect, Slow, Status, empty, html
from sandbox.faults.operations import ApplicationRead, Operation, TableRequest, TokenRequest
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.notification_endpoint.conftest import Webhook, answer_of, now

AGAIN_LATER = [
    (ApplicationRead(), Status(401)),
    (ApplicationRead(), Status(403)),
    (ApplicationRead(), Status(408, retry_after=0)),
    (ApplicationRead(), Status(409)),
    (ApplicationRead(), Status(429, retry_after=86_400)),
    (ApplicationRead(), Status(500, retry_after=0)),
    (ApplicationRead(), Status(502, retry_after=0)),
    (ApplicationRead(), Dropped()),
    (ApplicationRead(), CutHalfWay()),
    (ApplicationRead(), empty()),
    (ApplicationRead(), html()),
    (ApplicationRead(), Body(b"{}")),
    (TokenRequest(), Status(401)),
    (TokenRequest(), Status(503, retry_after=0)),
    (TableRequest("GET"), Status(403)),
    (TableRequest("GET"), Status(500, retry_after=0)),
    (TableRequest("PUT"), Status(503, retry_after=0)),
    (TableRequest("PUT"), Status(412, code="UpdateConditionNotSatisfied")),
]


@pytest.mark.parametrize(("operation", "fault"), AGAIN_LATER)
async def test_a_put_in_times_of_trouble_is_asked_for_again(
    sandbox: Sandbox, webhook: Webhook, customer: Customer, operation: Operation, fault: Effect
) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded")
    before = await webhook.row(customer)
    customer.upgrade("2.0.0")
    sandbox.faults.add(operation, fault)
    status, body = answer_of(await webhook.deliver(customer, "PUT", "Succeeded"))
    assert status == 503
    assert set(body) == {"title", "status", "detail", "correlationId"}
    sandbox.faults.clear()
    assert await webhook.row(customer) == before
    assert answer_of(await webhook.deliver(customer, "PUT", "Succeeded"))[1]["result"] == "Updated"


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        (ApplicationRead(), Status(401)),
        (ApplicationRead(), Status(429, retry_after=86_400)),
        (ApplicationRead(), Status(500, retry_after=0)),
        (ApplicationRead(), html()),
        (TokenRequest(), Status(401)),
        (TableRequest("GET"), Status(403)),
        (TableRequest("PUT"), Status(503, retry_after=0)),
    ],
)
async def test_a_deletion_in_times_of_trouble_is_not_believed_and_asked_for_again(
    sandbox: Sandbox, webhook: Webhook, customer: Customer, operation: Operation, fault: Effect
) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded")
    customer.delete()
    sandbox.faults.add(operation, fault)
    assert (await webhook.deliver(customer, "DELETE", "Deleted")).status_code == 503
    sandbox.faults.clear()
    assert set(await webhook.registered()) == {customer.application_id}
    assert answer_of(await webhook.deliver(customer, "DELETE", "Deleted"))[1]["result"] == "Removed"


async def test_a_new_customer_who_has_not_let_us_in_yet_is_asked_for_again(
    webhook: Webhook, customer: Customer
) -> None:
    customer.revoke_access()
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == 503
    customer.grant_access()
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == 200


async def test_a_write_whose_answer_got_lost_is_found_out_about(
    sandbox: Sandbox, webhook: Webhook, customer: Customer
) -> None:
    sandbox.faults.add(TableRequest("POST"), AnswerLost(), times=1, after=1)
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == 200
    assert set(await webhook.registered()) == {customer.application_id}


async def test_the_answer_comes_in_time_however_slow_arm_is(
    sandbox: Sandbox, environment: dict[str, str], customer: Customer
) -> None:
    sandbox.faults.add(ApplicationRead(), Slow(600))
    payload = json.dumps(notification(customer, "PUT", "Succeeded", event_time=now())).encode()
    answer = await answer_notification(payload, sandbox.notification_signature, environment, budget_seconds=0.3)
    assert answer.status == 503
