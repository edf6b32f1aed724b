"""The Policy Insights query for one managed resource group: pages by POST, and which states the application owns.

Source: Policy States - List Query Results For Resource Group, api-version 2019-10-01 (FACTS 2.1-2.6). The SDK's client,
authentication and pipeline carry the calls; its models, some eighty milliseconds a page, do not.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import orjson
from azure.core.rest import HttpRequest

from collector.reporting.states import SELECTED_FIELDS
from publisher.errors import AzureFailure, MalformedAnswer
from publisher.resource_ids import fold, is_at_or_inside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from registry.registry import ManagedApplication

API_VERSION: Final = "2019-10-01"
_ASSIGNMENT_ID: Final = re.compile(
    r"(.*)/providers/Microsoft\.Authorization/policyAssignments/[^/]+", re.IGNORECASE | re.ASCII
)


class PagingFailed(AzureFailure):
    """The link to the next page cannot be followed, so the states cannot be read to their end."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of policy states as Azure sent it; ``next_link`` is None on the last one."""

    states: list[Any]
    next_link: str | None


def parse_page(body: bytes) -> Page:
    """Return the page in an answer's body.

    Raises:
        MalformedAnswer: the body is no JSON object with a list ``value``, or its nextLink is no text. An answer
            without ``value`` is not an empty page.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        # Stricter than JSON in one place that matters: a lone surrogate escape in a tag must not cost the whole page.
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise MalformedAnswer(f"the answer is not JSON ({len(body)} bytes)", code="MalformedAnswer") from error
    if not isinstance(document, dict) or not isinstance(document.get("value"), list):
        raise MalformedAnswer("the answer has no list 'value'", code="MalformedAnswer")
    next_link = document.get("@odata.nextLink")
    if next_link is not None and not isinstance(next_link, str):
        raise MalformedAnswer("the answer's nextLink is no text", code="MalformedAnswer")
    return Page(document["value"], next_link or None)


def query_url(endpoint: str, application: ManagedApplication, since: datetime, *, filtered: bool) -> str:
    """Return the URL of the first page.

    The filter names every scope at which the application is known to have assignments, in the spellings that Azure
    uses (FACTS 2.5), because whether the service minds the letter case is not documented. It only saves traffic:
    ownership is decided again in code.
    """
    parameters = {
        "api-version": API_VERSION,
        "$from": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "$select": ",".join(SELECTED_FIELDS),
    }
    if filtered:
        parameters["$filter"] = " or ".join(
            "PolicyAssignmentScope eq '{}'".format(spelling.replace("'", "''"))
            for scope in owned_scopes(application)
            for spelling in dict.fromkeys((scope, scope.replace("/resourceGroups/", "/resourcegroups/"), scope.lower()))
        )
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    path = quote(str(application.managed_resource_group_id), safe="/()")
    return f"{endpoint}{path}/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults?{query}"


def owned_scopes(application: ManagedApplication) -> list[str]:
    """Return the managed resource group, and every scope inside it that carries a known assignment."""
    group = str(application.managed_resource_group_id)
    inner = {
        fold(scope): scope
        for assignment in application.assignments or ()
        if (scope := assignment_scope(assignment.id)) and fold(scope) != fold(group)
    }
    return [group, *(inner[key] for key in sorted(inner))]


def assignment_scope(assignment_id: str) -> str:
    """Return the scope that a policy assignment's id begins with, or "" when it is no assignment id."""
    match = _ASSIGNMENT_ID.fullmatch(assignment_id)
    return match[1] if match else ""


def is_owned(scope: str | None, assignment_id: str | None, managed_resource_group_id: str) -> bool:
    """Tell whether an assignment belongs to the application: its scope is the managed resource group or inside it.

    A state that names neither the scope nor the assignment counts as owned: dropping it could hide a violation.
    """
    scope = scope or assignment_scope(assignment_id or "")
    return not scope or is_at_or_inside(scope, managed_resource_group_id)


async def follow_pages(first_url: str, fetch: Callable[[str], Awaitable[Page]]) -> AsyncIterator[Page]:
    """Yield every page, asking for the next one before the last one is worked on.

    Args:
        first_url: where to begin; every further link must lead to the same host.
        fetch: reads one page (POST, whatever the page); its errors end the iteration.

    Raises:
        PagingFailed: a nextLink leads to another host or to a page that was already read.
    """
    origin = _origin(first_url)
    seen = {first_url}
    page = await fetch(first_url)
    while page.next_link is not None:
        if _origin(page.next_link) != origin:
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
    yield page


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None, None


def page_request(url: str) -> HttpRequest:
    """Return the request of one page: POST without a body, for the first page and for every nextLink (FACTS 2.6)."""
    return HttpRequest("POST", url, headers={"Accept": "application/json"})
