"""Who may do what in the storage accounts: role assignments, checked as Azure checks them.

Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage (the data actions of roles)
and https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory (what a call asks for).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import jwt

from sandbox.azure.identity.directory import STORAGE_AUDIENCE, TENANT_ID
from sandbox.errors import RefusedError
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from sandbox.azure.identity.tokens import Principal, TokenIssuer

_CHALLENGE: Final = (
    f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT_ID}/oauth2/authorize "
    f"resource_id={STORAGE_AUDIENCE}"
)
_SERVICE_PROPERTIES: Final = "service/read"
"""Reading or setting a service's properties: no role for data includes it."""


class StorageRole(Enum):
    """A built-in role: its data actions, shortened to the kind of thing and what is done to it."""

    BLOB_DATA_OWNER = frozenset({"containers/read", "containers/write", "containers/delete", "blobs/any"})
    QUEUE_DATA_CONTRIBUTOR = frozenset(
        {
            "queues/read",
            "queues/write",
            "queues/delete",
            "messages/read",
            "messages/write",
            "messages/delete",
            "messages/process",
        }
    )
    QUEUE_DATA_MESSAGE_SENDER = frozenset({"messages/add"})
    TABLE_DATA_CONTRIBUTOR = frozenset({"tables/read", "tables/write", "tables/delete", "entities/any"})


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role that a principal has: in a whole account, or in one queue of it."""

    principal: Principal
    role: StorageRole
    account: str
    queue: str | None = None


class Rights:
    """Role assignments in storage accounts, and the check of a request against them."""

    def __init__(self, issuer: TokenIssuer) -> None:
        self._issuer = issuer
        self._assigned: set[Assignment] = set()

    def assign(self, assignments: Iterable[Assignment]) -> None:
        """Add role assignments; those of other accounts stay."""
        self._assigned.update(assignments)

    def withdraw(self, principal: Principal) -> None:
        """Take every role from a principal."""
        self._assigned = {one for one in self._assigned if one.principal != principal}

    def require(self, service: Service, request: web.Request) -> None:
        """Raise RefusedError as Azure refuses the request. Keys are switched off, as in the accounts of infra/."""
        object_id = self._caller(request)
        if "x-ms-copy-source" in request.headers:
            raise RefusedError(501, "NotImplementedInSandbox", "The sandbox copies nothing from elsewhere.")
        account, rest = _places(request.raw_path)
        action, queue = _ACTIONS[service](request, rest)
        for one in self._assigned:
            is_for = one.principal.object_id == object_id and one.account == account and one.queue in {None, queue}
            if is_for and one.role.value & action:
                return
        raise RefusedError(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )

    def _caller(self, request: web.Request) -> str:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if "skoid" in request.query:
            raise RefusedError(501, "NotImplementedInSandbox", "The sandbox implements no user delegation SAS.")
        if scheme.lower().startswith("sharedkey") or "sig" in request.query:
            raise RefusedError(
                403, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this account."
            )
        if scheme.lower() != "bearer":
            raise _unauthorised("NoAuthenticationInformation")
        try:
            token = self._issuer.verify(encoded)
        except (jwt.InvalidTokenError, KeyError) as error:
            raise _unauthorised("InvalidAuthenticationInfo") from error
        if token.audience.rstrip("/") != STORAGE_AUDIENCE:
            raise _unauthorised("InvalidAuthenticationInfo")
        return token.object_id


def _places(raw_path: str) -> tuple[str, str]:
    """Return the account, and the path within it. A path that can be read in two ways is refused."""
    path = raw_path.partition("?")[0].removeprefix("/")
    account, _, rest = path.partition("/")
    is_odd = any(part in {"", ".", ".."} for part in unquote(path).split("/")[:-1])
    if is_odd or any("%2f" in part.lower() for part in path.split("/")[:2]):
        raise RefusedError(400, "InvalidUri", "The requested URI does not represent any resource on the server.")
    return unquote(account), unquote(rest)


def _unauthorised(code: str) -> RefusedError:
    return RefusedError(
        401,
        code,
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        {"WWW-Authenticate": _CHALLENGE},
    )


_CHANGES: Final = {"PUT": "write", "POST": "write", "PATCH": "write", "MERGE": "write", "DELETE": "delete"}


def _blob_action(request: web.Request, rest: str) -> tuple[frozenset[str], None]:
    if not rest:
        is_list = request.query.get("comp") == "list"
        return frozenset({"containers/read" if is_list else _SERVICE_PROPERTIES}), None
    if request.query.get("restype") == "container" and request.query.get("comp") != "list":
        return frozenset({f"containers/{_CHANGES.get(request.method, 'read')}"}), None
    return frozenset({"blobs/any"}), None


def _queue_action(request: web.Request, rest: str) -> tuple[frozenset[str], str | None]:
    """Any one of the actions is enough. Source: the table "Permissions for Queue service operations"."""
    queue, _, messages = rest.partition("/")
    if not queue:
        return frozenset({"queues/read" if request.query.get("comp") == "list" else _SERVICE_PROPERTIES}), None
    if not messages:
        return frozenset({f"queues/{_CHANGES.get(request.method, 'read')}"}), queue
    if request.method == "GET" and request.query.get("peekonly") == "true":
        return frozenset({"messages/read"}), queue
    by_method = {
        "POST": {"messages/add", "messages/write"},
        "PUT": {"messages/write"},
        "DELETE": {"messages/delete", "messages/process"},
    }
    return frozenset(by_method.get(request.method, {"messages/process"})), queue


def _table_action(request: web.Request, rest: str) -> tuple[frozenset[str], None]:
    name = rest.partition("(")[0]
    if name == "Tables":
        return frozenset({f"tables/{_CHANGES.get(request.method, 'read')}"}), None
    return frozenset({"entities/any" if name else _SERVICE_PROPERTIES}), None


_ACTIONS: Final = {
    Service.BLOBS: _blob_action,
    Service.QUEUES: _queue_action,
    Service.TABLES: _table_action,
}
