"""Plays Azure Resource Manager: finds the route of a request, checks token, tenant and API version, and meters.

The routes come from a file per resource provider: applications.py, policy_states.py, acting/remediations.py and so on.
A new answer of ARM is a route there (`serve`), and an `Operation` in sandbox/faults/operations.py, so that it can fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.azure.identity.tokens import Token, TokenIssuer, bearer_token
from sandbox.azure.throttling import Throttle
from sandbox.errors import RefusedError, not_implemented
from sandbox.world.customer_directory import CustomerDirectory

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from sandbox.faults.faults import Faults
    from sandbox.faults.operations import Operation
    from sandbox.world.customers import Access, Customer

PUBLIC_AUDIENCES = frozenset({"https://management.azure.com", "https://management.core.windows.net"})

LONGEST_ADDRESS = 8_000
"""Characters of a path with its query; the gateways before Azure refuse more with a page of their own."""

_GATEWAYS_PAGE = "<html><head><title>404 - File or directory not found.</title></head><body></body></html>"

PathParameters = dict[str, str]
"""What stands in a path where its route has `{name}`, by that name."""


@dataclass(frozen=True, slots=True)
class ArmRequest:
    """A request whose caller is known, as the resource providers answer it."""

    http: web.Request
    path: PathParameters
    token: Token
    body: bytes = b""

    def is_for(self, resource_id: str) -> bool:
        """Whether the request's path is this resource id, in any casing."""
        return self.http.path.rstrip("/").lower() == resource_id.lower()


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    api_versions: frozenset[str]
    operation: Callable[[web.Request, PathParameters], Operation]
    answer: Callable[[ArmRequest], web.Response]


