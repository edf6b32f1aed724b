"""The webhook as Azure sees it: requests to the function that the blueprint registers, against the sandbox's queue."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from notification_endpoint import blueprint as notification_blueprint
from notification_endpoint.outbox import OUTBOX
from publisher.notifications import Notification, notification_in
from sandbox.azure.notifications import notification
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.queue_side import take_messages
from tests.worker_side import Lines


@dataclass
class Webhook:
    """Sends notifications, and looks at the queue behind."""

    function: func.Function
    sandbox: Sandbox

    async def deliver(
        self, customer: Customer, event_type: str, state: str, *, at: datetime | None = None, **changes: Any
    ) -> func.HttpResponse:
        payload = notification(customer, event_type, state, event_time=at or datetime.now(UTC)) | changes
        return await self.post(json.dumps(payload).encode())

    async def post(
        self, body: bytes, query: Mapping[str, str] | None = None, *, media_type: str | None = "application/json"
    ) -> func.HttpResponse:
        query = {"sig": self.sandbox.notification_signature, "code": "key"} if query is None else query
        headers = {} if media_type is None else {"Content-Type": media_type}
        url = "https://app.example/api/resource"
        request = func.HttpRequest(method="POST", url=url, headers=headers, params=query, body=body)
        response = await self.function.get_user_function()(request)
        assert isinstance(response, func.HttpResponse)
        return response

    async def queued(self) -> list[Notification]:
        """Take what is on the queue, as the worker does."""
        return [notification_in(message.encode()) for message in await take_messages(self.sandbox)]


def answer_of(response: func.HttpResponse) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of an answer."""
    return response.status_code, json.loads(response.get_body())


def now() -> datetime:
    return datetime.now(UTC)


def body_about(customer: Customer, event_type: str = "PUT", state: str = "Succeeded") -> bytes:
    """The notification that Azure sends."""
    return json.dumps(notification(customer, event_type, state, event_time=now())).encode()


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso")


@pytest.fixture
def function() -> func.Function:
    app = func.FunctionApp()
    app.register_functions(notification_blueprint.blueprint)
    (only,) = app.get_functions()
    return only


@pytest.fixture
def front_settings(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The front's settings for the sandbox, which are also this process's environment while the test runs."""
    settings = sandbox.environment_of("front")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings


@pytest.fixture
async def webhook(sandbox: Sandbox, front_settings: dict[str, str], function: func.Function) -> AsyncIterator[Webhook]:
    yield Webhook(function, sandbox)
    await OUTBOX.close()


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """What the webhook logs."""
    return Lines(caplog, "notification_endpoint")
