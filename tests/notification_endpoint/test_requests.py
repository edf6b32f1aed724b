"""Who may call, with what, and what they, the queue and the log are told."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from notification_endpoint.endpoint import answer_notification
from publisher.resource_ids import ApplicationId
from sandbox.faults.effects import Status
from sandbox.faults.operations import QueueRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.notification_endpoint.conftest import Lines, Webhook, answer_of, body_about, now


async def test_a_notification_is_queued_before_it_is_answered(webhook: Webhook, customer: Customer) -> None:
    started, happened = now(), now() - timedelta(minutes=3)
    status, answer = answer_of(await webhook.deliver(customer, "PUT", "Succeeded", at=happened))
    (queued,) = await webhook.queued()
    assert (status, answer) == (200, {"result": "Queued", "correlationId": queued.correlation_id})
    assert (queued.kind, queued.event_time) == (("PUT", "Succeeded"), happened)
    assert started <= queued.received_at <= now()
    assert queued.application_id == ApplicationId.parse(customer.application_id)
    assert (queued.plan_publisher, queued.plan_product) == (customer.plan.publisher, customer.plan.product)


async def test_the_front_asks_nobody_but_the_queue(sandbox: Sandbox, webhook: Webhook, customer: Customer) -> None:
    for event_type, state in (("PUT", "Accepted"), ("PUT", "Failed"), ("DELETE", "Deleted"), ("POST", "Dreaming")):
        assert (await webhook.deliver(customer, event_type, state)).status_code == 200
    assert len(await webhook.queued()) == 4
    asked = {service for service in Service if sandbox.requests.of(service)}
    assert asked == {Service.QUEUES}
    assert sandbox.workspace.query("ManagedApplicationEvents_CL") == []


@pytest.mark.parametrize("state", ["Failed", "Succeeded"])
async def test_a_service_catalog_application_is_queued_with_its_definition(
    webhook: Webhook, sandbox: Sandbox, state: str
) -> None:
    customer = sandbox.arm.add_customer("Fabrikam", kind="ServiceCatalog")
    await webhook.deliver(customer, "PUT", state, applicationId=customer.application_id[1:].upper())
    (queued,) = await webhook.queued()
    assert queued.application_definition_id == customer.application_definition_id
    assert queued.application_id == ApplicationId.parse(customer.application_id)
    assert queued.error_code == ("SkuNotAvailable" if state == "Failed" else "")


@pytest.mark.parametrize(
    "query",
    [{}, {"sig": ""}, {"sig": "wrong"}, {"sig": "x" * 100_000}, {"sig": "\ud800"}, {"sig": "right,right"}, {"sig": "RIGHT"}],
)  # fmt: skip
async def test_without_the_signature_nothing_is_read(
    sandbox: Sandbox, webhook: Webhook, customer: Customer, lines: Lines, query: dict[str, str]
) -> None:
    right = sandbox.notification_signature
    query = {name: value.replace("right", right).replace("RIGHT", right.upper()) for name, value in query.items()}
    response = await webhook.post(body_about(customer), query)
    assert response.status_code == 401
    assert response.mimetype == "application/problem+json"
    assert [line.partition(": ")[2] for line in lines()] == ["401 (sig is missing or wrong)"]
    assert (await webhook.post(b"garbage", query)).status_code == 401
    assert sandbox.requests.of(Service.QUEUES) == []


async def test_both_signatures_are_right_during_a_rotation(
    webhook: Webhook, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = "the-old-signature".ljust(32, "-"), "the-new-signature".ljust(32, "-")
    monkeypatch.setenv("NOTIFICATION_SIGNATURE", f"{old},{new}")
    given = (old, new, f"{old},{new}", "")
    statuses = [(await webhook.post(body_about(customer), {"sig": one})).status_code for one in given]
    assert statuses == [200, 200, 401, 401]
    assert len(await webhook.queued()) == 2


@pytest.mark.parametrize(
    "media_type",
    [None, "", "application/json", "application/json; charset=utf-8", "TEXT/PLAIN", "application/octet-stream", "application/cloudevents+json", "application/x-www-form-urlencoded", "?"],
)  # fmt: skip
async def test_azures_media_type_is_not_documented_so_nearly_any_will_do(
    webhook: Webhook, customer: Customer, media_type: str | None
) -> None:
    assert (await webhook.post(body_about(customer), media_type=media_type)).status_code == 200
    assert len(await webhook.queued()) == 1


@pytest.mark.parametrize("media_type", ["multipart/form-data; boundary=x", "Image/PNG", "text/html"])
async def test_a_form_or_an_image_is_no_notification(
    webhook: Webhook, customer: Customer, lines: Lines, media_type: str
) -> None:
    status, answer = answer_of(await webhook.post(body_about(customer), media_type=media_type))
    assert (status, answer["detail"]) == (400, "the body is not JSON, as its media type says")
    assert media_type not in lines()[0]
    assert await webhook.queued() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"\xff", b"x" * 65_537, b" " * 2_000_000, b"[" * 60_000, b'{"eventType": NaN}', b"<xml/>"],
)
async def test_garbage_is_refused_once_and_for_all(
    webhook: Webhook, sandbox: Sandbox, lines: Lines, body: bytes
) -> None:
    status, answer = answer_of(await webhook.post(body))
    assert status == 400
    assert set(answer) == {"title", "status", "detail", "correlationId"}
    assert len(lines()) == 1
    assert answer["correlationId"] in lines()[0]
    assert sandbox.requests.of(Service.QUEUES) == []


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
        {"eventType": {"SECRETMARKER": "SECRETMARKER"}},
        {"error": {"code": "SECRETMARKER", "message": "SECRETMARKER"}},
        {
            "plan": {"name": "SECRETMARKER"},
            "billingDetails": {"resourceUsageId": "SECRETMARKER"},
            "extra": "SECRETMARKER",
        },
    ],
)
async def test_one_line_of_log_without_payload_or_signature(
    webhook: Webhook, customer: Customer, lines: Lines, caplog: pytest.LogCaptureFixture, changes: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    response = await webhook.deliver(customer, "PUT", "Succeeded", **changes)
    assert response.status_code in (200, 400)
    assert len(lines()) == 1
    assert "\n" not in lines()[0]
    assert "SECRETMARKER" not in lines.everything
    assert "SECRETMARKER" not in response.get_body().decode()
    assert webhook.sandbox.notification_signature not in lines.everything


async def test_the_line_names_the_request_the_event_and_the_application(
    webhook: Webhook, customer: Customer, lines: Lines
) -> None:
    _, answer = answer_of(await webhook.deliver(customer, "put", "SUCCEEDED"))
    about = f"PUT/Succeeded for {customer.application_id}: 200 queued"
    assert lines() == [f"notification {answer['correlationId']}: {about}"]


async def test_an_answer_tells_nothing_internal(
    sandbox: Sandbox, webhook: Webhook, customer: Customer, lines: Lines
) -> None:
    sandbox.faults.add(QueueRequest(), Status(403, message="The client 'internal-object-id' may not."))
    status, answer = answer_of(await webhook.deliver(customer, "PUT", "Succeeded"))
    assert (status, answer["detail"]) == (503, "The notification could not be taken now. Send it again later.")
    assert "AuthorizationFailure" in lines()[0]
    assert answer["correlationId"] in lines()[0]


async def test_wrong_settings_are_named_in_the_log_and_azure_asks_again(
    webhook: Webhook, customer: Customer, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFICATION_SIGNATURE")
    monkeypatch.setenv("NOTIFICATIONS", "wrong")
    status, answer = answer_of(await webhook.deliver(customer, "PUT", "Succeeded"))
    assert status == 500
    assert "NOTIFICATION_SIGNATURE" not in json.dumps(answer)
    assert "NOTIFICATIONS: is not a storage connection string" in lines()[0]
    assert "NOTIFICATION_SIGNATURE: is not set" in lines()[0]


async def test_what_the_publisher_has_no_role_in_it(sandbox: Sandbox, front_settings: dict[str, str]) -> None:
    """The front has no credential of the publisher, no table and no rule: wrong ones cannot trouble it either."""
    customer = sandbox.arm.add_customer("Contoso")
    wrong = {"AZURE_TENANT_ID": "wrong", "AzureWebJobsStorage": "wrong", "DATA_COLLECTION_ENDPOINT": "wrong"}
    answer = await answer_notification(body_about(customer), sandbox.notification_signature, front_settings | wrong)
    assert answer.status == 200


def test_the_function_is_bound_as_azure_calls_it(function: func.Function) -> None:
    assert function.get_function_name() == "managed_application_notification"
    trigger = function.get_trigger()
    assert trigger
    binding = trigger.get_dict_repr()
    assert binding["route"] == "{*path}"
    assert [str(getattr(method, "value", method)) for method in binding["methods"]] == ["POST"]
    assert binding["authLevel"] == func.AuthLevel.FUNCTION


def test_indexing_imports_no_azure_sdk() -> None:
    code = (
        "import sys, notification_endpoint.blueprint;"
        "print([name for name in sys.modules if name.startswith(('azure.core', 'azure.identity', 'aiohttp'))])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})
    assert finished.stdout.strip() == "[]"


def test_a_whole_answer_of_the_front_loads_nothing_of_the_worker_or_the_api() -> None:
    code = (
        "import sys, notification_endpoint.endpoint, notification_endpoint.blueprint;"
        "others = ('registry', 'verdicts', 'collector', 'compliance_api', 'operations', 'azure.data', 'azure.monitor');"
        "print(sorted(name for name in sys.modules if name.startswith(others)))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})
    assert finished.stdout.strip() == "[]"
