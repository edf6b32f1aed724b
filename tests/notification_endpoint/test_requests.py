"""Who may call, with what, and what they and the log are told."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import azure.functions as func
import pytest

from registry.refresh import Change
from sandbox.azure.notifications import notification
from sandbox.faults.effects import Status
from sandbox.faults.operations import ApplicationRead
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.notification_endpoint.conftest import Lines, Webhook, answer_of, now


@pytest.mark.parametrize(
    "query",
    [{}, {"sig": ""}, {"sig": "wrong"}, {"sig": "x" * 100_000}, {"sig": "\ud800"}, {"Sig": "right"}, {"sig": "right,right"}, {"sig": "RIGHT"}],
)  # fmt: skip
async def test_without_the_signature_nothing_is_read(
    sandbox: Sandbox, webhook: Webhook, customer: Customer, lines: Lines, query: dict[str, str]
) -> None:
    right = sandbox.notification_signature
    query = {name: value.replace("right", right).replace("RIGHT", right.upper()) for name, value in query.items()}
    payload = json.dumps(notification(customer, "PUT", "Succeeded", event_time=now())).encode()
    response = await webhook.post(payload, query)
    assert response.status_code == 401
    assert response.mimetype == "application/problem+json"
    assert await webhook.row(customer) is None
    assert [line.partition(": ")[2] for line in lines()] == ["401 (sig is missing or wrong)"]
    assert (await webhook.post(b"garbage", query)).status_code == 401


async def test_both_signatures_are_right_during_a_rotation(
    webhook: Webhook, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = "the-old-signature".ljust(32, "-"), "the-new-signature".ljust(32, "-")
    monkeypatch.setenv("NOTIFICATION_SIGNATURE", f"{old},{new}")
    payload = json.dumps(notification(customer, "PUT", "Accepted", event_time=now())).encode()
    statuses = [
        (await webhook.post(payload, {"sig": signature})).status_code for signature in (old, new, f"{old},{new}", "")
    ]
    assert statuses == [200, 200, 401, 401]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"\xff", b"x" * 65_537, b"[" * 60_000, b'{"eventType": NaN}', b"<xml/>"],
)
async def test_garbage_is_refused_once_and_for_all(
    webhook: Webhook, customer: Customer, lines: Lines, body: bytes
) -> None:
    status, answer = answer_of(await webhook.post(body))
    assert status == 400
    assert set(answer) == {"title", "status", "detail", "correlationId"}
    assert len(lines()) == 1
    assert answer["correlationId"] in lines()[0]
    assert await webhook.row(customer) is None


@pytest.mark.parametrize(
    "changes",
    [
        {
            "applicationId": "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/SECRETMARKER"
        },
        {"applicationId": "../../SECRETMARKER"},
        {"eventTime": "SECRETMARKER"},
        {"plan": "SECRETMARKER"},
        {"eventType": "SECRETMARKER\r\nnotification 0: 200 forged line"},
        {"error": {"code": "SECRETMARKER", "message": "SECRETMARKER"}},
        {
            "plan": {"name": "SECRETMARKER"},
            "billingDetails": {"resourceUsageId": "SECRETMARKER"},
            "extra": "SECRETMARKER",
        },
    ],
)
async def test_one_line_of_log_without_payload_or_signature(
    webhook: Webhook,
    customer: Customer,
    lines: Lines,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
) -> None:
    caplog.set_level(logging.DEBUG)
    response = await webhook.deliver(customer, "PUT", "Succeeded", **changes)
    assert response.status_code in (200, 400)
    assert len(lines()) == 1
    assert "\n" not in lines()[0]
    assert "SECRETMARKER" not in lines.everything
    assert "SECRETMARKER" not in response.get_body().decode()
    assert webhook.sandbox.notification_signature not in lines.everything


async def test_an_answer_tells_nothing_internal(
    sandbox: Sandbox, webhook: Webhook, customer: Customer, lines: Lines
) -> None:
    sandbox.faults.add(ApplicationRead(), Status(403, message="The client 'internal-object-id' may not."))
    response = await webhook.deliver(customer, "PUT", "Succeeded")
    assert "internal-object-id" not in response.get_body().decode()
    assert "AuthorizationFailed" in lines()[0]
    assert json.loads(response.get_body())["correlationId"] in lines()[0]


async def test_wrong_settings_are_named_in_the_log_and_azure_asks_again(
    webhook: Webhook, customer: Customer, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFICATION_SIGNATURE")
    monkeypatch.setenv("AZURE_TENANT_ID", "wrong")
    status, answer = answer_of(await webhook.deliver(customer, "PUT", "Succeeded"))
    assert status == 500
    assert "NOTIFICATION_SIGNATURE" not in json.dumps(answer)
    assert "AZURE_TENANT_ID: is not a GUID" in lines()[0]
    assert "NOTIFICATION_SIGNATURE: is not set" in lines()[0]


async def test_a_certificate_that_cannot_be_used_is_a_wrong_setting(
    webhook: Webhook, customer: Customer, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", __file__)
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == 500
    assert "AZURE_CLIENT_CERTIFICATE_PATH" in lines()[-1]


def test_the_function_is_bound_as_azure_calls_it(function: func.Function) -> None:
    assert function.get_function_name() == "managed_application_notification"
    trigger = function.get_trigger()
    assert trigger
    binding = trigger.get_dict_repr()
    assert binding["route"] == "resource"
    assert [str(getattr(method, "value", method)) for method in binding["methods"]] == ["POST"]
    assert binding["authLevel"] == func.AuthLevel.FUNCTION


def test_indexing_imports_no_azure_sdk() -> None:
    code = (
        "import sys, notification_endpoint.blueprint, verdicts.blueprint;"
        "print([name for name in sys.modules if name.startswith(('azure.core', 'azure.identity', 'aiohttp'))])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})
    assert finished.stdout.strip() == "[]"


def test_every_answer_of_200_says_what_was_done() -> None:
    assert {change.value for change in Change} >= {"Registered", "Updated", "Removed"}
