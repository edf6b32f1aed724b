"""The query's URL, a page's form, who owns an assignment, and how pages are followed."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from publisher.errors import MalformedAnswer
from publisher.policy_states import (
    Page,
    PagingFailed,
    assignment_scope,
    follow_pages,
    is_owned,
    owned_scopes,
    parse_page,
    query_url,
)
from publisher.resource_ids import ResourceGroupId
from registry.registry import ExpectedAssignment
from tests.collector.reporting.test_rows import APPLICATION, ASSIGNMENT, GROUP, SUBSCRIPTION

ARM = "https://management.azure.com"
FIRST = f"{ARM}/first"


def test_the_filter_survives_every_legal_resource_group_name() -> None:
    group = ResourceGroupId.parse(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/grüße_(prod).eu-1")

    url = query_url(
        ARM, replace(APPLICATION, managed_resource_group_id=group), datetime(2026, 1, 2, tzinfo=UTC), filtered=True
    )

    assert url.isascii()
    query = parse_qs(urlsplit(url).query)
    assert f"PolicyAssignmentScope eq '{group}'" in query["$filter"][0]
    assert query["$from"] == ["2026-01-02T00:00:00Z"]


def test_scopes_inside_the_managed_resource_group_are_asked_for_too() -> None:
    inner = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/o'neil"
    assignment = ExpectedAssignment(f"{inner}/providers/Microsoft.Authorization/policyAssignments/one", "", "", "")

    application = replace(APPLICATION, assignments=(assignment, *(APPLICATION.assignments or ())))

    assert owned_scopes(application) == [GROUP, inner]
    query = parse_qs(urlsplit(query_url(ARM, application, datetime.now(UTC), filtered=True)).query)
    assert "storageAccounts/o''neil'" in query["$filter"][0], "a quote is doubled, as OData wants"


@pytest.mark.parametrize(
    ("scope", "owned"),
    [
        (GROUP, True),
        (GROUP.upper(), True),
        (GROUP.lower().replace("resourcegroups", "RESOURCEGROUPS"), True),
        (f"{GROUP}/providers/Microsoft.Web/sites/shop", True),
        (f"{GROUP}2", False),
        (f"/subscriptions/{SUBSCRIPTION}", False),
        ("/providers/Microsoft.Management/managementGroups/contoso", False),
        (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other", False),
    ],
)
def test_an_application_owns_the_assignments_at_and_inside_its_group(scope: str, owned: bool) -> None:
    assert is_owned(scope, None, GROUP) is owned
    assert is_owned(None, f"{scope}/providers/Microsoft.Authorization/policyAssignments/a", GROUP) is owned


def test_a_state_that_names_no_assignment_is_not_dropped() -> None:
    assert is_owned(None, None, GROUP)
    assert is_owned("", "", GROUP)


def test_the_scope_of_an_assignment_is_what_its_id_begins_with() -> None:
    assert assignment_scope(ASSIGNMENT) == GROUP
    assert assignment_scope("/providers/Microsoft.Authorization/policyAssignments/root") == ""
    assert assignment_scope("nonsense") == ""


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b"{}", b'{"value":null}', b'{"value":{}}', b'{"value":[]', b"[" * 100_000]
)
def test_what_is_no_page_is_never_an_empty_page(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_page(body)


def test_half_a_surrogate_pair_does_not_cost_the_page() -> None:
    page = parse_page(b'{"value":[{"resourceId":"\\ud800"}],"@odata.nextLink":""}')

    assert page == Page([{"resourceId": "\ud800"}], None)


async def test_the_next_page_is_asked_for_before_the_last_one_is_worked_on() -> None:
    asked: list[str] = []

    async def fetch(url: str) -> Page:
        asked.append(url)
        return Page([url], f"{ARM}/{len(asked)}" if len(asked) < 3 else None)

    async for page in follow_pages(FIRST, fetch):
        assert len(asked) == min(3, asked.index(page.states[0]) + 2)

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
            return Page([1], f"{ARM}/2")
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
