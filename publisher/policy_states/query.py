"""The Policy Insights query for the policy states of a resource group: its URL, and how its pages are followed.

Source: Policy States - List Query Results For Resource Group, api-version 2019-10-01 (FACTS 2.1-2.6). Calls go through
the SDK's pipeline, but without its models, which take some eighty milliseconds a page.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from azure.core.rest import HttpRequest

from publisher.errors.kinds import AzureFailure
from publisher.policy_states.state import SELECTED_FIELDS
from publisher.transport import astray

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from publisher.policy_states.page import Page
    from publisher.resource_ids import ResourceGroupId

API_VERSION: Final = "2019-10-01"
LONGEST_ADDRESS: Final = 4000
"""Characters of a URL with a filter at most: gateways refuse addresses from about 8 KB on (FACTS 11.5)."""


class PagingFailed(AzureFailure):
    """The link to the next page cannot be followed, or rows are missing, so not every state can be read."""


def query_url(endpoint: str, resource_group: ResourceGroupId, since: datetime, *, scopes: Sequence[str] = ()) -> str:
    """Return the URL of the first page of a resource group's latest states.

    Args:
        endpoint: of Azure Resource Manager, without trailing slash.
        resource_group: whose states; those of assignments above it come too.
        since: states evaluated before are left out.
        scopes: only states of assignments at these scopes, or of all when empty.
    """
    query = _usual_parameters(since)
    if scopes:
        filters = " or ".join("PolicyAssignmentScope eq '{}'".format(scope.replace("'", "''")) for scope in scopes)
        query += f"&$filter={quote(filters, safe='')}"
    path = quote(str(resource_group), safe="/()")
    return f"{endpoint}{path}/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults?{query}"


@lru_cache(maxsize=8)
def _usual_parameters(since: datetime) -> str:
    parameters = {
        "api-version": API_VERSION,
        "$from": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "$select": ",".join(SELECTED_FIELDS),
    }
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())


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
    seen = {first_url}
    page = await fetch(first_url)
    sizes = [(page.rows, page.count)]
    while page.next_link is not None:
        if problem := astray(page.next_link, first_url):
            raise PagingFailed(f"the link to the next page {problem}", code="ForeignNextLink")
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
        sizes.append((page.rows, page.count))
    yield page
    _check_counts(sizes)


def _check_counts(sizes: list[tuple[int, int | None]]) -> None:
    """Raise PagingFailed when pages, given by their rows and what they count, have other rows than they count.

    Either every page counts its own rows, or every one those of all pages, the first one among them. An empty page
    counts none.
    """
    counted = [(rows, count) for rows, count in sizes if count is not None]
    whole = sum(rows for rows, _ in sizes)
    of_all = whole if sizes[0][1] == whole else None
    wrong = [(rows, count) for rows, count in counted if count != rows and (count != of_all or not rows)]
    if not wrong and any(count != rows for rows, count in counted):
        wrong = [(whole, count) for _, count in counted if count != whole]
    if wrong:
        came, count = wrong[0]
        raise PagingFailed(f"Azure counts {count} states, and {came} came", code="StatesMissing")


def page_request(url: str) -> HttpRequest:
    """Return the request of one page: POST without a body, for the first page and for every nextLink (FACTS 2.6)."""
    return HttpRequest("POST", url, headers={"Accept": "application/json"})
