"""Why Azure Resource Manager refuses a call: our own fault, the plan's, or a state of the customer.

Sources: those of publisher/errors/codes.py; FACTS 5.2, 5.3 and 11.5.
"""

from __future__ import annotations

from typing import Final

from operations.doctor.causes.cause import ONE_CLOUD, SET_THE_CLOCK, Cause, Service, cause_of

RESOURCE_MANAGER: Final[tuple[Cause, ...]] = (
    cause_of(
        Service.RESOURCE_MANAGER,
        "AuthorizationFailed",
        "the service principal may not read it",
        "the plan's authorizations must name the service principal's object id with a role that reads policy states; "
        "for deployments older than the authorization, let the customer refresh the application's permissions",
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "InvalidAuthenticationTokenTenant, SubscriptionNotFound",
        "the customer's subscription is not to be seen from the publisher's tenant",
        "AZURE_TENANT_ID has to be the tenant that the plan's authorizations name; if others can be read, ask the "
        "customer whether the subscription still exists and is in the same tenant",
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "ExpiredAuthenticationToken, TokenExpired",
        "our own token is too old: no customer is at fault",
        f"try again; if it stays like this: {SET_THE_CLOCK}",
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "InvalidAuthenticationTokenAudience",
        "our own token is for another service: no customer is at fault",
        ONE_CLOUD,
    ),
    cause_of(
        Service.RESOURCE_MANAGER, "RevokedAuthenticationToken", "our own token was revoked", "try again in some minutes"
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "AuthenticationFailed, AuthenticationFailedMissingToken, InvalidAuthenticationToken, "
        "InvalidAuthenticationTokenSignature, InvalidAuthenticationInfo, 401",
        "Azure Resource Manager does not accept our own token: no customer is at fault",
        f"try again; if it stays like this: {ONE_CLOUD}",
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "ReadOnlyDisabledSubscription, DisabledSubscription, SubscriptionDisabled",
        "the customer's subscription is disabled",
        "only the customer can have it enabled again; nothing is wrong with us",
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "SubscriptionNotRegistered, MissingSubscriptionRegistration",
        "the customer's subscription is not registered for the service",
        "let the customer run `az provider register --namespace Microsoft.PolicyInsights`, or what the message names",
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "ScopeLocked",
        "a lock of the customer forbids it",
        "only the customer can take the lock away, or make it one that does not cover this",
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "ResourceGroupBeingDeleted",
        "the managed resource group is being deleted",
        "wait; `reconcile` removes what Azure then says is gone",
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "ResourceNotFound, ResourceGroupNotFound",
        "Azure says that it does not exist",
        "ask the customer; `reconcile` removes what Azure says is gone",
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "NoRegisteredProviderFound, InvalidResourceNamespace, InvalidResourceType",
        "the endpoint does not have this service",
        ONE_CLOUD,
    ),
    cause_of(
        Service.RESOURCE_MANAGER,
        "NoValidSubscriptionsInQueryRequest",
        "Azure Resource Graph shows the service principal none of these subscriptions",
        "leave PROBE_SCHEDULE empty: the collection does without the probe",
    ),
)
