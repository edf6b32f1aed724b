"""Two identities, never mixed up, each asking for a token once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest

from publisher.credentials import own_identity_credential, service_principal_credential
from publisher.errors.kinds import MalformedAnswer, NoToken, Throttled, TransientFailure
from publisher.settings import ReconcileSettings, SettingsError
from sandbox.azure.identity.directory import SERVICE_PRINCIPAL, SYSTEM_ASSIGNED, USER_ASSIGNED
from sandbox.azure.identity.managed_identity import AppIdentities
from sandbox.faults.effects import Body, Status, empty, html
from sandbox.faults.operations import IdentityTokenRequest, TokenRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service

MONITOR = "https://monitor.azure.com/.default"


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("sign_in", ["secret", "certificate", "protected certificate", "federation"])
async def test_the_service_principal_signs_in_with_every_kind_of_credential(sandbox: Sandbox, sign_in: str) -> None:
    settings = ReconcileSettings.from_environment(sandbox.environment_with(sign_in))
    async with service_principal_credential(settings.service_principal, settings.cloud) as credential:
        token = await credential.get_token(f"{settings.cloud.resource_manager_audience}/.default")
    assert claims(token.token)["appid"] == SERVICE_PRINCIPAL.client_id
    assert claims(token.token)["tid"] == SERVICE_PRINCIPAL.tenant_id
    asked_of = {entry.path.split("/")[1] for entry in sandbox.requests.of(Service.ENTRA_ID)}
    assert asked_of == {SERVICE_PRINCIPAL.tenant_id}


async def test_federation_needs_no_secret_and_uses_the_identity_that_the_registration_trusts(sandbox: Sandbox) -> None:
    settings = ReconcileSettings.from_environment(sandbox.environment_with("federation"))
    async with service_principal_credential(settings.service_principal, settings.cloud) as credential:
        await credential.get_token(MONITOR)
    (exchanged,) = sandbox.requests.of(Service.MANAGED_IDENTITY)
    assert exchanged.query["resource"] == "api://AzureADTokenExchange"
    assert exchanged.query["client_id"] == USER_ASSIGNED.client_id


async def test_federation_with_an_identity_that_is_not_trusted_says_so(sandbox: Sandbox) -> None:
    sandbox.directory.assertions.federated_object_ids = set()
    settings = ReconcileSettings.from_environment(sandbox.environment_with("federation"))
    async with service_principal_credential(settings.service_principal, settings.cloud) as credential:
        with pytest.raises(NoToken, match=f"service principal {SERVICE_PRINCIPAL.client_id}.*AADSTS"):
            await credential.get_token(MONITOR)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("client_id", "object_id"),
    [(USER_ASSIGNED.client_id, USER_ASSIGNED.object_id), (None, SYSTEM_ASSIGNED.object_id)],
)
async def test_our_own_identity_never_picks_up_the_publishers_id(
    sandbox: Sandbox, client_id: str | None, object_id: str
) -> None:
    async with own_identity_credential(client_id) as credential:  # AZURE_CLIENT_ID is in the environment
        token = await credential.get_token(MONITOR)
    assert claims(token.token)["oid"] == object_id
    (asked,) = sandbox.requests.of(Service.MANAGED_IDENTITY)
    assert asked.query.get("client_id") == client_id
    assert sandbox.requests.of(Service.ENTRA_ID) == []


async def test_a_token_is_fetched_once_for_all_who_need_it_at_the_same_time(
    sandbox: Sandbox, settings: ReconcileSettings
) -> None:
    sandbox.set_latency(Service.ENTRA_ID, 0.05)
    arm = f"{settings.cloud.resource_manager_audience}/.default"
    async with service_principal_credential(settings.service_principal, settings.cloud) as credential:
        await asyncio.gather(*(credential.get_token(scope) for scope in (MONITOR, arm) for _ in range(32)))
    assert set(sandbox.directory.tokens_issued().values()) == {1}


async def test_an_identity_token_is_fetched_once_for_all_who_need_it_at_the_same_time(sandbox: Sandbox) -> None:
    sandbox.set_latency(Service.MANAGED_IDENTITY, 0.05)
    async with own_identity_credential(USER_ASSIGNED.client_id) as credential:
        await asyncio.gather(*(credential.get_token(MONITOR) for _ in range(32)))
    assert sandbox.requests.count(Service.MANAGED_IDENTITY) == 1


async def test_a_wrong_secret_names_the_identity_and_azures_reason_and_nothing_secret(
    settings: ReconcileSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = replace(settings.service_principal, secret="a-wrong-secret")
    async with service_principal_credential(wrong, settings.cloud) as credential:
        with pytest.raises(NoToken) as refusal:
            await credential.get_token(MONITOR)
    assert SERVICE_PRINCIPAL.client_id in str(refusal.value)
    assert "AADSTS7000215" in str(refusal.value)
    assert refusal.value.code == "AADSTS7000215"
    assert "a-wrong-secret" not in str(refusal.value) + caplog.text


async def test_a_refused_identity_is_not_asked_for_again_by_everybody(
    sandbox: Sandbox, settings: ReconcileSettings
) -> None:
    wrong = replace(settings.service_principal, secret="a-wrong-secret")
    async with service_principal_credential(wrong, settings.cloud) as credential:
        results = await asyncio.gather(*(credential.get_token(MONITOR) for _ in range(32)), return_exceptions=True)
    assert all(isinstance(result, NoToken) for result in results)
    assert sandbox.requests.count(Service.ENTRA_ID) == 1


async def test_an_identity_that_does_not_exist_is_named(sandbox: Sandbox) -> None:
    sandbox.directory.managed_identity.apps[sandbox.book.identity_headers["local"]] = AppIdentities(())
    async with own_identity_credential(None) as credential:
        with pytest.raises(NoToken, match="the system-assigned managed identity"):
            await credential.get_token(MONITOR)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(503), TransientFailure),
        (Status(429, retry_after=86_400), Throttled),
        (html(502), TransientFailure),
        (html(200), MalformedAnswer),
        (Body(b'{"access_token": "x"}'), MalformedAnswer),
        (empty(), MalformedAnswer),
    ],
)
async def test_a_token_endpoint_in_trouble_is_told_at_once_and_asked_again_later(
    sandbox: Sandbox, settings: ReconcileSettings, fault: Body | Status, kind: type[TransientFailure]
) -> None:
    script = sandbox.faults.add(TokenRequest(), fault, times=1)
    async with service_principal_credential(settings.service_principal, settings.cloud) as credential:
        with pytest.raises(kind, match="no token for the publisher's service principal"):
            await credential.get_token(MONITOR)
        assert script.played == 1
        assert (await credential.get_token(MONITOR)).token


@pytest.mark.parametrize("fault", [html(200), Body(b"{}"), Body(b'{"access_token": "x", "expires_in": 60}')])
async def test_an_identity_endpoint_that_talks_nonsense_is_no_defect_of_ours(sandbox: Sandbox, fault: Body) -> None:
    sandbox.faults.add(IdentityTokenRequest(), fault)
    async with own_identity_credential(USER_ASSIGNED.client_id) as credential:
        with pytest.raises((NoToken, MalformedAnswer), match="no token for the managed identity"):
            await credential.get_token(MONITOR)


async def test_a_token_endpoint_that_cannot_be_reached_may_come_back(
    sandbox: Sandbox, settings: ReconcileSettings
) -> None:
    async with service_principal_credential(settings.service_principal, settings.cloud) as credential:
        with sandbox.offline(Service.ENTRA_ID), pytest.raises(TransientFailure) as failure:
            await credential.get_token(MONITOR)
        assert failure.value.code == "ConnectionFailed"
        with sandbox.untrusted(Service.ENTRA_ID), pytest.raises(TransientFailure):
            await credential.get_token(MONITOR)
        assert (await credential.get_token(MONITOR)).token


async def test_a_certificate_that_cannot_be_used_is_a_wrong_setting(sandbox: Sandbox, tmp_path: Path) -> None:
    garbage = tmp_path / "certificate.pem"
    garbage.write_text("not a certificate")
    variables = {name: value for name, value in sandbox.environment.items() if name != "AZURE_CLIENT_SECRET"}
    settings = ReconcileSettings.from_environment(variables | {"AZURE_CLIENT_CERTIFICATE_PATH": str(garbage)})
    with pytest.raises(SettingsError, match="AZURE_CLIENT_CERTIFICATE_PATH"):
        service_principal_credential(settings.service_principal, settings.cloud)


async def test_a_wrong_certificate_password_is_a_wrong_setting(sandbox: Sandbox) -> None:
    variables = sandbox.environment_with("protected certificate") | {"AZURE_CLIENT_CERTIFICATE_PASSWORD": "wrong"}
    settings = ReconcileSettings.from_environment(variables)
    with pytest.raises(SettingsError, match="password is wrong"):
        service_principal_credential(settings.service_principal, settings.cloud)
