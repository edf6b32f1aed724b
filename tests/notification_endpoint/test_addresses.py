"""The plan's address with a mistake in it: told, and no signed notification is lost for it where it gets here at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func
import pytest
from aiohttp.test_utils import TestClient, TestServer

from notification_endpoint import blueprint as notification_blueprint
from sandbox.functions.host import FunctionsHost
from sandbox.functions.index import index_functions
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.notification_endpoint.conftest import Webhook, body_about
from tests.worker_side import Lines

ENTER = "enter https://<host>/api?code=<function key>&sig=<signature>"


@dataclass
class Front:
    """The front on the sandbox's Functions host, a customer to tell of, and what the front logs."""

    host: FunctionsHost
    client: TestClient[Any, Any]
    webhook: Webhook
    customer: Customer
    lines: Lines

    @property
    def secrets(self) -> dict[str, str]:
        return {"code": self.host.keys.function, "sig": self.webhook.sandbox.notification_signature}

    async def post(self, path: str, query: Mapping[str, str], method: str = "POST") -> tuple[int, str, bytes]:
        """Send a notification; return status, media type and body of the answer."""
        url = self.client.make_url("/").with_path(path).with_query(query)
        async with self.client.session.request(method, url, data=body_about(self.customer)) as answer:
            return answer.status, answer.content_type, await answer.read()

    @property
    def told(self) -> str:
        """The one line of a request, without its correlation id."""
        (line,) = self.lines()
        return line.partition(": ")[2]


@pytest.fixture
async def front(webhook: Webhook, customer: Customer, lines: Lines) -> AsyncIterator[Front]:
    app = func.FunctionApp()
    app.register_functions(notification_blueprint.blueprint)
    host = FunctionsHost(index_functions(app), {"extensions": {"http": {"routePrefix": "api"}}}, {})
    async with TestClient(TestServer(host.application())) as client:
        yield Front(host, client, webhook, customer, lines)


@pytest.mark.parametrize(
    ("path", "mistake"),
    [
        ("/api/resource/resource", "it ends with /resource, which Azure appends by itself"),
        ("/API/Resource/RESOURCE/", "it ends with /resource, which Azure appends by itself"),
        ("/api/resource//resource", "it has two slashes one after the other, or one before the ?"),
        ("/api/webhook/resource", "its path is not /api"),
        ("/api/api/resource", "its path is not /api"),
        ("/api", "its path is not /api"),
        ("/api/sig=x/resource", "its query does not begin with a ?"),
    ],
)
async def test_a_signed_notification_to_a_mistaken_path_is_taken_and_the_mistake_told(
    front: Front, path: str, mistake: str
) -> None:
    assert (await front.post(path, front.secrets))[0] == 200
    (queued,) = await front.webhook.queued()
    assert str(queued.application_id) == front.customer.application_id
    assert front.told.endswith(f"200 queued, but the address in the plan has a mistake: {mistake}; {ENTER}")
    assert all(secret not in front.told for secret in front.secrets.values())


@pytest.mark.parametrize("path", ["/api/resource", "/api/resource/", "/API/RESOURCE"])
@pytest.mark.parametrize("name", ["sig", "SIG", "Sig"])
async def test_casing_is_no_mistake(front: Front, path: str, name: str) -> None:
    query = {"code": front.secrets["code"], name: front.secrets["sig"]}
    assert (await front.post(path, query))[0] == 200
    assert len(await front.webhook.queued()) == 1
    assert front.told.endswith("200 queued")


@pytest.mark.parametrize("path", ["/api/resource/resource", "/api/other/resource", "/api"])
@pytest.mark.parametrize("sig", [None, "", "wrong", "right,right"])
async def test_without_the_signature_no_path_takes_anything(front: Front, path: str, sig: str | None) -> None:
    given = {} if sig is None else {"sig": sig.replace("right", front.secrets["sig"])}
    status, media_type, body = await front.post(path, {"code": front.secrets["code"], **given})
    assert (status, media_type) == (401, "application/problem+json")
    expected = f"The request is not signed. Enter the address as {ENTER.removeprefix('enter ')}."
    assert json.loads(body)["detail"] == expected
    assert front.told.startswith("401 (sig is missing or wrong; the address in the plan has a mistake: ")
    assert await front.webhook.queued() == []


@pytest.mark.parametrize("code", [{}, {"code": ""}, {"code": "wrong"}])
@pytest.mark.parametrize("path", ["/api/resource", "/api/resource/resource", "/api", "/api/x"])
async def test_without_the_function_key_no_code_runs_whatever_the_path(
    front: Front, path: str, code: dict[str, str]
) -> None:
    status, _, body = await front.post(path, {**code, "sig": front.secrets["sig"]})
    assert (status, body) == (401, b"")
    assert front.lines() == []


async def test_two_signatures_in_one_address_are_none(webhook: Webhook, sandbox: Sandbox, customer: Customer) -> None:
    right = sandbox.notification_signature
    response = await webhook.post(body_about(customer), {"sig": right, "SIG": right})
    assert response.status_code == 401
    assert await webhook.queued() == []


@pytest.mark.parametrize(("last", "status"), [("sig", 401), ("code", 200)])
async def test_a_query_that_resource_was_appended_to_is_told(
    webhook: Webhook, customer: Customer, lines: Lines, last: str, status: int
) -> None:
    query = {"code": "key", "sig": webhook.sandbox.notification_signature}
    response = await webhook.post(body_about(customer), query | {last: f"{query[last]}/resource"})
    assert response.status_code == status
    (line,) = lines()
    assert "/resource was appended to its query, which has to be its last part" in line
    assert query["sig"] not in line + response.get_body().decode()


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api//resource"), ("POST", "//api/resource"), ("POST", "/resource"), ("GET", "/api")]
)
async def test_what_azure_leads_to_no_function_stays_the_platforms_404(front: Front, method: str, path: str) -> None:
    assert (await front.post(path, front.secrets, method))[0] == 404
    assert front.lines() == []
