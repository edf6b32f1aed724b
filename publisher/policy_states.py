"""The Policy Insights query for the policy states of a resource group: its URL, its pages, and how to follow them.

Source: Policy States - List Query Results For Resource Group, api-version 2019-10-01 (FACTS 2.1-2.6). Calls go through
the SDK's pipeline, but without its models, which take some eighty milliseconds a page.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from azure.core.rest import HttpRequest

from publisher.errors.documents import document_of, next_link_in
from publisher.errors.kinds import AzureFailure, MalformedAnswer
from publisher.lenient_json import Members, NotJson, member, members_of, text_of
from publisher.resource_ids import fold
from publisher.resource_manager import document_in
from publisher.transport import astray

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from azure.core.rest import AsyncHttpResponse

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

_COUNTS: Final = ("@odata.count", "@count", "odata.count", "count")
_NUMBER_OF_ROWS: Final = re.compile(r"\d{1,15}(?:\.0+)?", re.ASCII)
_DECIDES: Final = "complianceState"
_DECIDES_AS_SENT: Final = b'"complianceState"'
_LIST_AS_SENT: Final = b'"value"'
_EDGE: Final = 2048
"""Bytes at the beginning and at the end of a page, which have the page's own members."""


class PagingFailed(AzureFailure):
    """The link to the next page cannot be followed, or rows are missing, so not every state can be read."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of policy states as Azure sent it.

    ``next_link`` is None on the last page, ``count`` how many rows Azure says there are, None where it does not say.
    FACTS 11.5 has it as the number of the page's rows; that of all pages' rows is taken too.
    """

    states: list[Any]
    next_link: str | None
    count: int | None = None


def page_in(response: AsyncHttpResponse) -> Page:
    """Return the page in the answer to a query.

    Raises:
        MalformedAnswer: it is no whole answer (200) with a JSON object, or not as `parse_page` wants it.
    """
    return _page(document_in(response, may_be_deep=True), response.content)


def parse_page(body: bytes) -> Page:
    """Return the page in an answer's body.

    Raises:
        MalformedAnswer: the body is no JSON object with a list ``value``, it states an error, its nextLink is no text
            or its count no number of rows, or it says something twice.
    """
    return _page(document_of(body, may_be_deep=True), body)


def _page(document: dict[str, Any], body: bytes) -> Page:
    states = member(document, "value")
    if not isinstance(states, list):
        raise MalformedAnswer("the answer has no list 'value'", code="MalformedAnswer")
    if any("\ufffd" in name for name in document):  # it may be the link to the next page
        raise MalformedAnswer("the answer has a member whose name is no text", code="MalformedAnswer")
    # The parser keeps the last of two members with one name. The reader that tells of them takes many times as long, so
    # it has a look only when the body has these names another number of times than what was parsed.
    decided = sum([_DECIDES in state for state in states if type(state) is dict])
    lists = body.count(_LIST_AS_SENT, 0, _EDGE) + body.count(_LIST_AS_SENT, max(_EDGE, len(body) - _EDGE))
    if body.count(_DECIDES_AS_SENT) != decided or lists != 1:
        _refuse_repeated(body)
    return Page(states, next_link_in(document), _count_in(document))


def _refuse_repeated(body: bytes) -> None:
    """Raise MalformedAnswer when the page, or a state in it, has two members with one name."""
    try:
        page = members_of(body)
    except NotJson as error:
        raise MalformedAnswer("the answer is JSON that cannot be looked at closely", code="MalformedAnswer") from error
    states = [state for name in page if fold(name) == "value" and isinstance(page[name], list) for state in page[name]]
    repeated = set(page.repeated).union(*(state.repeated for state in states if isinstance(state, Members)))
    if repeated:
        message = f"the answer has a member twice: {', '.join(sorted(repeated))}"
        raise MalformedAnswer(message, code="MalformedAnswer")


def _count_in(document: dict[str, Any]) -> int | None:
    """Return how many rows an answer says there are; None where it does not say."""
    value = next((count for name in _COUNTS if (count := member(document, name)) is not None), None)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    text = value.strip() if isinstance(value, str) else text_of(value)
    if not _NUMBER_OF_ROWS.fullmatch(text):
        raise MalformedAnswer("the answer's count is no number of rows", code="MalformedAnswer")
    return int(text.partition(".")[0])


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
    seen = {first_url}
    page = await fetch(first_url)
    sizes = [(len(page.states), page.count)]
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
        sizes.append((len(page.states), page.count))
    yield page
    _check_counts(sizes)


def _check_counts(sizes: list[tuple[int, int | None]]) -> None:
    """Raise PagingFailed when pages, given by their rows and what they count, have other rows than they count.

    Either every page counts its own rows, or every one those of all pages. An empty page counts none.
    """
    counted = [(rows, count) for rows, count in sizes if count is not None]
    whole = sum(rows for rows, _ in sizes)
    wrong = [(rows, count) for rows, count in counted if count != rows and (count != whole or not rows)]
    if not wrong and any(count != rows for rows, count in counted):
        wrong = [(whole, count) for _, count in counted if count != whole]
    if wrong:
        came, count = wrong[0]
        raise PagingFailed(f"Azure counts {count} states, and {came} came", code="StatesMissing")


def page_request(url: str) -> HttpRequest:
    """Return the request of one page: POST without a body, for the first page and for every nextLink (FACTS 2.6)."""
    return HttpRequest("POST", url, headers={"Accept": "application/json"})
