"""Evaluations on demand: Azure Policy is asked to evaluate a resource group now.

Source: Policy States - Trigger Resource Group Evaluation, api-version 2019-10-01 (FACTS 2.10). The answer leads to an
operation at the subscription, which whoever has rights on the group alone may not be allowed to read; and it was seen
to report success before anything was evaluated. What was evaluated, the times of the policy states say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from azure.core.rest import HttpRequest

from publisher.errors.kinds import MalformedAnswer
from publisher.errors.reasons import reasons_of
from publisher.errors.waits import retry_after_seconds
from publisher.lenient_json import NotJson, json_of
from publisher.policy_insights.client import PolicyInsights
from publisher.resource_manager import text_at
from publisher.texts import printable, word

if TYPE_CHECKING:
    from azure.core.rest import AsyncHttpResponse

    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager

_FAILED: Final = frozenset({"failed", "canceled", "cancelled"})
_SUCCEEDED: Final = frozenset({"succeeded", "complete", "completed"})


class Scan(StrEnum):
    """How far Azure says that an evaluation on demand is."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class ScanAnswer:
    """What Azure says of an evaluation; `says` is why it failed, `retry_after` when to ask again, in seconds."""

    scan: Scan
    says: str = ""
    retry_after: float | None = None


async def start_evaluation(arm: ResourceManager, group: ResourceGroupId, *, deadline: float) -> str:
    """Let Azure evaluate a group, and return the link to the operation, "" without one.

    Asked while an evaluation runs, Azure answers with that one. Raises AzureFailures; `deadline` is in seconds of
    `time.monotonic`.
    """
    insights = PolicyInsights(arm, group.subscription_id)
    begin = partial(
        insights.sdk.policy_states.begin_trigger_resource_group_evaluation,
        group.subscription_id,
        group.resource_group,
        polling=False,
    )
    answer = await insights.answer(begin, deadline=deadline)
    return answer.headers.get("Location") or answer.headers.get("Azure-AsyncOperation") or ""


async def scan_answer(arm: ResourceManager, link: str, *, deadline: float) -> ScanAnswer:
    """Return what Azure says of the operation at a link; raise AzureFailures."""

    async def attempt() -> ScanAnswer:
        return _answer(await arm.send(HttpRequest("GET", link)))

    return await arm.repeated(attempt, deadline=deadline)


def _answer(response: AsyncHttpResponse) -> ScanAnswer:
    try:
        document = json_of(response.content) if response.content.strip() else None
    except NotJson as error:
        raise MalformedAnswer("what Azure says of the evaluation is not JSON", code="MalformedAnswer") from error
    told = word(text_at(document, "status") or text_at(document, "properties", "provisioningState"))
    wait = retry_after_seconds(response.headers)
    if told in _FAILED:
        reasons = reasons_of(document)
        says = ": ".join(filter(None, (reasons.code, reasons.message)))
        return ScanAnswer(Scan.FAILED, printable(says or "Azure gives no reason"))
    if told in _SUCCEEDED or (not told and response.status_code != HTTPStatus.ACCEPTED):
        return ScanAnswer(Scan.SUCCEEDED)
    return ScanAnswer(Scan.RUNNING, retry_after=wait)
