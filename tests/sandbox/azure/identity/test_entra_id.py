"""Entra ID and the managed identity endpoint, asked by azure-identity itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
)

from sandbox.azure.identity.directory import (
    API_IDENTITY,
    FRONT_IDENTITY,
    LOCAL_IDENTITY,
    SERVICE_PRINCIPAL,
    SYSTEM_ASSIGNED,
    USER_ASSIGNED,
)
from sandbox.faults.effects import Status
from sandbox.faults.operations import IdentityTokenRequest, TokenRequest
from sandbox.services import Service

if TYPE_CHECKING:
    from sandbox.local_azure import Sandbox
    from tests.sandbox.conftest import Caller

MONITOR = "https://monitor.azure.com/.default"


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def trust(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "authority": sandbox.url(Service.ENTRA_ID),
        "connection_verify": str(sandbox.certificate_authority),
        "retry_total": 0,
    }


async def test_a_secret_gives_a_token_of_the_publishers_tenant(
    sandbox: Sandbox, credential: ClientSecretCredential
) -> None:
    arm = sandbox.url(Service.RESOURCE_MANAGER)
    token = await credential.get_token(f"{arm}/.default")
    assert claims(token.token)["aud"] == arm
    assert claims(token.token)["oid"] == SERVICE_PRINCIPAL.object_id
    assert claims(token.token)["iss"] == f"https://sts.windows.net/{SERVICE_PRINCIPAL.tenant_id}/"
    assert sandbox.directory.tokens_issued() == {arm: 1}


@pytest.mark.parametrize(
    ("tenant", "client", "secret", "error"),
    [
        (SERVICE_PRINCIPAL.tenant_id, SERVICE_PRINCIPAL.client_id, "wrong", "AADSTS7000215"),
        (SERVICE_PRINCIPAL.tenant_id, USER_ASSIGNED.client_id, None, "AADSTS700016"),
        ("00000000-0000-0000-0000-000000000000", SERVICE_PRINCIPAL.client_id, None, "AADSTS90002"),
    ],
)
async def test_a_wrong_secret_client_or_tenant_gets_no_token(
    sandbox: Sandbox, tenant: str, client: str, secret: str | None, error: str
) -> None:
    secret = secret or sandbox.environment["AZURE_CLIENT_SECRET"]
    async with ClientSecretCredential(tenant, client, secret, **trust(sandbox)) as credential:
        with pytest.raises(ClientAuthenticationError, match=error):
            await credential.get_token(MONITOR)
    assert sandbox.directory.tokens_issued() == {}


async def test_there_are_no_tokens_for_resources_nobody_knows(credential: ClientSecretCredential) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS500011"):
        await credential.get_token("https://elsewhere.example/.default")


@pytest.mark.parametrize("sign_in", ["certificate", "protected certificate"])
async def test_a_registered_certificate_signs_in(sandbox: Sandbox, sign_in: str) -> None:
    settings = sandbox.environment_with(sign_in)
    async with CertificateCredential(
        settings["AZURE_TENANT_ID"],
        settings["AZURE_CLIENT_ID"],
        settings["AZURE_CLIENT_CERTIFICATE_PATH"],
        password=settings.get("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
        **trust(sandbox),
    ) as credential:
        assert claims((await credential.get_token(MONITOR)).token)["oid"] == SERVICE_PRINCIPAL.object_id
        sandbox.directory.assertions.certificates.clear()
        with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
            await credential.get_token("https://storage.azure.com/.default")


async def test_the_workers_identity_is_exchanged_for_the_service_principal(sandbox: Sandbox) -> None:
    async with ManagedIdentityCredential(client_id=USER_ASSIGNED.client_id, retry_total=0) as worker:
        assertion = (await worker.get_token("api://AzureADTokenExchange/.default")).token
    async with ClientAssertionCredential(
        SERVICE_PRINCIPAL.tenant_id, SERVICE_PRINCIPAL.client_id, lambda: assertion, **trust(sandbox)
    ) as credential:
        assert claims((await credential.get_token(MONITOR)).token)["oid"] == SERVICE_PRINCIPAL.object_id


@pytest.mark.parametrize(
    ("audience", "principal"),
    [
        ("https://monitor.azure.com", USER_ASSIGNED),
        ("api://AzureADTokenExchange", SYSTEM_ASSIGNED),
        ("api://AzureADTokenExchange", FRONT_IDENTITY),
        ("api://AzureADTokenExchange", API_IDENTITY),
    ],
)
async def test_other_tokens_are_not_exchanged(sandbox: Sandbox, audience: str, principal: Any) -> None:
    assertion = sandbox.directory.issuer.issue(principal, audience)
    async with ClientAssertionCredential(
        SERVICE_PRINCIPAL.tenant_id, SERVICE_PRINCIPAL.client_id, lambda: assertion, **trust(sandbox)
    ) as credential:
        with pytest.raises(ClientAuthenticationError, match="AADSTS70021"):
            await credential.get_token(MONITOR)


async def test_managed_identities_are_told_apart_by_client_id(
    sandbox: Sandbox, own_identity: ManagedIdentityCredential
) -> None:
    assert claims((await own_identity.get_token(MONITOR)).token)["oid"] == LOCAL_IDENTITY.object_id
    async with ManagedIdentityCredential(retry_total=0) as system_assigned:
        assert claims((await system_assigned.get_token(MONITOR)).token)["oid"] == SYSTEM_ASSIGNED.object_id
    async with ManagedIdentityCredential(client_id=SERVICE_PRINCIPAL.client_id, retry_total=0) as stranger:
        with pytest.raises(ClientAuthenticationError):
            await stranger.get_token(MONITOR)


async def test_the_identity_endpoint_insists_on_its_header(caller: Caller) -> None:
    query = {"api-version": "2019-08-01", "resource": "https://monitor.azure.com"}
    answer = await caller.ask(
        Service.MANAGED_IDENTITY, "GET", "/msi/token", None, params=query, headers={"X-IDENTITY-HEADER": "guess"}
    )
    assert answer.status == 401


async def test_token_endpoints_fail_on_demand(sandbox: Sandbox, credential: ClientSecretCredential) -> None:
    fault = sandbox.faults.add(TokenRequest("https://monitor.azure.com"), Status(400), times=1)
    sandbox.faults.add(IdentityTokenRequest(), Status(503))
    with pytest.raises(ClientAuthenticationError, match="invalid_request"):
        await credential.get_token(MONITOR)
    assert (await credential.get_token(MONITOR)).token
    assert fault.played == 1


async def test_an_authority_describes_itself(sandbox: Sandbox, caller: Caller) -> None:
    tenant = SERVICE_PRINCIPAL.tenant_id
    found = await caller.ask(Service.ENTRA_ID, "GET", f"/{tenant}/v2.0/.well-known/openid-configuration", None)
    assert found.body["token_endpoint"] == f"{sandbox.url(Service.ENTRA_ID)}/{tenant}/oauth2/v2.0/token"
    instances = await caller.ask(Service.ENTRA_ID, "GET", "/common/discovery/instance", None)
    assert instances.body["tenant_discovery_endpoint"].startswith(sandbox.url(Service.ENTRA_ID))
