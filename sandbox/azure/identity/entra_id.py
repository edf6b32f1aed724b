"""Plays Entra ID for the publisher's tenant: the token endpoint for service principals, and discovery.

Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow. Error codes (AADSTS...)
as in https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

from __future__ import annotations

import hmac
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.azure.identity.client_assertions import AssertionRejectedError, ClientAssertions
from sandbox.azure.identity.tokens import DEFAULT_LIFETIME_SECONDS, Principal, TokenIssuer
from sandbox.errors import json_response
from sandbox.faults.operations import TokenRequest

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.faults.faults import Faults

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FEDERATION_AUDIENCE = "api://AzureADTokenExchange"
"""The audience of a managed identity's token that is exchanged for a service principal's."""


@dataclass(slots=True)
class IssuedTokens:
    """How many tokens were issued, by audience. Thread-safe."""

    _counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, audience: str) -> None:
        """Counts one token."""
        with self._lock:
            self._counts[audience] += 1

    def by_audience(self) -> dict[str, int]:
        """The counts since the last `clear`."""
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        """Starts counting again."""
        with self._lock:
            self._counts.clear()


class _TokenRefusedError(Exception):
    def __init__(self, status: int, error: str, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.code, self.message = status, error, code, message


class EntraId:
    """The tenant of one publisher, with one service principal in it."""

    def __init__(
        self,
        issuer: TokenIssuer,
        service_principal: Principal,
        secret: str,
        assertions: ClientAssertions,
        faults: Faults,
    ) -> None:
        self.service_principal = service_principal
        self.secrets = [secret]
        """Every client secret that is valid now: two during a rotation."""
        self.resources: set[str] = set()
        """Audiences for which there are tokens; a scope of any other resource is refused."""
        self.issued = IssuedTokens()
        self.token_lifetime_seconds = DEFAULT_LIFETIME_SECONDS
        self._issuer = issuer
        self._assertions = assertions
        self._faults = faults

    def add_routes(self, app: web.Application) -> None:
        """Adds the routes of the authority host."""
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._openid_configuration)
        app.router.add_get("/common/discovery/instance", self._instance_discovery)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        audience = form.get("scope", "").removesuffix("/.default")

        async def answer() -> web.Response:
            try:
                return self._granted(request, form, audience)
            except _TokenRefusedError as refused:
                body = {
                    "error": refused.error,
                    "error_description": f"AADSTS{refused.code}: {refused.message}",
                    "error_codes": [refused.code],
                }
                return json_response(body, status=refused.status)

        return await self._faults.answer(TokenRequest(audience), request, answer)

    def _granted(self, request: web.Request, form: dict[str, str], audience: str) -> web.Response:
        principal = self.service_principal
        if request.match_info["tenant"].lower() != principal.tenant_id:
            raise _TokenRefusedError(400, "invalid_tenant", 90002, "Tenant not found. Check the tenant ID.")
        if form.get("grant_type") != "client_credentials":
            raise _TokenRefusedError(400, "unsupported_grant_type", 70003, "The grant type is not supported.")
        if form.get("client_id", "").lower() != principal.client_id:
            raise _TokenRefusedError(400, "unauthorized_client", 700016, "Application was not found in the directory.")
        self._authenticate(form, str(request.url))
        if not form.get("scope", "").endswith("/.default"):
            raise _TokenRefusedError(400, "invalid_scope", 1002012, "The scope must end with /.default.")
        if audience.rstrip("/") not in self.resources:
            raise _TokenRefusedError(400, "invalid_resource", 500011, f"The resource {audience} was not found.")
        self.issued.add(audience)
        token = self._issuer.issue(principal, audience, self.token_lifetime_seconds)
        lifetime = self.token_lifetime_seconds
        return json_response(
            {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}
        )

    def _authenticate(self, form: dict[str, str], endpoint: str) -> None:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != ASSERTION_TYPE:
                raise _TokenRefusedError(401, "invalid_client", 7000216, "The client assertion type is not supported.")
            try:
                self._assertions.check(form["client_assertion"], self.service_principal.client_id, endpoint)
            except AssertionRejectedError as error:
                raise _TokenRefusedError(401, "invalid_client", error.code, str(error)) from error
        elif "client_secret" not in form:
            raise _TokenRefusedError(401, "invalid_client", 7000218, "A secret or an assertion is required.")
        elif not any(hmac.compare_digest(form["client_secret"].encode(), one.encode()) for one in self.secrets):
            raise _TokenRefusedError(401, "invalid_client", 7000215, "Invalid client secret provided.")

    async def _openid_configuration(self, request: web.Request) -> web.Response:
        authority = f"{request.scheme}://{request.host}/{request.match_info['tenant']}"
        return json_response(
            {
                "issuer": f"{authority}/v2.0",
                "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
                "token_endpoint": f"{authority}/oauth2/v2.0/token",
            }
        )

    async def _instance_discovery(self, request: web.Request) -> web.Response:
        tenant = self.service_principal.tenant_id
        return json_response(
            {
                "api-version": "1.1",
                "tenant_discovery_endpoint": (
                    f"{request.scheme}://{request.host}/{tenant}/v2.0/.well-known/openid-configuration"
                ),
                "metadata": [
                    {"preferred_network": request.host, "preferred_cache": request.host, "aliases": [request.host]}
                ],
            }
        )
