"""Settings of the publisher's service principal: who it is, and the one credential that it signs in with."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from publisher.environment import Environment

_CREDENTIAL_SETTINGS: Final = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID",
)
_EXPIRES_ON: Final = "AZURE_CLIENT_SECRET_EXPIRES_ON"
SERVICE_PRINCIPAL_SETTING_NAMES: Final = (
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    _EXPIRES_ON,
    *_CREDENTIAL_SETTINGS,
)


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """The publisher's service principal and its one credential: a secret, a certificate or a federated identity."""

    tenant_id: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    certificate_path: str | None = None
    certificate_password: str | None = field(default=None, repr=False)
    federated_identity_client_id: str | None = None


def service_principal_from(env: Environment) -> ServicePrincipal:
    """Return the service principal; note when not exactly one of _CREDENTIAL_SETTINGS is set."""
    tenant_id = env.guid("AZURE_TENANT_ID", hint="give the id of the publisher's tenant")
    client_id = env.guid("AZURE_CLIENT_ID", hint="give the application (client) id of the publisher's registration")
    given = [name for name in _CREDENTIAL_SETTINGS if env.has(name)]
    if not given:
        env.problem("AZURE_CLIENT_SECRET", f"is not set; set exactly one of {', '.join(_CREDENTIAL_SETTINGS)}")
    elif len(given) > 1:
        env.problem(given[0], f"is set together with {' and '.join(given[1:])}; keep exactly one of them")
    certificate_path = env.text("AZURE_CLIENT_CERTIFICATE_PATH", "")
    if certificate_path and not Path(certificate_path).is_file():
        env.problem("AZURE_CLIENT_CERTIFICATE_PATH", "names no readable file; give the path of a PEM or PKCS12 file")
    federated_hint = "give the client id of the user-assigned identity that the registration trusts"
    federated = env.guid("PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID", hint=federated_hint, required=False)
    password = "AZURE_CLIENT_CERTIFICATE_PASSWORD"  # noqa: S105 - the name of a setting
    return ServicePrincipal(
        tenant_id,
        client_id,
        secret=env.secret("AZURE_CLIENT_SECRET") if env.has("AZURE_CLIENT_SECRET") else None,
        certificate=_certificate(env),
        certificate_path=certificate_path or None,
        certificate_password=env.secret(password, may_be_quoted=True) if env.has(password) else None,
        federated_identity_client_id=federated or None,
    )


def _certificate(env: Environment) -> bytes | None:
    """Return the certificate in the setting: PEM or base64 of PKCS12, as a Key Vault reference gives it."""
    name = "AZURE_CLIENT_CERTIFICATE"
    if not env.has(name):
        return None
    value = env.text(name)
    if value.startswith("-----BEGIN"):
        return value.encode()
    try:
        return base64.b64decode("".join(value.split()), validate=True) or None
    except ValueError:
        env.problem(name, "is neither PEM nor base64; give the certificate with its private key, not a path")
        return None


def secret_expires_at(env: Environment) -> datetime | None:
    """Return when the client secret expires, as far as somebody said it; problems are noted in `env`."""
    name = _EXPIRES_ON
    value = env.text(name, "")
    try:
        moment = datetime.fromisoformat(value) if value else None
    except ValueError:
        env.problem(name, "is no date; give the day on which the client secret expires, as in 2027-06-30")
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
