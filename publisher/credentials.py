"""The credentials of the program's two identities.

The publisher's service principal reads the customers' deployments; the app's own managed identity reaches our storage
and our data collection rule. azure-identity's credential chains would confuse them, because they read AZURE_CLIENT_ID,
which is the service principal's (FACTS 7.5): so each credential is built explicitly.
"""

import asyncio
import math
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.identity.aio import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
)

from publisher.configuration.cloud import Cloud
from publisher.environment import SettingsError
from publisher.errors.answers import as_failure
from publisher.errors.kinds import AzureFailure, MalformedAnswer, NoToken, TransientFailure
from publisher.errors.token_answers import refuse_no_token
from publisher.settings import ServicePrincipal
from publisher.transport import Closing, Transport

_REFUSAL_REMEMBERED_SECONDS: Final = 30.0
_RENEWAL_COUNTS_SECONDS: Final = 30.0


def service_principal_credential(service_principal: ServicePrincipal, cloud: Cloud) -> "SharedCredential":
    """Return the credential of the publisher's service principal, in the publisher's tenant.

    Tokens of that tenant are valid for a customer's subscription too (FACTS 5.3). Raises SettingsError for a
    certificate that cannot be used. Close it, or use it as a context manager.
    """
    name = f"the publisher's service principal {service_principal.client_id}"
    return SharedCredential(lambda: _inner_credential(service_principal, cloud), name)


def _inner_credential(identity: ServicePrincipal, cloud: Cloud) -> "_Inner":
    if identity.federated_identity_client_id:
        return _FederatedCredential(identity, identity.federated_identity_client_id, cloud)
    if identity.certificate or identity.certificate_path:
        return _certificate_credential(identity, cloud)
    return ClientSecretCredential(
        identity.tenant_id, identity.client_id, identity.secret or "", **_options(), authority=cloud.authority_host
    )


def certificate_expires_at(service_principal: ServicePrincipal) -> datetime | None:
    """Return when the service principal's certificate expires; None when it has none, or one that cannot be read."""
    # Imported here, because only a run asks.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415

    identity = service_principal
    try:
        content = identity.certificate or Path(identity.certificate_path or "").read_bytes()
        if b"-----BEGIN" in content:
            # The leaf comes first, as azure-identity expects it.
            return x509.load_pem_x509_certificates(content)[0].not_valid_after_utc
        password = identity.certificate_password
        store = pkcs12.load_pkcs12(content, password.encode() if password else None)
    except (ValueError, TypeError, OSError):
        return None
    return store.cert.certificate.not_valid_after_utc if store.cert else None


def own_identity_credential(client_id: str | None) -> "SharedCredential":
    """Return the credential of the app's own managed identity: the user-assigned one named, or the system-assigned.

    Close it, or use it as a context manager.
    """
    name = f"the managed identity {client_id}" if client_id else "the system-assigned managed identity"
    return SharedCredential(lambda: _managed_identity(client_id), name)


class _Inner(Protocol):
    """The methods that the credentials of azure-identity share."""

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo: ...

    async def close(self) -> None: ...


