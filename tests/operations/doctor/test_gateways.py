"""An answer without a service's error code is a gateway's: the doctor blames no role, rule, table or identity for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from operations.doctor.causes.cause import Service
from operations.doctor.causes.table import Where, explained
from publisher.errors.answers import as_failure
from publisher.transport import Transport
from sandbox.faults.effects import Body
from sandbox.faults.operations import (
    ApplicationRead,
    IdentityTokenRequest,
    LogQuery,
    Operation,
    PolicyQuery,
    QueueRequest,
    TableRequest,
    TokenRequest,
    Upload,
)
from sandbox.local_azure import Sandbox
from sandbox.workspace.schema import read_tables
from sandbox.world.customers import Customer
from tests.operations.doctor.conftest import Doctor
from tests.operations.doctor.findings import check, said

STREAM = f"stream Custom-{next(iter(read_tables()))}"
PAGE = b"<html><head><title>Blocked</title></head><body>The page was blocked.</body></html>"
JSON = b'{"statusCode": 404, "message": "Resource not found"}'
"""As API Management answers."""

OF_OTHERS = ("lacks", "may not", "no such", "does not accept", "Azure refuses")


def is_told_as_in_between(found: dict[str, Any]) -> bool:
    told = said(found)
    return "something in between answered" in told and not any(words in told for words in OF_OTHERS)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        *((status, PAGE) for status in (400, 401, 403, 404, 407)),
        (400, JSON),
        (403, b""),
        (404, b""),
        (404, JSON),
    ],
)
@pytest.mark.parametrize(
    ("role", "operation", "name"),
    [
        ("worker", TableRequest("GET"), "registry: read"),
        ("worker", TableRequest("GET"), "pending applications"),
        ("worker", QueueRequest("GET"), "messages in notifications"),
        ("worker", QueueRequest("GET"), "messages in notifications-poison"),
        ("worker", ApplicationRead(), "application"),
        ("worker", PolicyQuery(), "application"),
        ("worker", Upload(), STREAM),
        ("worker", TokenRequest(), "token: service principal"),
        ("front", QueueRequest("POST"), "queue notifications"),
        ("api", LogQuery(), "table PolicyVerdicts_CL"),
    ],
)  # fmt: skip
def test_no_probe_takes_a_gateways_word_for_the_services(
    doctor: Doctor,
    identity_sandbox: Sandbox,
    customer: Customer,
    *,
    role: str,
    operation: Operation,
    name: str,
    status: int,
    content: bytes,
) -> None:
    content_type = "application/json" if content.startswith(b"{") else "text/html"
    identity_sandbox.faults.add(operation, Body(content, content_type, status))
    assert is_told_as_in_between(check(doctor(role), name))


@pytest.mark.parametrize("status", [401, 403, 405])
def test_a_page_in_place_of_a_managed_identitys_token_is_no_missing_identity(
    doctor: Doctor, identity_sandbox: Sandbox, status: int
) -> None:
    identity_sandbox.faults.add(IdentityTokenRequest(), Body(PAGE, "text/html", status))
    assert is_told_as_in_between(check(doctor("front"), "token: own identity, for the queue"))


@pytest.mark.parametrize("operation", [TokenRequest(), IdentityTokenRequest()])
@pytest.mark.parametrize("content", [PAGE, b"", b"[]", b'{"access_token": 7}'])
def test_a_sign_in_page_in_place_of_a_token_is_told(
    doctor: Doctor, identity_sandbox: Sandbox, operation: Operation, content: bytes
) -> None:
    identity_sandbox.faults.add(operation, Body(content, "text/html" if content == PAGE else "application/json"))
    of_entra = isinstance(operation, TokenRequest)
    name = "token: service principal" if of_entra else "token: own identity, for storage"
    found = check(doctor("worker"), name)
    assert is_told_as_in_between(found)
    assert ("AZURE_AUTHORITY_HOST" in found["next_step"]) is of_entra


@pytest.mark.parametrize("content", [PAGE, b""])
def test_the_queue_for_comparison_proves_nothing_when_a_gateway_answers(
    doctor: Doctor, identity_sandbox: Sandbox, content: bytes
) -> None:
    identity_sandbox.faults.add(QueueRequest("GET"), Body(content, "text/html", 403))
    found = check(doctor("front"), "queue notifications")
    assert found["verdict"] == "ok"
    assert "only a message tells" in found["finding"]


def test_a_gateway_that_is_out_of_order_is_not_blamed_on_the_service_alone(
    doctor: Doctor, identity_sandbox: Sandbox
) -> None:
    identity_sandbox.faults.add(LogQuery(), Body(PAGE, "text/html", 502))
    found = check(doctor("api"), "table PolicyVerdicts_CL")
    assert "something on the way to it" in said(found)
    assert "a proxy or a gateway" in found["next_step"]


@asynccontextmanager
async def a_proxy(answer: bytes) -> AsyncIterator[str]:
    """A proxy that opens no tunnel."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "answer", [b"403 Forbidden", b"407 Proxy Authentication Required", b"502 Bad Gateway", b"302 Found"]
)
async def test_a_proxy_that_opens_no_tunnel_is_somebody_who_answered(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with a_proxy(answer) as url, Transport() as transport:
        monkeypatch.setenv("https_proxy", url)
        with pytest.raises(AzureError) as raised:
            await transport.send(HttpRequest("GET", "https://management.azure.com/"))
    failure = as_failure(raised.value)
    assert failure is not None
    cause, next_step = explained(failure, Where(Service.RESOURCE_MANAGER, "AZURE_RESOURCE_MANAGER_ENDPOINT"))
    assert "something in between answered" in cause
    assert "is there a proxy" in next_step