class ResourceManager:
    """Routes, authentication, authorization and metering. Paths are matched in any casing, as ARM does."""

    def __init__(self, issuer: TokenIssuer, faults: Faults, now: Callable[[], dt.datetime]) -> None:
        self.now = now
        self.customers = CustomerDirectory(now)
        self.add_customer = self.customers.add
        self.throttle = Throttle()
        self.page_size = 1000
        """States per page of a policy query."""
        self.document_page_size = 100
        """Resources per page of a list of one type."""
        self.list_page_size = 1000
        """Members per page of a list of subscriptions or applications."""
        self.subscription_states: dict[str, str] = {}
        """The state of a subscription by its id in lower case, where it is not Enabled."""
        self.unlisted_subscriptions: set[str] = set()
        """Subscriptions that the list of subscriptions leaves out, as Azure does for a while with new ones."""
        self.filter_ignores_case = True
        """Whether `$filter` compares strings without regard to case. Azure does not document which it is."""
        self.audiences = set(PUBLIC_AUDIENCES)
        self.tenant_id = ""
        self.authorized_object_ids: set[str] = set()
        """The principals that the plan's authorizations name."""
        self._faults = faults
        self._issuer = issuer
        self._routes: list[_Route] = []

    def reset(self) -> None:
        """No customers, no throttling, default behaviour."""
        self.customers.clear()
        self.throttle.unlimit()
        self.throttle.allowed = self.throttle.refused = 0
        self.page_size = self.list_page_size = 1000
        self.document_page_size = 100
        self.subscription_states.clear()
        self.unlisted_subscriptions.clear()
        self.filter_ignores_case = True

    def serve(
        self,
        method: str,
        path: str,
        api_versions: frozenset[str],
        operation: Callable[[web.Request, PathParameters], Operation],
        answer: Callable[[ArmRequest], web.Response],
    ) -> None:
        """Serves `path`, in which `{name}` stands for one segment.

        Args:
            method: the HTTP method.
            path: without a slash at the end.
            api_versions: those that are accepted; others are refused with 400.
            operation: what a request asks for; faults are scripted for it.
            answer: is called once the caller is authenticated and has reads left; raises RefusedError to refuse.
        """
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.replace(".", r"\."))
        self._routes.append(_Route(method, re.compile(f"{pattern}/?", re.IGNORECASE), api_versions, operation, answer))

    def add_routes(self, app: web.Application) -> None:
        """Adds one route for everything, because aiohttp's router compares the case of paths and ARM does not."""
        app.router.add_route("*", "/{path:.*}", self._dispatch)

    def authorize(self, token: Token, customer: Customer, access: Access, scope: str) -> None:
        """Raises RefusedError when the caller must not do this to what is at `scope`, or cannot see it."""
        if not customer.visible:
            raise _wrong_tenant(token)
        if token.object_id not in self.authorized_object_ids or access not in customer.access:
            raise forbidden(token, access, scope)

    def customer_at(self, path: PathParameters) -> Customer | None:
        """The customer whose managed resource group stands in the path; also one who has deleted it."""
        return self.customers.by_group(path["subscription"], path["group"])

    def group_owner(self, request: ArmRequest, access: Access) -> Customer:
        """The customer whose managed resource group this is; raises RefusedError as ARM does, for lack of it."""
        customer = self.customer_at(request.path)
        if customer is None or customer.deleted:
            self.require_subscription(request.path["subscription"])
            group = request.path["group"]
            raise RefusedError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        self.authorize(request.token, customer, access, customer.managed_resource_group_id)
        return customer

    def require_subscription(self, subscription_id: str) -> None:
        """Raises RefusedError 404 when no customer has this subscription."""
        if not self.customers.in_subscription(subscription_id):
            raise RefusedError(404, "SubscriptionNotFound", f"The subscription '{subscription_id}' could not be found.")

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        if len(request.raw_path) > LONGEST_ADDRESS:
            return web.Response(status=404, text=_GATEWAYS_PAGE, content_type="text/html")
        matches = [(route, match) for route in self._routes if (match := route.pattern.fullmatch(request.path))]
        if not matches:
            raise not_implemented(f"{request.method} {request.path[:200]}")
        _check_length(request)
        for route, match in matches:
            if route.method == request.method:
                _check_api_version(request, route.api_versions)
                return await self._answer(request, route, match.groupdict())
        self._token(request)
        raise RefusedError(
            405,
            "HttpMethodNotSupported",
            f"The http method '{request.method}' is not supported for '{request.path.rpartition('/')[2]}'.",
        )

    async def _answer(self, request: web.Request, route: _Route, path: PathParameters) -> web.StreamResponse:
        async def answer() -> web.Response:
            token = self._token(request)
            if token.tenant_id != self.tenant_id:
                raise _wrong_tenant(token)
            # Calls at the tenant or a management group (built-in definitions) have no bucket here.
            headers = self.throttle.read(path["subscription"], token.object_id) if "subscription" in path else {}
            response = route.answer(ArmRequest(request, path, token, await request.read()))
            response.headers.update(headers)
            return response

        return await self._faults.answer(route.operation(request, path), request, answer)

    def _token(self, request: web.Request) -> Token:
        return bearer_token(request, self._issuer, frozenset(self.audiences))


def forbidden(token: Token, action: str, scope: str) -> RefusedError:
    """ARM's answer to a principal without the role."""
    return RefusedError(
        403,
        "AuthorizationFailed",
        f"The client '{token.client_id}' with object id '{token.object_id}' does not have authorization to perform "
        f"action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
        "refresh your credentials.",
    )


def _wrong_tenant(token: Token) -> RefusedError:
    return RefusedError(
        401,
        "InvalidAuthenticationTokenTenant",
        f"The access token is from the wrong issuer 'https://sts.windows.net/{token.tenant_id}/'. It must match the "
        "tenant associated with this subscription.",
    )


def _check_length(request: web.Request) -> None:
    # Azure's front doors insist on a length for every POST, also for an empty one.
    if request.method == "POST" and request.content_length is None and not request.can_read_body:
        raise RefusedError(411, "LengthRequired", "A Content-Length header is required.")


def _check_api_version(request: web.Request, versions: frozenset[str]) -> None:
    asked = request.query.get("api-version")
    if not asked:
        raise RefusedError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if asked not in versions:
        raise RefusedError(
            400,
            "InvalidResourceType",
            f"The resource type could not be found for api version '{asked}'. The supported api-versions are "
            f"'{','.join(sorted(versions))}'.",
        )
