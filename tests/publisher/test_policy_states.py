"""The query's URL, a page's form, and how pages are followed."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import astuple

from publisher.errors.kinds import MalformedAnswer
from publisher.policy_states.page import Page, parse_page
from publisher.policy_states.query import PagingFailed, follow_pages, query_url
from publisher.policy_states.state import (
    ASSIGNMENT,
    DEFINITION,
    POLICY,
    POLICY_FIELDS,
    RESOURCE,
    RESOURCE_FIELDS,
    SELECTED_FIELDS,
    TIME,
    PolicyState,
    state_of,
)
from publisher.resource_ids import ResourceGroupId

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/mrg-Contoso"
ARM = "https://management.azure.com"
FIRST = f"{ARM}/first"


def test_the_filter_survives_every_legal_resource_group_name() -> None:
    group = ResourceGroupId.parse(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/grüße_(prod).eu-1")

    url = query_url(ARM, group, datetime(2026, 1, 2, tzinfo=UTC), scopes=[str(group)])

    assert url.isascii()
    query = parse_qs(urlsplit(url).query)
    assert f"PolicyAssignmentScope eq '{group}'" in query["$filter"][0]
    assert query["$from"] == ["2026-01-02T00:00:00Z"]


def test_a_quote_in_a_scope_is_doubled_as_odata_wants() -> None:
    url = query_url(ARM, ResourceGroupId.parse(GROUP), datetime.now(UTC), scopes=[f"{GROUP}/accounts/o'neil"])
    assert "accounts/o''neil'" in parse_qs(urlsplit(url).query)["$filter"][0]


def test_without_scopes_nothing_is_filtered() -> None:
    url = query_url(ARM, ResourceGroupId.parse(GROUP), datetime.now(UTC))
    assert sorted(parse_qs(urlsplit(url).query)) == ["$from", "$select", "api-version"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b"{}", b'{"value":null}', b'{"value":{}}', b'{"value":[]', b"[" * 100_000]
)
def test_what_is_no_page_is_never_an_empty_page(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_page(body)


def test_half_a_surrogate_pair_does_not_cost_the_page() -> None:
    page = parse_page(b'{"value":[{"resourceId":"\\ud800"}],"@odata.nextLink":""}')

    assert ([state.resource_id for state in page.states], page.next_link) == (["\ufffd"], None)


def a_state(**members: Any) -> dict[str, Any]:
    return {**{name: f"{name} of a state" for name in SELECTED_FIELDS}, **members}


def test_a_state_as_a_tuple_has_its_fields_where_they_are_looked_for() -> None:
    fields = astuple(state_of(a_state()))
    assert fields[: len(POLICY_FIELDS) + len(RESOURCE_FIELDS)] == tuple(
        f"{name} of a state" for name in (*POLICY_FIELDS, *RESOURCE_FIELDS)
    )
    assert (*fields[ASSIGNMENT], *fields[DEFINITION]) == fields[POLICY]
    assert (fields[TIME], *fields[RESOURCE]) == tuple(f"{name} of a state" for name in RESOURCE_FIELDS)


WITH_ALL_MEMBERS = a_state(
    **{"@odata.id": None, "@odata.context": "https://management.azure.com/$metadata#latest/$entity"},
    isCompliant=False,
    resourceTags="tbd",
    managementGroupIds="mymg,myothermg",
    policyDefinitionGroupNames=["group"],
)


@pytest.mark.parametrize("members", [{}, {"policySetDefinitionId": None, "resourceLocation": ""}, WITH_ALL_MEMBERS])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n ", " :\t")])
@pytest.mark.parametrize(
    "oddity", [{}, {"complianceState": 5}, {"unheardOf": 1}, {"resourceType": None, "RESOURCETYPE": "named otherwise"}]
)
def test_a_state_is_read_the_same_whatever_stands_beside_it(
    members: dict[str, Any], separators: tuple[str, str], oddity: dict[str, Any]
) -> None:
    state = a_state(**members)
    rows = [state, {**a_state(), **oddity}] if oddity else [state]

    page = parse_page(json.dumps({"value": rows}, separators=separators).encode())

    assert astuple(page.states[0])[: len(SELECTED_FIELDS)] == astuple(state_of(state))[: len(SELECTED_FIELDS)]


@pytest.mark.parametrize("again", ["complianceState", "resourceId", "policyAssignmentId"])
@pytest.mark.parametrize("count", [1, 999, 1000, 1001])
def test_one_member_that_comes_twice_is_found_among_all_others(count: int, again: str) -> None:
    for separators in ((",", ":"), (", ", ": ")):
        body = json.dumps({"value": [a_state()] * count}, separators=separators)
        assert len(parse_page(body.encode()).states) == count
        head, _, tail = body.rpartition(f'"{again}"')
        with pytest.raises(MalformedAnswer, match="twice"):
            parse_page(f'{head}"{again}":"","{again}"{tail}'.encode())


async def test_the_next_page_is_asked_for_before_the_last_one_is_worked_on() -> None:
    asked: list[str] = []

    async def fetch(url: str) -> Page:
        asked.append(url)
        return Page([PolicyState(resource_id=url)], f"{ARM}/{len(asked)}" if len(asked) < 3 else None)

    async for page in follow_pages(FIRST, fetch):
        assert len(asked) == min(3, asked.index(str(page.states[0].resource_id)) + 2)

    assert asked == [FIRST, f"{ARM}/1", f"{ARM}/2"]


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("https://attacker.invalid/next", "ForeignNextLink"),
        ("http://management.azure.com/next", "ForeignNextLink"),
        ("https://management.azure.com.attacker.invalid/next", "ForeignNextLink"),
        ("https://management.azure.com:8443/next", "ForeignNextLink"),
        ("/relative", "ForeignNextLink"),
        ("https://[broken", "ForeignNextLink"),
        (FIRST, "RepeatedNextLink"),
    ],
)
async def test_a_link_that_leads_astray_ends_the_reading(link: str, code: str) -> None:
    async def fetch(url: str) -> Page:
        assert url == FIRST, "nothing is sent to where the link leads"
        return Page([], link)

    with pytest.raises(PagingFailed) as caught:
        async for _ in follow_pages(FIRST, fetch):
            pass

    assert caught.value.code == code


async def test_leaving_early_cancels_the_page_that_is_under_way() -> None:
    cancelled = asyncio.Event()

    async def fetch(url: str) -> Page:
        if url == FIRST:
            return Page([PolicyState()], f"{ARM}/2")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    pages = follow_pages(FIRST, fetch)
    await anext(pages)
    await pages.aclose()

    assert cancelled.is_set()
