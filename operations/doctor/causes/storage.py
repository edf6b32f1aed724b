"""Why storage refuses a call.

Sources: "Common REST API error codes" and "Shared access signature error codes" (learn.microsoft.com/rest/api/
storageservices), "Troubleshoot 403 errors" (learn.microsoft.com/troubleshoot/azure/azure-storage/blobs/authentication).
"""

from __future__ import annotations

from typing import Final

from operations.doctor.causes.cause import SET_THE_CLOCK, Cause, Service, cause_of

STORAGE: Final[tuple[Cause, ...]] = (
    cause_of(
        Service.STORAGE_BY_KEY,
        "KeyBasedAuthenticationNotPermitted",
        "the account takes no keys, and the settings have a connection string",
        "name the account instead of a connection string ({settings}), so that it is reached by identity",
    ),
    cause_of(
        Service.STORAGE_BY_KEY,
        "AuthenticationFailed",
        "the key is wrong or was replaced, or the clock is wrong",
        f"correct the connection string ({{settings}}); else {SET_THE_CLOCK}",
    ),
    cause_of(
        Service.STORAGE_BY_IDENTITY,
        "AuthenticationFailed, InvalidAuthenticationInfo, NoAuthenticationInformation, 401",
        "storage does not accept the identity's token",
        f"is the account in the identity's tenant and cloud ({{settings}}); else {SET_THE_CLOCK}",
    ),
    cause_of(
        Service.STORAGE,
        "AuthorizationFailure, IpAuthorizationError, AuthorizationSourceIPMismatch",
        "the account's firewall refuses the network that the call comes from",
        "let this network reach the account: its private endpoint, or its network rules. A role does not help",
    ),
    cause_of(
        Service.STORAGE,
        "AuthorizationPermissionMismatch",
        "the identity lacks the role",
        "give the app's identity {role}; it takes minutes to spread",
    ),
    cause_of(
        Service.STORAGE, "AccountIsDisabled", "the account is disabled", "is its subscription disabled: ask its owner"
    ),
    cause_of(
        Service.STORAGE,
        "QueueNotFound",
        "the queue is not there",
        "the template makes the queue in the worker's storage account: deploy it again, or correct {settings}",
    ),
)
