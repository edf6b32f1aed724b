"""Clients for the tests of the sandbox's servers: raw HTTP, and the credentials of the real SDK."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from azure.identity.aio import ClientSecretCredential, ManagedIdentityCredential

from sandbox.azure.identity.directory import SERVICE_PRINCIPAL
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.azure.identity.tokens import Principal
    from sandbox.local_azure import Sandbox
    from sandbox.world.customers import Customer


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        return self.body["error"]["code"]


class Caller:
    """Asks the sandbox over plain HTTP, with a token for the right audience unless told otherwise."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session

    def token(self, audience: str, principal: Principal = SERVICE_PRINCIPAL, lifetime: int = 600) -> str:
        return self.sandbox.directory.issuer.issue(principal, audience, lifetime)

    async def ask(self, service: Service, method: str, path: str, token: str | None = "", **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        if token == "":
            token = self.token(self.sandbox.url(Service.RESOURCE_MANAGER))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = path if path.startswith("http") else self.sandbox.url(service) + path
        async with self.session.request(method, url, headers=headers, **options) as response:
            text = await response.read()
            is_json = text and response.content_type == "application/json"
            return Answer(response.status, dict(response.headers), await response.json() if is_json else text)

    async def arm(self, method: str, path: str, token: str | None = "", **options: Any) -> Answer:
        return await self.ask(Service.RESOURCE_MANAGER, method, path, token, **options)

    async def states(self, customer: Customer, **parameters: str) -> Answer:
        path = (
            f"{customer.managed_resource_group_id}/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults"
        )
        query = {"api-version": "2019-10-01", **{f"${name.strip('_')}": value for name, value in parameters.items()}}
        return await self.arm("POST", path, params=query)


@pytest.fixture
async def caller(sandbox: Sandbox) -> AsyncIterator[Caller]:
    context = ssl.create_default_context(cafile=sandbox.certificate_authority)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        yield Caller(sandbox, session)


@pytest.fixture
async def credential(sandbox: Sandbox) -> AsyncIterator[ClientSecretCredential]:
    settings = sandbox.environment
    async with ClientSecretCredential(
        settings["AZURE_TENANT_ID"],
        settings["AZURE_CLIENT_ID"],
        settings["AZURE_CLIENT_SECRET"],
        authority=settings["AZURE_AUTHORITY_HOST"],
        connection_verify=settings["SSL_CERT_FILE"],
        retry_total=0,
    ) as made:
        yield made


@pytest.fixture
async def own_identity(sandbox: Sandbox) -> AsyncIterator[ManagedIdentityCredential]:
    async with ManagedIdentityCredential(
        client_id=sandbox.environment["MANAGED_IDENTITY_CLIENT_ID"], retry_total=0
    ) as made:
        yield made
