"""The checks of the registry, the data collection rule and the customers' policy states."""

from __future__ import annotations

import gzip
import time
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from operations.doctor_checks import ATTEMPTS, SECONDS_PER_CHECK, Check, Verdict
from publisher.errors import AccessDenied, AuthenticationFailed, AzureFailure, NotFound
from publisher.logs_endpoint import LogsEndpoint

# The collector's own request, so that the check reads what the collector reads.
from publisher.policy_states import page_request, parse_page, query_url
from publisher.retry import Patience, with_retries
from registry.inventory import each
from registry.managed_application import MalformedRow, ManagedApplication

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from azure.core.credentials_async import AsyncTokenCredential

    from publisher.resource_ids import ApplicationId
    from publisher.resource_manager import ResourceManager
    from publisher.settings import IngestionSettings
    from registry.registry import Registry

_NO_ROWS: Final = gzip.compress(b"[]", mtime=0)
_NO_SUCH_STREAM: Final = "Custom-NoSuchStreamAsThis_CL"
_ONLY_ROWS_TELL: Final = (
    "endpoint, rule and role are right; whether the rule has this stream, Azure tells only when rows arrive"
)
_AUTHORIZE: Final = (
    "the plan's authorizations must name the service principal's object id with a role that reads policy states; "
    "for deployments older than the authorization, let the customer refresh the application's permissions"
)


async def examine_registry(
    registry: Registry, *, only: ApplicationId | None, everything: bool
) -> tuple[list[Check], list[ManagedApplication]]:
    """Return what was found about the registry, and the applications whose policy states to read."""
    count, malformed, chosen = 0, list[MalformedRow](), list[ManagedApplication]()
    try:
        async for item in registry.applications():
            count += 1
            if isinstance(item, MalformedRow):
                malformed.append(item)
            elif item.application_id == only or (only is None and (everything or not chosen)):
                chosen.append(item)
    except AzureFailure as failure:
        next_step = (
            "check TABLE_NAME and AzureWebJobsStorage…, and give the app's identity Storage Table Data Contributor"
        )
        return [Check.of_failure("registry: read", failure, next_step)], []
    checks = [Check("registry: read", Verdict.OK, f"{count} applications")]
    if not count:
        next_step = "register the webhook with the plan, and `add` what was deployed before"
        checks = [Check("registry: read", Verdict.WARNING, "no application is registered", next_step)]
    checks += [
        Check(
            f"registry row {row.name}",
            Verdict.FAILED,
            row.reason,
            "`reconcile` heals it once Azure tells, or `remove` it",
        )
        for row in malformed
    ]
    if only and not chosen:
        checks.append(Check(f"application {only}", Verdict.FAILED, "is not in the registry", "`add` it"))
    return [*checks, await _writable(registry)], chosen


async def _writable(registry: Registry) -> Check:
    try:
        await registry.check_writable()
    except AzureFailure as failure:
        next_step = "give the app's identity Storage Table Data Contributor on the storage account"
        return Check.of_failure("registry: write", failure, next_step)
    return Check("registry: write", Verdict.OK, "allowed")


async def examine_streams(
    settings: IngestionSettings, streams: Sequence[str], credential: AsyncTokenCredential
) -> list[Check]:
    """Return, for each stream, what the data collection rule answers to an upload without rows.

    The answer is not documented. So an upload to a stream that does not exist is tried too: when the rule refuses only
    that one, it has the others. Columns that a stream lacks are dropped without an error (FACTS 3.5); they show in
    DCRLogErrors only.
    """
    async with LogsEndpoint(settings, credential, patience=Patience(attempts=1)) as endpoint:
        no_such_stream = await _refusal(endpoint, _NO_SUCH_STREAM)
        return [_stream_check(stream, await _refusal(endpoint, stream), no_such_stream) for stream in streams]


async def _refusal(endpoint: LogsEndpoint, stream: str) -> AzureFailure | None:
    """Return the failure of an upload without rows, None when it succeeded."""
    try:
        await endpoint.upload(stream, _NO_ROWS, deadline=time.monotonic() + SECONDS_PER_CHECK)
    except AzureFailure as failure:
        return failure
    return None


def _stream_check(stream: str, answer: AzureFailure | None, no_such_stream: AzureFailure | None) -> Check:
    """Return the check of a stream from its answer, and the answer for a stream that does not exist."""
    name = f"stream {stream}"
    if isinstance(answer, AuthenticationFailed):
        return Check.of_failure(name, answer, "let the app's own identity get tokens for Azure Monitor first")
    if answer is None or answer.status == HTTPStatus.BAD_REQUEST:
        if answer is not None and _is_about_streams(answer):
            next_step = "deploy the data collection rule with this stream, or correct the setting that names it"
            return Check.of_failure(name, answer, next_step)
        is_told = no_such_stream is not None and _is_about_streams(no_such_stream)
        return Check(name, Verdict.OK, "the rule takes it" if is_told else _ONLY_ROWS_TELL)
    if answer.status == HTTPStatus.FORBIDDEN:
        next_step = (
            "give the app's identity Monitoring Metrics Publisher on the rule; it takes up to 30 minutes to spread"
        )
        return Check(name, Verdict.FAILED, f"{answer.code}: {answer}", next_step)
    if isinstance(answer, NotFound):
        return Check.of_failure(name, answer, "check DATA_COLLECTION_IMMUTABLE_ID: the rule's immutable id, dcr-…")
    return Check.of_failure(name, answer, "check DATA_COLLECTION_ENDPOINT, and the way to it (DNS, private endpoint)")


def _is_about_streams(failure: AzureFailure) -> bool:
    return failure.status == HTTPStatus.BAD_REQUEST and "stream" in f"{failure.code} {failure}".lower()


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
