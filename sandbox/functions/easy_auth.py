"""Plays App Service authentication (Easy Auth), the platform's sign-in before a Functions app.

A reverse proxy: it verifies bearer tokens and sign-in sessions, removes what a caller claims about themselves, and adds
the headers that the platform adds. App role assignments, which Entra ID puts into tokens, are kept here.
Source: learn.microsoft.com/azure/app-service/overview-authentication-authorization and
configure-authentication-user-identities.
"""

from __future__ import annotations

import base64
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import aiohttp
import orjson
from aiohttp import web

from sandbox.azure.identity.directory import AGENT, API_AUDIENCE, API_CLIENT_ID, OPERATOR, TENANT_ID
from sandbox.azure.identity.tokens import bearer_token
from sandbox.errors import RefusedError
from sandbox.functions.door import HEADER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from sandbox.azure.identity.tokens import TokenIssuer

SETTINGS: Final = {"WEBSITE_AUTH_ENABLED": "True"}
"""What the platform adds to the environment of an app that it signs callers in for."""

READ: Final = "Compliance.Read"
QUERY: Final = "Compliance.Query"
OPERATOR_OBJECT_ID: Final = OPERATOR.object_id
OPERATOR_NAME: Final = "operator@publisher.example"
LOGIN: Final = "/.auth/login/aad"
_COOKIE: Final = "AppServiceAuthSession"
_PRINCIPAL: Final = "X-MS-CLIENT-PRINCIPAL"
_ADDRESS: Final = "Client-IP"
"""What the platform's front end writes over whatever a caller sends: their address and port."""

_RESERVED: Final = ("x-ms-client-principal", "x-ms-token-", "x-ms-auth", HEADER.lower(), _ADDRESS.lower())
_HOP_BY_HOP: Final = frozenset({"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding"})
_AUDIENCES: Final = frozenset({API_CLIENT_ID, API_AUDIENCE})


@dataclass
class EasyAuth:
    """Signs callers in and passes their requests on. Mount it with `Site(easy_auth.add_routes)`.

    Args:
        issuer: whose tokens are accepted.
        upstream: the address of the Functions host.
        excluded_paths: served to anybody.
        door_key: what the host wants to be shown, when it answers the sign-in alone.
    """

    issuer: TokenIssuer
    upstream: str
    excluded_paths: frozenset[str] = frozenset()
    allowed_clients: set[str] = field(default_factory=lambda: {API_CLIENT_ID, AGENT.client_id})
    app_roles: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {AGENT.object_id: (READ, QUERY), OPERATOR_OBJECT_ID: (READ,)}
    )
    """App roles by the object id of who has them."""
    door_key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self._sessions: set[str] = set()
        self._lock = threading.Lock()
        self._session: aiohttp.ClientSession | None = None

    def front_door(self, url: str) -> str:
        """Return the address that signs the operator in and goes on to the operations page; `url`: this site's."""
        return f"{url}{LOGIN}?post_login_redirect_uri=/api/dashboard"

    def add_routes(self, app: web.Application) -> None:
        """Serve everything: sign-in and sign-out, and what is behind them."""
        app.cleanup_ctx.append(self._client)
        app.router.add_get(LOGIN, self._sign_in)
        app.router.add_get("/.auth/logout", self._sign_out)
        app.router.add_route("*", "/{path:.*}", self._pass_on)

    async def _client(self, _: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session:
            self._session = session
            yield

    async def _sign_in(self, request: web.Request) -> web.Response:
        """Sign the operator in: there are no passwords here. Goes on to a page of this site only."""
        target = request.query.get("post_login_redirect_uri", "/")
        if not target.startswith("/") or target.startswith(("//", "/\\")):
            raise web.HTTPBadRequest(text="post_login_redirect_uri leaves the site")
        session = secrets.token_urlsafe(24)
        with self._lock:
            self._sessions.add(session)
        answer = web.Response(status=302, headers={"Location": target})
        answer.set_cookie(_COOKIE, session, httponly=True, samesite="Lax", path="/")
        return answer

    async def _sign_out(self, request: web.Request) -> web.Response:
        with self._lock:
            self._sessions.discard(request.cookies.get(_COOKIE, ""))
        answer = web.Response(text="Signed out.")
        answer.del_cookie(_COOKIE)
        return answer

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if not name.lower().startswith(_RESERVED)}
        try:
            principal = self._principal(request)
        except RefusedError as refused:
            return refused.response()
        if principal is None and request.path not in self.excluded_paths:
            return _turned_away(request)
        assert self._session is not None  # noqa: S101 - aiohttp opens it before it serves
        try:
            async with self._session.request(
                request.method,
                self.upstream + request.raw_path,
                headers={**headers, **(principal or {}), HEADER: self.door_key, _ADDRESS: _address(request)},
                data=await request.read(),
                allow_redirects=False,
            ) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
                return web.Response(body=await answer.read(), status=answer.status, headers=kept)
        except aiohttp.ClientConnectionError:
            return web.Response(status=502, text=f"No Functions host answers at {self.upstream}.")

    def _principal(self, request: web.Request) -> dict[str, str] | None:
        if "Authorization" in request.headers:
            token = bearer_token(request, self.issuer, _AUDIENCES)
            if token.client_id not in self.allowed_clients:
                raise RefusedError(403, "Forbidden", "The client application is not allowed.")
            return self._headers(
                token.object_id,
                token.object_id,
                {"aud": token.audience, "appid": token.client_id, "tid": token.tenant_id},
            )
        with self._lock:
            is_signed_in = request.cookies.get(_COOKIE) in self._sessions
        if not is_signed_in:
            return None
        # As after a sign-in on the page itself: an identity token, which names no client but its audience.
        identity = {"aud": API_CLIENT_ID, "name": "The operator", "preferred_username": OPERATOR_NAME}
        return self._headers(OPERATOR_OBJECT_ID, OPERATOR_NAME, identity | {"tid": TENANT_ID})

    def _headers(self, object_id: str, name: str, claims: Mapping[str, str]) -> dict[str, str]:
        known = {"tid": "http://schemas.microsoft.com/identity/claims/tenantid"}
        listed = [{"typ": known.get(kind, kind), "val": value} for kind, value in claims.items()]
        listed.append({"typ": "http://schemas.microsoft.com/identity/claims/objectidentifier", "val": object_id})
        listed.extend({"typ": "roles", "val": role} for role in self.app_roles.get(object_id, ()))
        principal = {"auth_typ": "aad", "claims": listed, "name_typ": "name", "role_typ": "roles"}
        return {
            _PRINCIPAL: base64.b64encode(orjson.dumps(principal)).decode(),
            f"{_PRINCIPAL}-ID": object_id,
            f"{_PRINCIPAL}-NAME": name,
            f"{_PRINCIPAL}-IDP": "aad",
        }


def _address(request: web.Request) -> str:
    host, port = (request.transport.get_extra_info("peername") if request.transport else None) or ("", 0)
    return f"{host}:{port}"


def _turned_away(request: web.Request) -> web.Response:
    """Send a browser that opens an address to the sign-in, which leads back to it; everybody else gets 401.

    The platform's own rule for who is a browser is not documented; the sandbox's is narrow.
    """
    is_program = "Authorization" in request.headers or request.headers.get("X-Requested-With") == "XMLHttpRequest"
    if request.method == "GET" and not is_program and "text/html" in request.headers.get("Accept", ""):
        back = quote(request.raw_path, safe="")
        return web.Response(status=302, headers={"Location": f"{LOGIN}?post_login_redirect_uri={back}"})
    return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="{request.host}"'})
