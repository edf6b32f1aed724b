"""What Azure's error codes mean: whether something does not exist, and whose fault a refusal is.

Codes are compared without regard to letter case. Of a code that is not here, the HTTP status decides.

Sources: "Troubleshoot common Azure deployment errors" (learn.microsoft.com/azure/azure-resource-manager/
troubleshooting/common-deployment-errors) for ARM's codes of subscriptions, groups and registrations; "Status and error
codes" of the Table, Queue and Blob service's REST references for storage; "Microsoft Entra authentication and
authorization error codes" (learn.microsoft.com/entra/identity-platform/reference-error-codes) for AADSTS; the public
reports gathered in FACTS 11.5.
"""

from http import HTTPStatus
from typing import Final

from publisher.errors.kinds import (
    AuthenticationFailed,
    AzureFailure,
    Blocked,
    NotFound,
    NotProjected,
    Throttled,
    TransientFailure,
)
from publisher.resource_ids import fold

_NOT_EXISTING: Final = (
    "ResourceNotFound",  # ARM; Table storage for an entity
    "ResourceGroupNotFound",
    "PolicyAssignmentNotFound",
    "PolicyDefinitionNotFound",
    "PolicySetDefinitionNotFound",
    "TableNotFound",
    "EntityNotFound",
    "QueueNotFound",
    "ContainerNotFound",
    "BlobNotFound",
    "WorkspaceNotFoundError",
)
"""Say with a 404 that what was asked for does not exist. No other 404 does: a gateway answers it too, and ARM answers
NoRegisteredProviderFound, InvalidResourceNamespace or ParentResourceNotFound about what the request is made of."""

_NOT_PROJECTED: Final = (
    "InvalidAuthenticationTokenTenant",  # the token is good, and its tenant is not the subscription's
    "SubscriptionNotFound",  # also of a subscription that exists
)

_OUR_TOKEN: Final = (
    "AuthenticationFailed",
    "AuthenticationFailedMissingToken",
    "ExpiredAuthenticationToken",
    "InvalidAuthenticationToken",
    "InvalidAuthenticationTokenAudience",
    "InvalidAuthenticationTokenSignature",
    "InvalidAuthenticationInfo",
    "RevokedAuthenticationToken",
    "TokenExpired",
)

_PASSING: Final = (
    "AADSTS50033",  # RetryableError
    "AADSTS90006",  # ExternalServerRetryableError
    "AADSTS90024",  # RequestBudgetExceededError: a transient error
    "AADSTS90033",  # MsodsServiceUnavailable
    "AADSTS90090",  # GraphRetryableError
    "temporarily_unavailable",  # OAuth's own word, whatever the status
)

_TOO_MANY: Final = (
    "AADSTS50196",  # LoopDetected: the same request too often
    "AADSTS90055",  # TenantThrottlingError
)

_CUSTOMERS_STATE: Final = (
    "ReadOnlyDisabledSubscription",
    "DisabledSubscription",
    "SubscriptionDisabled",
    "SubscriptionNotRegistered",
    "MissingSubscriptionRegistration",
    "ScopeLocked",
    "ResourceGroupBeingDeleted",
)

_KINDS: Final[dict[str, type[AzureFailure]]] = {
    fold(code): kind
    for kind, codes in (
        (NotProjected, _NOT_PROJECTED),
        (AuthenticationFailed, _OUR_TOKEN),
        (TransientFailure, _PASSING),
        (Throttled, _TOO_MANY),
        (Blocked, _CUSTOMERS_STATE),
    )
    for code in codes
}
_ABSENCES: Final = frozenset(map(fold, _NOT_EXISTING))


def kind_of(code: str, status: int) -> type[AzureFailure] | None:
    """Return the failure that an error code of a 4xx answer stands for; None when the code does not say.

    A 401 refuses our token, whatever is wrong with the customer's subscription besides.
    """
    if status == HTTPStatus.NOT_FOUND and fold(code) in _ABSENCES:
        return NotFound
    kind = _KINDS.get(fold(code))
    return None if kind is Blocked and status == HTTPStatus.UNAUTHORIZED else kind
