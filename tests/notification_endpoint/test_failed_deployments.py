"""Why a deployment failed: the innermost reason reaches the queue, however deep and long the notification is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from notification_endpoint.notification import LARGEST_BODY_BYTES
from publisher.notifications import LARGEST_MESSAGE_BYTES, notification_in
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.notification_endpoint.conftest import Webhook, body_about
from tests.queue_side import take_messages

ZONE = {"code": "ZoneIsFull", "message": "Zone 2 takes no machines of this size."}
TOLD = ("ZoneIsFull", "Zone 2 takes no machines of this size.")


def wrapped(error: dict[str, Any], times: int) -> dict[str, Any]:
    for number in range(times):
        error = {"code": f"Wrapping{number}", "message": f"See the details of {number}.", "details": [error]}
    return error


def failed_with(error: object) -> dict[str, Any]:
    return {"code": "DeploymentFailed", "message": "An operation failed.", "details": [error]}


@pytest.mark.parametrize(
    "error",
    [
        failed_with(ZONE),
        [failed_with(ZONE)],
        {"Code": "DeploymentFailed", "Message": "An operation failed.", "Details": [{"Code": ZONE["code"], "Message": ZONE["message"]}]},
        failed_with({"code": "Conflict", "message": json.dumps({"error": ZONE})}),
        failed_with({"code": "Conflict", "message": json.dumps({"status": "Failed", "error": failed_with(ZONE)}, indent=2)}),
        failed_with({"code": "Conflict", "message": f"The resource said: {json.dumps(ZONE)}"}),
        failed_with({"code": "Conflict", "message": "See inner.", "innerError": ZONE}),
        json.dumps(failed_with(ZONE)),
        wrapped(ZONE, 30),
    ],
    ids=lambda error: json.dumps(error)[:80],
)  # fmt: skip
async def test_the_innermost_reason_of_a_failed_deployment_is_queued(
    webhook: Webhook, customer: Customer, error: object
) -> None:
    assert (await webhook.deliver(customer, "PUT", "Failed", error=error)).status_code == 200
    (queued,) = await webhook.queued()
    assert (queued.error_code, queued.error_message.partition(" (")[0]) == TOLD
    around = queued.error_message.partition(" (")[2]
    assert "DeploymentFailed: An operation failed." in around or around.startswith("Wrapping0: See")


@pytest.mark.parametrize(
    "error",
    [
        failed_with({"code": "Conflict", "message": json.dumps({"error": {**ZONE, "trace": "x" * 300_000}})}),
        {**failed_with(ZONE), "message": "An operation failed. " + "日" * 150_000},
        {"code": "DeploymentFailed", "details": [*({"code": "Conflict", "message": "m" * 100} for _ in range(3_000)), failed_with(ZONE)]},
        failed_with({"code": "Conflict", "message": json.dumps(json.dumps(wrapped(ZONE, 40) | {"more": '"' * 50_000}))}),
    ],
    ids=["long trace", "long message", "many details", "escaped twice"],
)  # fmt: skip
async def test_a_notification_of_hundreds_of_kilobytes_keeps_its_reason_in_a_small_message(
    webhook: Webhook, sandbox: Sandbox, customer: Customer, error: object
) -> None:
    body = json.loads(body_about(customer, "PUT", "Failed")) | {"error": error}
    text = json.dumps(body).encode()
    assert 200_000 < len(text) < LARGEST_BODY_BYTES
    assert (await webhook.post(text)).status_code == 200
    (message,) = await take_messages(sandbox)
    queued = notification_in(message.encode())
    assert (queued.error_code, queued.error_message[: len(TOLD[1])]) == TOLD
    assert len(message.encode()) <= LARGEST_MESSAGE_BYTES
