"""What can fail: the kinds of requests that faults can be scripted for. A new kind of request goes here.

A server describes each request with one of these; a test aims a fault with another one, in which a field that is None
matches everything: `PolicyQuery(customer, page=2)`, `Upload("Custom-PolicyComplianceStates_CL")`, `TokenRequest()`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import orjson

if TYPE_CHECKING:
    from sandbox.world.customers import Customer

_USUAL_CODES = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "AuthorizationFailed",
    404: "ResourceNotFound",
    408: "RequestTimeout",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServerUnavailable",
    504: "GatewayTimeout",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The base: knows how to match, and how its service words an error."""

    codes: ClassVar[dict[int, str]] = {}

    def matches(self, actual: Operation) -> bool:
        """Whether `actual`, which a server describes, is one of those that this one aims at."""
        return isinstance(actual, type(self)) and all(
            getattr(self, field.name) in (None, getattr(actual, field.name)) for field in fields(self)
        )

    def code(self, status: int) -> str:
        """The error code that this service usually sends with a status."""
        return self.codes.get(status) or _USUAL_CODES.get(status, "UnexpectedError")

    def error(self, code: str, message: str) -> tuple[str, bytes]:
        """An error in the service's own shape: content type and body."""
        return "application/json", orjson.dumps(self._error_json(code, message))

    def _error_json(self, code: str, message: str) -> dict[str, Any]:
        return {"error": {"code": code, "message": message}}


@dataclass(frozen=True, slots=True)
class PolicyQuery(Operation):
    """A page of policy states; the first page is 1."""

    customer: Customer | None = None
    page: int | None = None
    codes: ClassVar[dict[int, str]] = {404: "ResourceGroupNotFound", 429: "ResourceRequestsThrottled"}


@dataclass(frozen=True, slots=True)
class GraphQuery(Operation):
    """A query of Azure Resource Graph, or a further page of one."""

    codes: ClassVar[dict[int, str]] = {429: "RateLimiting"}


@dataclass(frozen=True, slots=True)
class ApplicationRead(Operation):
    """GET of one application."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class ApplicationList(Operation):
    """GET of a subscription's or resource group's applications."""

    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionList(Operation):
    """GET of the subscriptions that the caller sees."""


@dataclass(frozen=True, slots=True)
class ResourceGroupRead(Operation):
    """GET of a managed resource group."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class AssignmentList(Operation):
    """GET of the policy assignments at a managed resource group, or of one of them."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class ExemptionList(Operation):
    """GET of the policy exemptions at a managed resource group."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class PermissionList(Operation):
    """GET of the caller's permissions at a managed resource group."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class ResourceList(Operation):
    """GET of the resources in a managed resource group."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class ResourceRead(Operation):
    """GET of one resource in a managed resource group."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class DocumentList(Operation):
    """GET of the resources of one type in a managed resource group."""

    customer: Customer | None = None
    resource_type: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentRead(Operation):
    """GET of one resource of such a type, in whatever group."""

    customer: Customer | None = None
    resource_type: str | None = None


@dataclass(frozen=True, slots=True)
class DefinitionRead(Operation):
    """GET of a policy definition or initiative, by name."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class EvaluationStart(Operation):
    """POST that lets Azure Policy evaluate a managed resource group."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class RemediationRead(Operation):
    """GET of a remediation task."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class RemediationWrite(Operation):
    """PUT, cancel or DELETE of a remediation task."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class RemediationList(Operation):
    """GET of the remediation tasks at a managed resource group."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class DeploymentList(Operation):
    """A page of the deployments of a remediation task."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class RoleAssignmentList(Operation):
    """GET of the role assignments at a managed resource group."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class RoleDefinitionRead(Operation):
    """GET of a role definition at a managed resource group."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class DenyAssignmentList(Operation):
    """GET of the deny assignments at a managed resource group."""

    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class EvaluationRead(Operation):
    """GET of how far an evaluation on demand is, by subscription."""

    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class Upload(Operation):
    """A Logs Ingestion call, by stream."""

    stream: str | None = None
    codes: ClassVar[dict[int, str]] = {403: "OperationFailed", 413: "ContentLengthLimitExceeded"}


@dataclass(frozen=True, slots=True)
class LogQuery(Operation):
    """A query of the Log Analytics API."""


@dataclass(frozen=True, slots=True)
class TokenRequest(Operation):
    """A service principal's token request at Entra ID, by audience."""

    audience: str | None = None
    codes: ClassVar[dict[int, str]] = {400: "invalid_request", 401: "invalid_client", 503: "temporarily_unavailable"}

    def _error_json(self, code: str, message: str) -> dict[str, Any]:
        # Source: RFC 6749 section 5.2; the numbers are those of Entra ID's reference of AADSTS codes.
        numbers = {"invalid_request": 900144, "invalid_client": 7000215}
        return {"error": code, "error_description": message, "error_codes": [numbers.get(code, 90033)]}


@dataclass(frozen=True, slots=True)
class IdentityTokenRequest(Operation):
    """A managed identity's token request at the App Service endpoint, by audience."""

    audience: str | None = None

    def _error_json(self, code: str, message: str) -> dict[str, Any]:
        return {"message": f"{code}: {message}"}


@dataclass(frozen=True, slots=True)
class TableRequest(Operation):
    """A Table storage call, by HTTP method and table name."""

    method: str | None = None
    table: str | None = None
    codes: ClassVar[dict[int, str]] = {403: "AuthorizationFailure", 404: "TableNotFound", 503: "ServerBusy"}

    @classmethod
    def from_path(cls, method: str, path: str) -> Self:
        """The call that a storage path (`/account/table(...)`) stands for."""
        return cls(method, path.split("/", 2)[-1].partition("(")[0])

    def _error_json(self, code: str, message: str) -> dict[str, Any]:
        return {"odata.error": {"code": code, "message": {"lang": "en-US", "value": message}}}


def _storage_xml(code: str, message: str) -> tuple[str, bytes]:
    """Queue and Blob storage speak XML."""
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return "application/xml", text.encode()


@dataclass(frozen=True, slots=True)
class QueueRequest(Operation):
    """A Queue storage call, by HTTP method and queue name."""

    method: str | None = None
    queue: str | None = None
    codes: ClassVar[dict[int, str]] = {403: "AuthorizationFailure", 404: "QueueNotFound", 503: "ServerBusy"}

    @classmethod
    def from_path(cls, method: str, path: str) -> Self:
        """The call that a storage path (`/account/queue/messages`) stands for."""
        return cls(method, [*path.split("/"), "", ""][2])

    def error(self, code: str, message: str) -> tuple[str, bytes]:
        """Return the error in storage's own shape."""
        return _storage_xml(code, message)


@dataclass(frozen=True, slots=True)
class BlobRequest(Operation):
    """A Blob storage call, by HTTP method and container name."""

    method: str | None = None
    container: str | None = None
    codes: ClassVar[dict[int, str]] = {403: "AuthorizationFailure", 404: "ContainerNotFound", 503: "ServerBusy"}

    @classmethod
    def from_path(cls, method: str, path: str) -> Self:
        """The call that a storage path (`/account/container/blob`) stands for."""
        return cls(method, [*path.split("/"), "", ""][2])

    def error(self, code: str, message: str) -> tuple[str, bytes]:
        """Return the error in storage's own shape."""
        return _storage_xml(code, message)
