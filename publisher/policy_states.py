"""The Policy Insights query for the policy states of a resource group: its URL, its pages, and how to follow them.

Source: Policy States - List Query Results For Resource Group, api-version 2019-10-01 (FACTS 2.1-2.6). Calls go through
the SDK's pipeline, but without its models, which take some eighty milliseconds a page.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from azure.core.rest import HttpRequest

from publisher.errors.documents import next_link_in
from publisher.errors.kinds import AzureFailure, MalformedAnswer
from publisher.lenient_json import NotJson, json_of, member
from publisher.transport import origin_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from publisher.resource_ids import ResourceGroupId

API_VERSION: Final = "2019-10-01"
POLICY_FIELDS: Final = (
    "policyAssignmentId",
    "policyAssignmentName",
    "policyAssignmentScope",
    "policyDefinitionId",
    "policyDefinitionName",
    "policyDefinitionAction",
    "policyDefinitionReferenceId",
    "policySetDefinitionId",
)
"""The fields that say which policy was evaluated."""

RESOURCE_FIELDS: Final = ("timestamp", "resourceId", "resourceType", "resourceLocation", "complianceState")
"""The fields that say which resource was evaluated, when, and with which result."""

SELECTED_FIELDS: Final = RESOURCE_FIELDS + POLICY_FIELDS
"""The fields of a state that are asked for ($select). ``isCompliant`` is deprecated and never asked for."""


LONGEST_ADDRESS: Final = 4000
"""Characters of a URL with a filter at most: gateways refuse addresses from about 8 KB on (FACTS 11.5)."""

_COUNTS: Final = ("@odata.count", "count", "odata.count")


class PagingFailed(AzureFailure):
    """The link to the next page cannot be followed, or rows are missing, so not every state can be read."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of policy states as Azure sent it.

    ``next_link`` is None on the last page, ``count`` how many rows Azure says there are, None where it does not say.
    """

    states: list[Any]
    next_link: str | None
    count: int | None = None


def parse_page(body: bytes) -> Page:
    """Return the page in an answer's body.

    Raises:
        MalformedAnswer: the body is no JSON object with a list ``value``, or its nextLink is no text.
    """
    try:
        document = json_of(body, may_be_deep=True)
    except NotJson as error:
        raise MalformedAnswer(f"the answer is not JSON ({len(body)} bytes)", code="MalformedAnswer") from error
    states = member(document, "value")
    if not isinstance(states, list):
        raise MalformedAnswer("the answer has no list 'value'", code="MalformedAnswer")
    counts = (member(document, name) for name in _COUNTS)
    count = next((count for count in counts if isinstance(count, int) and not isinstance(count, bool)), None)
    return Page(states, next_link_in(document), count)


def query_url(endpoint: str, resource_group: ResourceGroupId, since: datetime, *, scopes: Sequence[str] = ()) -> str:
    """Return the URL of the first page of a resource group's latest states.

    Args:
        endpoint: of Azure Resource Manager, without trailing slash.
        resource_group: whose states; those of assignments above it come too.
        since: states evaluated before are left out.
        scopes: only states of assignments at these scopes, or of all when empty.
    """
    parameters = {
        "api-version": API_VERSION,
        "$from": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "$select": ",".join(SELECTED_FIELDS),
    }
    if scopes:
        parameters["$filter"] = " or ".join(
            "PolicyAssignmentScope eq '{}'".format(scope.replace("'", "''")) for scope in scopes
        )
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    path = quote(str(resource_group), safe="/()")
    return f"{endpoint}{path}/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults?{query}"


def other_spellings(scopes: Sequence[str]) -> list[str]:
    """Return the scopes as Azure spells them too (FACTS 2.5): it is not documented whether the filter compares case."""
    spelled = (
        spelling
        for scope in scopes
        for spelling in (scope.replace("/resourceGroups/", "/resourcegroups/"), scope.lower())
    )
    return [spelling for spelling in dict.fromkeys(spelled) if spelling not in scopes]


async def follow_pages(first_url: str, fetch: Callable[[str], Awaitable[Page]]) -> AsyncIterator[Page]:
    """Yield every page; the next one is requested before the caller works on the last one.

    Args:
        first_url: the first page; every further link must lead to the same host.
        fetch: reads one page; its errors end the iteration.

    Raises:
        PagingFailed: a nextLink leads to another host or to a page that was already read; or after the last page, when
            Azure counts other rows than came.
    """
    origin = origin_of(first_url)
    seen = {first_url}
    page = await fetch(first_url)
    rows = len(page.states)
    while page.next_link is not None:
        if origin_of(page.next_link) != origin:
            raise PagingFailed("the link to the next page leads to another host", code="ForeignNextLink")
        if page.next_link in seen:
            raise PagingFailed("the link to the next page leads back to a page already read", code="RepeatedNextLink")
        seen.add(page.next_link)
        following = asyncio.ensure_future(fetch(page.next_link))
        try:
            await asyncio.sleep(0)  # lets the request leave before the page is worked on
            yield page
        except BaseException:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            raise
        page = await following
        rows += len(page.states)
    on_last_page, counted = len(page.states), page.count
    yield page
    if counted not in (None, on_last_page, rows):  # whether Azure counts the page or the whole is not documented
        raise PagingFailed(f"Azure counts {counted} states, and {rows} came", code="StatesMissing")


def page_request(url: str) -> HttpRequest:
    """Return the request of one page: POST without a body, for the first page and for every nextLink (FACTS 2.6)."""
    return HttpRequest("POST", url, headers={"Accept": "application/json"})
