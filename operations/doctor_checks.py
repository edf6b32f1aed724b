"""The checks of settings and of the tokens of both identities."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson

from publisher.errors import AzureFailure, TransientFailure
from publisher.retry import with_retries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from azure.core.credentials_async import AsyncTokenCredential

    from publisher.settings import NotificationSettings

SECONDS_PER_CHECK: Final = 30.0
ATTEMPTS: Final = 2
"""One repetition, so that a failure that passes is not reported."""

_SCHEDULE: Final = "COLLECTION_SCHEDULE"


class Verdict(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    """It works, or may work, but needs attention."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not examined, because something else has to be corrected first."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was examined, what was found, and what to do next ("" for nothing).

    `application_id` is set when an application was examined.
    """

    name: str
    verdict: Verdict
    finding: str
    next_step: str = ""
    application_id: str = ""

    @classmethod
    def of_problem(cls, problem: str) -> Check:
        """Return the failed check of one bad setting, from its line in a SettingsError."""
        name, _, text = problem.partition(": ")
        finding, _, next_step = text.partition("; ")
        return cls(f"setting {name}", Verdict.FAILED, finding, next_step or "correct it")

    @classmethod
    def of_failure(cls, name: str, failure: AzureFailure, next_step: str) -> Check:
        """Return the failed check of a call; a failure that may pass is to be tried again first."""
        if isinstance(failure, TransientFailure):
            next_step = f"try again; if it stays like this: {next_step}"
        return cls(name, Verdict.FAILED, f"{failure.code}: {failure}", next_step)


def examine_settings(variables: Mapping[str, str], problems: Iterable[str]) -> list[Check]:
    """Return a check for each of the settings' problems, or one that says that there is none, and the schedule's."""
    checks = [Check.of_problem(problem) for problem in sorted(problems)]
    return [*(checks or [Check("settings", Verdict.OK, "every function has what it needs")]), *_schedule(variables)]


def _schedule(variables: Mapping[str, str]) -> list[Check]:
    """Return a check when the schedule is missing; one that is no schedule is among the settings' problems."""
    schedule = variables.get(_SCHEDULE, "").strip()
    if not schedule:
        finding = "is not set: the Functions host cannot load the collector's timer"
        return [Check(f"setting {_SCHEDULE}", Verdict.WARNING, finding, "set it, unless something else collects")]
    return []


def examine_webhook(settings: NotificationSettings) -> Check:
    """Return what the settings say about the webhook; the webhook itself is not called."""
    if len(settings.signatures) > 1:
        finding = "two signatures are valid: one is being replaced"
        next_step = "once every plan has the new address and ten hours are over, remove the old signature"
        return Check("webhook", Verdict.WARNING, finding, next_step)
    finding = "the plan's notification endpoint is https://<app>/api?code=<function key>&sig=<NOTIFICATION_SIGNATURE>"
    return Check("webhook", Verdict.OK, finding)


async def examine_token(name: str, credential: AsyncTokenCredential, audience: str, tenant_id: str = "") -> Check:
    """Return whether an identity gets a token for an audience, and the object id in it.

    `tenant_id` is the expected tenant of the service principal, "" for the own identity.
    """
    try:
        token = await with_retries(
            lambda: credential.get_token(f"{audience}/.default"),
            deadline=time.monotonic() + SECONDS_PER_CHECK,
            attempts=ATTEMPTS,
        )
    except AzureFailure as failure:
        return Check.of_failure(f"token: {name}", failure, _NEXT_STEPS["service" if tenant_id else "own"])
    claims = _claims(token.token)
    principal = claims.get("oid")
    finding = f"for {audience}" + (f", object id {principal}" if isinstance(principal, str) else "")
    if tenant_id and claims.get("tid", tenant_id).lower() != tenant_id.lower():
        finding = f"the token is of another tenant than {tenant_id}"
        return Check(f"token: {name}", Verdict.FAILED, finding, "set AZURE_TENANT_ID to the publisher's tenant")
    if tenant_id:
        finding += ": this is what the plan's authorizations have to name"
    return Check(f"token: {name}", Verdict.OK, finding)


_NEXT_STEPS: Final = {
    "service": "check AZURE_TENANT_ID and AZURE_CLIENT_ID, and the credential: has the secret or certificate expired, "
    "does the registration trust the federated identity, may this host use it",
    "own": "run where the app runs: only there is its managed identity. Is it assigned to the host, and is "
    "MANAGED_IDENTITY_CLIENT_ID its client id",
}


def _claims(token: str) -> dict[str, Any]:
    """Return the claims of a token, {} when it is no JWT, which Azure does not promise."""
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
