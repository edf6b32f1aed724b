"""Plays the managed identity endpoint: the token endpoint that App Service and Functions offer to the code they run.

Source: https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.azure.identity.entra_id import IssuedTokens
from sandbox.azure.identity.tokens import DEFAULT_LIFETIME_SECONDS, Principal, TokenIssuer
from sandbox.errors import json_response
from sandbox.faults.operations import IdentityTokenRequest

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.faults.faults import Faults

API_VERSION = "2019-08-01"
PATH = "/msi/token"


@dataclass(frozen=True, slots=True)
class AppIdentities:
    """The identities of one Functions app: user-assigned ones, and perhaps a system-assigned one."""

    user_assigned: tuple[Principal, ...]
    system_assigned: Principal | None = None

    def named(self, client_id: str | None) -> Principal | None:
        """Return the identity with this client id, without an id the system-assigned one; None when there is none."""
        if not client_id:
            return self.system_assigned
        return next((one for one in self.user_assigned if one.client_id == client_id.lower()), None)


class ManagedIdentityEndpoint:
    """The identities of every app. In Azure each app has its own endpoint; here the header tells which app asks."""

    def __init__(self, issuer: TokenIssuer, faults: Faults) -> None:
        self.apps: dict[str, AppIdentities] = {}
        """By the X-IDENTITY-HEADER that only the app knows."""
        self.resources: set[str] = set()
        """Audiences for which there are tokens."""
        self.issued = IssuedTokens()
        self._issuer = issuer
        self._faults = faults

    def add_routes(self, app: web.Application) -> None:
        """Adds the one route of the endpoint."""
        app.router.add_get(PATH, self._token)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            return self._granted(request)

        audience = request.query.get("resource", "")
        return await self._faults.answer(IdentityTokenRequest(audience), request, answer)

    def _granted(self, request: web.Request) -> web.Response:
        given = request.headers.get("X-IDENTITY-HEADER", "").encode()
        app = next((app for header, app in self.apps.items() if hmac.compare_digest(given, header.encode())), None)
        if app is None:
            return _refused(401, "The X-IDENTITY-HEADER is missing or wrong.")
        if request.query.get("api-version") != API_VERSION:
            return _refused(400, f"The api-version must be {API_VERSION}.")
        client_id = request.query.get("client_id")
        principal = app.named(client_id)
        if principal is None:
            return _refused(400, f"No managed identity was found for client id {client_id or '(system-assigned)'}.")
        audience = request.query.get("resource", "")
        if audience.rstrip("/") not in self.resources:
            return _refused(400, f"The resource {audience} was not found.")
        self.issued.add(audience)
        return json_response(
            {
                "access_token": self._issuer.issue(principal, audience),
                "expires_on": str(int(time.time()) + DEFAULT_LIFETIME_SECONDS),
                "resource": audience,
                "token_type": "Bearer",
                "client_id": principal.client_id,
            }
        )


def _refused(status: int, message: str) -> web.Response:
    return json_response({"statusCode": status, "message": message}, status=status)
