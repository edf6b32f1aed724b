"""A certificate as the value of a setting: what a Key Vault reference gives where no file can be mounted."""

from __future__ import annotations

import base64
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import load_pem_x509_certificate

from publisher.credentials import service_principal_credential
from publisher.settings import ReconcileSettings, SettingsError
from sandbox.azure.identity.directory import SERVICE_PRINCIPAL
from sandbox.local_azure import Sandbox

NAME = "AZURE_CLIENT_CERTIFICATE"


def with_value(sandbox: Sandbox, value: str) -> dict[str, str]:
    """The sandbox's settings for a certificate, by value instead of by path."""
    path = "AZURE_CLIENT_CERTIFICATE_PATH"
    kept = {name: text for name, text in sandbox.environment_with("certificate").items() if name != path}
    return {**kept, NAME: value}


def pem(sandbox: Sandbox) -> bytes:
    return Path(sandbox.environment_with("certificate")["AZURE_CLIENT_CERTIFICATE_PATH"]).read_bytes()


def pfx(sandbox: Sandbox) -> bytes:
    certificate, text = load_pem_x509_certificate(pem(sandbox)), pem(sandbox)
    key = serialization.load_pem_private_key(text, None)
    return pkcs12.serialize_key_and_certificates(
        b"publisher",
        key,
        certificate,
        None,
        serialization.NoEncryption(),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("form", ["PEM", "base64 of PKCS12", "base64 in lines"])
async def test_the_service_principal_signs_in_with_a_certificate_by_value(sandbox: Sandbox, form: str) -> None:
    value = {
        "PEM": pem(sandbox).decode(),
        "base64 of PKCS12": base64.b64encode(pfx(sandbox)).decode(),
        "base64 in lines": base64.encodebytes(pfx(sandbox)).decode(),
    }[form]
    settings = ReconcileSettings.from_environment(with_value(sandbox, value))
    async with service_principal_credential(settings.service_principal, settings.cloud) as credential:
        token = await credential.get_token(f"{settings.cloud.resource_manager_audience}/.default")
    claims = jwt.decode(token.token, options={"verify_signature": False})
    assert claims["appid"] == SERVICE_PRINCIPAL.client_id


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("/var/certificate.pem", "neither PEM nor base64"),
        ("@Microsoft.KeyVault(SecretUri=https://vault/secrets/x)", "has not resolved"),
    ],
)
def test_a_value_that_is_no_certificate_is_named(sandbox: Sandbox, value: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"{NAME}: .*{problem}"):
        ReconcileSettings.from_environment(with_value(sandbox, value))


def test_a_certificate_by_value_and_by_path_is_one_too_many(sandbox: Sandbox) -> None:
    both = {**sandbox.environment_with("certificate"), NAME: pem(sandbox).decode()}
    with pytest.raises(SettingsError, match=f"{NAME}: is set together with AZURE_CLIENT_CERTIFICATE_PATH"):
        ReconcileSettings.from_environment(both)


async def test_base64_of_something_else_is_a_wrong_setting_and_stays_out_of_the_message(sandbox: Sandbox) -> None:
    settings = ReconcileSettings.from_environment(with_value(sandbox, base64.b64encode(b"no certificate").decode()))
    with pytest.raises(SettingsError, match=f"{NAME}: is not a usable PEM or PKCS12 certificate") as error:
        service_principal_credential(settings.service_principal, settings.cloud)
    assert "no certificate" not in str(error.value)
    assert "PRIVATE KEY" not in repr(ReconcileSettings.from_environment(with_value(sandbox, pem(sandbox).decode())))
