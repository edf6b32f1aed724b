"""The check of customers' policy states: whether they can be read as the collector reads them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from operations.doctor.causes.cause import Service
from operations.doctor.causes.table import Where
from operations.doctor.checks import ATTEMPTS, SECONDS_PER_CHECK, Check, Verdict
from publisher.errors.kinds import AzureFailure

# The collector's own request, so that the check reads what the collector reads.
from publisher.policy_states.page import page_in
from publisher.policy_states.query import page_request, query_url
from publisher.retry import with_retries
from registry.inventory import each

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from publisher.resource_manager import ResourceManager
    from registry.managed_application import ManagedApplication

RESOURCE_MANAGER_SETTING: Final = "AZURE_RESOURCE_MANAGER_ENDPOINT"


async def examine_customers(
    arm: ResourceManager, applications: Sequence[ManagedApplication], *, since: datetime, identity: str
) -> list[Check]:
    """Return, for each application, whether it and its policy states since then can be read.

    `identity` is the setting that names the managed identity that signs in for the service principal, "" for none.
    """
    if not applications:
        return [Check("policy states", Verdict.SKIPPED, "there is no application to read", "")]

    async def examine(application: ManagedApplication) -> Check:
        return await _examine_customer(arm, application, since, identity)

    return await each(applications, examine)


async def _examine_customer(
    arm: ResourceManager, application: ManagedApplication, since: datetime, identity: str
) -> Check:
    found = await _read_customer(arm, application, since, identity)
    return replace(found, application_id=str(application.application_id))


async def _read_customer(
    arm: ResourceManager, application: ManagedApplication, since: datetime, identity: str
) -> Check:
    name = f"application {application.application_id.name} in {application.application_id.subscription_id}"
    deadline = time.monotonic() + SECONDS_PER_CHECK
    try:
        await arm.application(application.application_id, deadline=deadline)
        url = query_url(arm.endpoint, application.managed_resource_group_id, since)
        response = await with_retries(lambda: arm.send(page_request(url)), deadline=deadline, attempts=ATTEMPTS)
        states = page_in(response).rows
    except AzureFailure as failure:
        return Check.of_failure(
            name, failure, Where(Service.RESOURCE_MANAGER, RESOURCE_MANAGER_SETTING, identity=identity)
        )
    if not states:
        finding = "readable, but Azure Policy has no state of it since the collector looks back"
        next_step = "wait a day after the deployment; is Microsoft.PolicyInsights registered in the subscription"
        return Check(name, Verdict.WARNING, finding, next_step)
    return Check(name, Verdict.OK, f"readable, {states} policy states on the first page")