class SharedCredential(Closing):
    """A credential that makes one request for callers that need the same token, and raises AzureFailures.

    NoToken names the identity. It is raised again for half a minute without a request, so that thousands of
    applications do not repeat one that was refused.

    Args:
        make: makes one of azure-identity's credentials, whose tokens are kept as long as it is.
        name: of the identity.
        clock: seconds.
    """

    def __init__(self, make: Callable[[], _Inner], name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._inner = make()
        self._given_up: list[_Inner] = []
        self._renewed_at = -math.inf
        self._name = name
        self._clock = clock
        self._locks: dict[tuple[str, ...], asyncio.Lock] = {}
        self._refusals: dict[tuple[str, ...], tuple[float, NoToken]] = {}

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token for the scope; raise NoToken or TransientFailure."""
        async with self._locks.setdefault(scopes, asyncio.Lock()):
            refused_at, refusal = self._refusals.get(scopes, (0.0, None))
            if refusal is not None and self._clock() - refused_at < _REFUSAL_REMEMBERED_SECONDS:
                raise NoToken(str(refusal), code=refusal.code, status=refusal.status)
            try:
                return await self._inner.get_token_info(*scopes, options=options)
            except Exception as error:
                failure = self._failure(error, scopes)
                if isinstance(failure, NoToken):
                    self._refusals[scopes] = (self._clock(), failure)
                if failure is error:
                    raise
                raise failure from error

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **_: Any,
    ) -> AccessToken:
        """Return a token for the scope, in the older form; raise NoToken or TransientFailure."""
        options: TokenRequestOptions = {"enable_cae": enable_cae}
        if claims:
            options["claims"] = claims
        if tenant_id:
            options["tenant_id"] = tenant_id
        token = await self.get_token_info(*scopes, options=options)
        return AccessToken(token.token, token.expires_on)

    def forget_tokens(self) -> None:
        """Ask for fresh tokens from now on: a service refused one that we take for valid.

        Does nothing within half a minute after the last time: those that were refused meanwhile had the same old token.
        """
        if self._clock() - self._renewed_at < _RENEWAL_COUNTS_SECONDS:
            return
        self._renewed_at = self._clock()
        self._given_up.append(self._inner)  # its requests may be under way
        self._inner = self._make()

    async def close(self) -> None:
        """Close the connections to the token endpoint."""
        for inner in (*self._given_up, self._inner):
            await inner.close()

    def _failure(self, error: Exception, scopes: tuple[str, ...]) -> AzureFailure:
        """Return the failure that says which identity got no token, for which scope and why."""
        what = f"no token for {self._name} and {' '.join(scopes)}"
        # The credential of virtual machines wraps what it does not know, such as the failures of `refuse_no_token`.
        cause = error.__cause__ if isinstance(error.__cause__, AzureFailure) else error
        failure = as_failure(cause)
        if failure is None:
            return MalformedAnswer(f"{what}: the token endpoint's answer makes no sense", code="MalformedAnswer")
        if isinstance(failure, TransientFailure):
            return failure.prefixed(what)
        return NoToken(f"{what}: {failure}", code=failure.code, status=failure.status)


class _FederatedCredential:
    """Exchanges the token of a user-assigned managed identity for one of the service principal, without a secret.

    Source: workload identity federation with a managed identity as the issuer, audience `api://AzureADTokenExchange`.
    """

    def __init__(self, service_principal: ServicePrincipal, identity_client_id: str, cloud: Cloud) -> None:
        self._identity = _managed_identity(identity_client_id)
        self._scope = f"{cloud.token_exchange_audience}/.default"
        self._assertion = ""
        self._exchange = ClientAssertionCredential(
            service_principal.tenant_id,
            service_principal.client_id,
            lambda: self._assertion,  # azure-identity's asynchronous credential takes the assertion synchronously
            **_options(),
            authority=cloud.authority_host,
        )

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        self._assertion = (await self._identity.get_token_info(self._scope)).token
        return await self._exchange.get_token_info(*scopes, options=options)

    async def close(self) -> None:
        await self._identity.close()
        await self._exchange.close()


def _managed_identity(client_id: str | None) -> ManagedIdentityCredential:
    return ManagedIdentityCredential(client_id=client_id, **_options())


def _certificate_credential(identity: ServicePrincipal, cloud: Cloud) -> CertificateCredential:
    try:
        return CertificateCredential(
            identity.tenant_id,
            identity.client_id,
            identity.certificate_path,
            certificate_data=identity.certificate,
            password=identity.certificate_password,
            **_options(),
            authority=cloud.authority_host,
        )
    except (ValueError, TypeError, OSError) as error:
        name = "AZURE_CLIENT_CERTIFICATE" if identity.certificate else "AZURE_CLIENT_CERTIFICATE_PATH"
        problem = "is not a usable PEM or PKCS12 certificate with its private key (or the password is wrong)"
        raise SettingsError((f"{name}: {problem}",)) from error


def _options() -> dict[str, Any]:
    return {"transport": Transport(connections=4), "retry_total": 0, "raw_response_hook": refuse_no_token}
