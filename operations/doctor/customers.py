"""The check of customers' policy states: whether they can be read as the collector reads them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from operations.doctor.checks import ATTEMPTS, SECONDS_PER_CHECK, Check, Verdict
from publisher.errors.kinds import AccessDenied, AuthenticationFailed, AzureFailure, NotFound

# The collector's own request, so that the check reads what the collector reads.
from publisher.policy_states import page_request, parse_page, query_url
from publisher.retry import with_retries
from registry.inventory import each

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from publisher.resource_manager import ResourceManager
    from registry.managed_application import ManagedApplication

_AUTHORIZE: Final = (
    "the plan's authorizations must name the service principal's object id with a role that reads policy states; "
    "for deployments older than the authorization, let the customer refresh the application's permissions"
)


async def examine_customers(
    arm: ResourceManager, applications: Sequence[ManagedApplication], *, since: datetime
) -> list[Check]:
    """Return, for each application, whether it and its policy states since then can be read."""
    if not applications:
        return [Check("policy states", Verdict.SKIPPED, "there is no application to read", "")]

    async def examine(application: ManagedApplication) -> Check:
        return await _examine_customer(arm, application, since)

    return await each(applications, examine)


async def _examine_customer(arm: ResourceManager, application: ManagedApplication, since: datetime) -> Check:
    identity = application.application_id
    name = f"application {identity.name} in {identity.subscription_id}"
    check = await _read_customer(arm, application, since, name)
    return replace(check, application_id=str(identity))


async def _read_customer(arm: ResourceManager, application: ManagedApplication, since: datetime, name: str) -> Check:
    deadline = time.monotonic() + SECONDS_PER_CHECK
    try:
        await arm.application(application.application_id, deadline=deadline)
        url = query_url(arm.endpoint, application.managed_resource_group_id, since)
        response = await with_retries(lambda: arm.send(page_request(url)), deadline=deadline, attempts=ATTEMPTS)
        states = len(parse_page(response.content).states)
    except (AccessDenied, AuthenticationFailed) as failure:
        return Check.of_failure(name, failure, _AUTHORIZE)
    except NotFound as failure:
        return Check.of_failure(name, failure, "ask the customer; `reconcile` removes what Azure says is gone")
    except AzureFailure as failure:
        return Check.of_failure(name, failure, "look at the message, and at Azure's status page")
    if not states:
        finding = "readable, but Azure Policy has no state of it since the collector looks back"
        next_step = "wait a day after the deployment; is Microsoft.PolicyInsights registered in the subscription"
        return Check(name, Verdict.WARNING, finding, next_step)
    return Check(name, Verdict.OK, f"readable, {states} policy states on the first page")
