"""Issues and verifies access tokens, with the claims of Entra ID."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.errors import RefusedError

if TYPE_CHECKING:
    from aiohttp import web

DEFAULT_LIFETIME_SECONDS = 3599


@dataclass(frozen=True, slots=True)
class Token:
    """What a verified access token says about its bearer."""

    audience: str
    tenant_id: str
    object_id: str
    client_id: str
    expires_on: int


@dataclass(frozen=True, slots=True)
class Principal:
    """A service principal or managed identity: `object_id` is what role assignments name."""

    tenant_id: str
    client_id: str
    object_id: str


class TokenIssuer:
    """One tenant-wide signing key. Issuer and claims follow Entra ID's version 1.0 access tokens.

    Source: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference; Azurite, too, insists on
    the issuer `https://sts.windows.net/<tenant>/`.
    """

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._verified: dict[str, Token] = {}
        self._lock = threading.Lock()

    def issue(self, principal: Principal, audience: str, lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS) -> str:
        """A signed token for `principal` that only services with this `audience` accept."""
        now = int(time.time())
        claims = {
            "aud": audience,
            "iss": issuer(principal.tenant_id),
            "iat": now,
            "nbf": now - 5,
            "exp": now + lifetime_seconds,
            "appid": principal.client_id,
            "oid": principal.object_id,
            "sub": principal.object_id,
            "tid": principal.tenant_id,
            "ver": "1.0",
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "sandbox"})

    def verify(self, encoded: str) -> Token:
        """The claims of a token that this issuer signed and that has not expired.

        Raises jwt.InvalidTokenError for everything else. A token is checked once and then remembered: services see the
        same one thousands of times.
        """
        known = self._verified.get(encoded)
        if known is not None and known.expires_on > time.time():
            return known
        claims: dict[str, Any] = jwt.decode(
            encoded, self._key.public_key(), algorithms=["RS256"], options={"verify_aud": False}
        )
        token = Token(claims["aud"], claims["tid"], claims["oid"], claims["appid"], claims["exp"])
        with self._lock:
            self._verified[encoded] = token
        return token


def issuer(tenant_id: str) -> str:
    """The issuer of a tenant's version 1.0 tokens."""
    return f"https://sts.windows.net/{tenant_id}/"


def bearer_token(request: web.Request, issuer: TokenIssuer, audiences: frozenset[str]) -> Token:
    """The verified token of a request to a service that accepts `audiences` (compared without a trailing slash).

    Raises RefusedError 401 with the codes of Azure Resource Manager and the `WWW-Authenticate` header that Azure sends.
    """
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not encoded:
        raise _unauthorised("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    try:
        token = issuer.verify(encoded)
    except jwt.ExpiredSignatureError as error:
        raise _unauthorised("ExpiredAuthenticationToken", "The access token expiry UTC time is in the past.") from error
    except (jwt.InvalidTokenError, KeyError) as error:
        raise _unauthorised("InvalidAuthenticationToken", "The access token is invalid.") from error
    if token.audience.rstrip("/") not in audiences:
        raise _unauthorised(
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained for wrong audience or resource '{token.audience}'. "
            f"It should exactly match with one of the allowed audiences {sorted(audiences)}.",
        )
    return token


def _unauthorised(code: str, message: str) -> RefusedError:
    return RefusedError(401, code, message, {"WWW-Authenticate": f'Bearer error="invalid_token", error_code="{code}"'})
