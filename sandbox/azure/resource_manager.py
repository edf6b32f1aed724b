"""Azure Resource Manager as the publisher sees it: tokens, permissions, throttling, and which request is what.

Paths are matched without regard to case, as ARM does. What is answered is in sandbox.applications (reads) and
sandbox.policy_states (queries).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.azure.identity.tokens import Token, TokenIssuer, bearer_token
from sandbox.azure.throttling import Throttle
from sandbox.errors import RefusedError, not_implemented
from sandbox.world.customer_directory import CustomerDirectory

if TYPE_CHECKING:
    import datetime as dt

    from sandbox.faults.faults import Faults
    from sandbox.faults.operations import Operation
    from sandbox.world.customers import Access, Customer

PUBLIC_AUDIENCES = frozenset({"https://management.azure.com", "https://management.core.windows.net"})

Found = dict[str, str]
Handler = Callable[[web.Request, Found], Awaitable[web.StreamResponse]]


class ResourceManager:
    """The front door: routes, authentication, authorization, metering."""

    def __init__(self, issuer: TokenIssuer, faults: Faults, now: Callable[[], dt.datetime]) -> None:
        self.now = now
        self.customers = CustomerDirectory(now)
        self.add_customer = self.customers.add
        self.throttle = Throttle()
        self.page_size = 1000
        """States per page of a policy query."""
        self.filter_ignores_case = True
        """Whether `$filter` compares strings without regard to case. Azure does not document which it is."""
        self.audiences = set(PUBLIC_AUDIENCES)
        self.tenant_id = ""
        self.authorized_object_ids: set[str] = set()
        """The principals that the plan's authorizations name."""
        self.faults = faults
        self._issuer = issuer
        self._routes: list[tuple[str, re.Pattern[str], frozenset[str] | None, Handler]] = []

    def reset(self) -> None:
        """No customers, no throttling, default behaviour."""
        self.customers.clear()
        self.throttle.unlimit()
        self.throttle.allowed = self.throttle.refused = 0
        self.page_size = 1000
        self.filter_ignores_case = True

    def route(self, method: str, path: str, api_versions: frozenset[str], handler: Handler) -> None:
        """Serves `path`, in which `{name}` stands for one segment, for these API versions."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.replace(".", r"\."))
        self._routes.append((method, re.compile(f"{pattern}/?", re.IGNORECASE), api_versions, handler))

    def routes(self) -> list[web.AbstractRouteDef]:
        """One catch-all route: aiohttp's own router minds the case of paths, ARM does not."""
        return [web.route("*", "/{path:.*}", self._dispatch)]

    def authenticate(self, request: web.Request) -> Token:
        """The caller's token; raises RefusedError 401."""
        return bearer_token(request, self._issuer, frozenset(self.audiences))

    async def answer(
        self, request: web.Request, operation: Operation, subscription_id: str, answer: Callable[[Token], web.Response]
    ) -> web.StreamResponse:
        """Authenticates, meters, and answers unless a fault is scripted."""

        async def work() -> web.Response:
            token = self.authenticate(request)
            if token.tenant_id != self.tenant_id:
                raise _wrong_tenant(token)
            headers = self.throttle.read(subscription_id, token.object_id) if subscription_id else {}
            response = answer(token)
            response.headers.update(headers)
            return response

        return await self.faults.answer(operation, request, work)

    def authorize(self, token: Token, customer: Customer, access: Access, scope: str) -> None:
        """Raises RefusedError when the caller must not do this to what is at `scope`, or cannot see it."""
        if not customer.visible:
            raise _wrong_tenant(token)
        if token.object_id not in self.authorized_object_ids or access not in customer.access:
            raise forbidden(token, access, scope)

    def group_owner(self, token: Token, subscription_id: str, group: str, access: Access) -> Customer:
        """The customer whose managed resource group this is; raises RefusedError as ARM does, for lack of it."""
        customer = self.customers.by_group(subscription_id, group)
        if customer is None or customer.deleted:
            if not self.customers.in_subscription(subscription_id):
                raise subscription_not_found(subscription_id)
            raise RefusedError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        self.authorize(token, customer, access, customer.managed_resource_group_id)
        return customer

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        matches = [
            (method, versions, handler, match.groupdict())
            for method, pattern, versions, handler in self._routes
            if (match := pattern.fullmatch(request.path))
        ]
        if not matches:
            raise not_implemented(f"{request.method} {request.path[:200]}")
        _check_length(request)
        for method, versions, handler, found in matches:
            if method == request.method:
                _check_api_version(request, versions)
                return await handler(request, found)
        self.authenticate(request)
        raise RefusedError(
            405,
            "HttpMethodNotSupported",
            f"The http method '{request.method}' is not supported for '{request.path.rpartition('/')[2]}'.",
        )


def forbidden(token: Token, action: str, scope: str) -> RefusedError:
    """ARM's answer to a principal without the role."""
    return RefusedError(
        403,
        "AuthorizationFailed",
        f"The client '{token.client_id}' with object id '{token.object_id}' does not have authorization to perform "
        f"action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
        "refresh your credentials.",
    )


def subscription_not_found(subscription_id: str) -> RefusedError:
    """ARM's answer about a subscription that does not exist or is not visible."""
    return RefusedError(404, "SubscriptionNotFound", f"The subscription '{subscription_id}' could not be found.")


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


def _check_api_version(request: web.Request, versions: frozenset[str] | None) -> None:
    asked: Any = request.query.get("api-version")
    if not asked:
        raise RefusedError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if versions is not None and asked not in versions:
        raise RefusedError(
            400,
            "InvalidResourceType",
            f"The resource type could not be found for api version '{asked}'. The supported api-versions are "
            f"'{','.join(sorted(versions))}'.",
        )
