"""The webhook as Azure sees it: requests to the function that the blueprint registers, against the sandbox."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from notification_endpoint import blueprint as notification_blueprint
from publisher.errors import NotFound
from publisher.resource_ids import ApplicationId
from publisher.settings import ReconcileSettings
from publisher.table import Row
from registry.managed_application import ManagedApplication
from registry.registry import Registry
from sandbox.azure.notifications import notification
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer


@dataclass
class Webhook:
    """Sends notifications, and looks at the registry behind."""

    function: func.Function
    sandbox: Sandbox
    registry: Registry

    async def deliver(
        self, customer: Customer, event_type: str, state: str, *, at: datetime | None = None, **changes: Any
    ) -> func.HttpResponse:
        payload = notification(customer, event_type, state, event_time=at or datetime.now(UTC)) | changes
        return await self.post(json.dumps(payload).encode())

    async def post(self, body: bytes, query: Mapping[str, str] | None = None) -> func.HttpResponse:
        query = {"sig": self.sandbox.notification_signature, "code": "key"} if query is None else query
        request = func.HttpRequest(method="POST", url="https://app.example/api/resource", params=query, body=body)
        response = await self.function.get_user_function()(request)
        assert isinstance(response, func.HttpResponse)
        return response

    async def registered(self) -> dict[str, ManagedApplication]:
        try:
            found = [item async for item in self.registry.applications()]
        except NotFound:  # no notification has created the table yet
            return {}
        return {str(item.application_id): item for item in found if isinstance(item, ManagedApplication)}

    async def row(self, customer: Customer) -> Row | None:
        return await self.registry.find(ApplicationId.parse(customer.application_id))


def answer_of(response: func.HttpResponse) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of an answer."""
    return response.status_code, json.loads(response.get_body())


def now() -> datetime:
    return datetime.now(UTC)


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
async def webhook(sandbox: Sandbox, environment: dict[str, str], function: func.Function) -> AsyncIterator[Webhook]:
    settings = ReconcileSettings.from_environment(environment)
    async with Registry(settings) as registry:
        yield Webhook(function, sandbox, registry)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    caplog.set_level(logging.INFO)
    return Lines(caplog)


class Lines:
    """The log lines that the endpoint wrote."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def __call__(self) -> list[str]:
        return [
            record.getMessage() for record in self._caplog.records if record.name.startswith("notification_endpoint")
        ]

    @property
    def everything(self) -> str:
        return self._caplog.text
