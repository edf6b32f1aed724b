"""The caller: decoded from the headers that the platform's sign-in (Easy Auth) adds to a request, and checked.

Source: learn.microsoft.com/azure/app-service/configure-authentication-user-identities. The platform removes these
headers from requests that come from outside; they must also agree with each other and with the settings.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

import orjson

from compliance_api.http import ProblemError, Request
from compliance_api.settings import ApiSettings
from publisher.resource_ids import is_guid

READ: Final = "Compliance.Read"
QUERY: Final = "Compliance.Query"

_HEADER: Final = "X-MS-CLIENT-PRINCIPAL"
_LARGEST_HEADER: Final = 32 * 1024
_MOST_CLAIMS: Final = 500
_PROVIDER: Final = "aad"
_SOAP: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_MICROSOFT: Final = "http://schemas.microsoft.com/"
_CLAIMS: Final[Mapping[str, tuple[str, ...]]] = {
    "client": ("appid", "azp"),
    "audience": ("aud",),
    "object": ("oid", f"{_MICROSOFT}identity/claims/objectidentifier"),
    "subject": ("sub", f"{_SOAP}nameidentifier"),
    "tenant": ("tid", f"{_MICROSOFT}identity/claims/tenantid"),
    "roles": ("roles", f"{_MICROSOFT}ws/2008/06/identity/claims/role"),
    "scopes": ("scp", f"{_MICROSOFT}identity/claims/scope"),
    "kind": ("idtyp",),
    "name": ("preferred_username", "upn", f"{_SOAP}upn", "name", f"{_SOAP}name"),
}
"""The claims that matter: App Service passes some under the name in the token, some under their long name."""


_AS_THEY_ARE: Final = frozenset({"roles", "name"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the platform's sign-in says that a caller is, whether they may call or not; "" where it does not say."""

    object_id: str = ""
    client_id: str = ""
    name: str = ""
    kind: Literal["user", "application", "unknown"] = "unknown"


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in caller: a person on the operations page, or a program."""

    object_id: str
    client_id: str
    roles: frozenset[str]

    def may_read(self) -> bool:
        """Whether the caller may read: with the role for reading, or the one for queries, which can read the same."""
        return bool(self.roles & {READ, QUERY})

    def may_query(self) -> bool:
        """Whether the caller may run KQL of their own."""
        return QUERY in self.roles


def caller_in(request: Request) -> Caller:
    """Return who calls; ProblemError 401 for headers that cannot be read, or that name no one caller."""
    claims = _claims(request.header(_HEADER))
    _check_companions(request, claims)
    # A token of a person has scopes, or is the identity token of a sign-in on the page, which names no client.
    is_user = bool(claims["scopes"] or not claims["client"]) and "app" not in claims["kind"]
    return Caller(
        _object_id(claims),
        next(iter(claims["client"] or claims["audience"]), "").removeprefix("api://"),
        min(claims["name"], key=lambda name: ("@" not in name, name), default=""),
        "user" if is_user else "application",
    )


def principal_of(request: Request, settings: ApiSettings) -> Principal:
    """Return the caller; ProblemError 401 without usable headers, 403 for another tenant, audience or client."""
    claims = _claims(request.header(_HEADER))
    _check_companions(request, claims)
    client = _client(claims, settings)
    for name, expected in (
        ("tenant", {settings.tenant_id}),
        ("audience", {settings.client_id, f"api://{settings.client_id}"}),
    ):
        if not claims[name]:
            raise ProblemError(HTTPStatus.FORBIDDEN, f"The principal does not name its {name}.")
        if not claims[name] <= expected:
            raise ProblemError(HTTPStatus.FORBIDDEN, f"The token is for another {name}.")
    if client not in settings.allowed_clients:
        raise ProblemError(HTTPStatus.FORBIDDEN, "The client application is not one of those allowed to call.")
    return Principal(_object_id(claims), client, frozenset(claims["roles"]))


def _object_id(claims: Mapping[str, set[str]]) -> str:
    return next(iter(claims["object"] or claims["subject"]), "")


def _claims(header: str) -> dict[str, set[str]]:
    """Return the values of each claim that matters; ids in lower case, roles as they are."""
    if not header:
        raise _unknown_caller("The request carries no signed-in principal.")
    if len(header) > _LARGEST_HEADER:
        raise _unknown_caller("The principal is too large.")
    try:
        content: Any = orjson.loads(base64.b64decode(header, validate=True))
    except (binascii.Error, ValueError) as error:
        raise _unknown_caller("The principal cannot be decoded.") from error
    listed = content.get("claims") if isinstance(content, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_CLAIMS or content.get("auth_typ") != _PROVIDER:
        raise _unknown_caller("The principal is not one of Microsoft Entra ID.")
    found: dict[str, set[str]] = {name: set() for name in _CLAIMS}
    for claim in listed:
        kind, value = (claim.get("typ"), claim.get("val")) if isinstance(claim, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(value, str):
            raise _unknown_caller("The principal has a claim that is none.")
        for name, kinds in _CLAIMS.items():
            if kind in kinds:
                found[name].add(value if name in _AS_THEY_ARE else value.lower())
    return found


def _check_companions(request: Request, claims: Mapping[str, set[str]]) -> None:
    """Raise ProblemError 401 unless the other headers, and the claims among themselves, name the same one caller."""
    if request.header(f"{_HEADER}-IDP").lower() not in ("", _PROVIDER):
        raise _unknown_caller("The headers of the principal contradict each other.")
    object_id = request.header(f"{_HEADER}-ID").lower()
    if object_id and object_id not in claims["object"] | claims["subject"]:
        raise _unknown_caller("The headers of the principal contradict each other.")
    for name in ("object", "tenant", "audience", "client"):
        if len(claims[name]) > 1:
            raise _unknown_caller("The principal contradicts itself.")
    if not claims["object"] and not claims["subject"]:
        raise _unknown_caller("The principal names nobody.")


def _client(claims: Mapping[str, set[str]], settings: ApiSettings) -> str:
    """Return the application that the caller uses.

    An access token names it. The identity token of somebody who signed in on the page itself does not: it was issued
    to the page's own registration, which is its audience.
    """
    for client in claims["client"]:
        if not is_guid(client):
            raise _unknown_caller("The principal's client application is not a client id.")
        return client
    if claims["audience"] == {settings.client_id}:
        return settings.client_id
    raise ProblemError(HTTPStatus.FORBIDDEN, "The principal names no client application.")


def _unknown_caller(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNAUTHORIZED, detail)
