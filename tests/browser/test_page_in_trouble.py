"""The page when something is wrong: it says so, and never shows nothing as if nothing were wrong."""

# ruff: noqa: RUF001 - the page has dashes

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from sandbox.services import Service
from sandbox.workspace.workspace import Workspace
from sandbox.world.sample_fleet import SampleFleet
from tests.browser.conftest import OpenPage, Place, Watched, rows, tiles

REFUSED = "Failed to load resource"
MARKUP = '<img src=x onerror="document.title=1">"\'</script>'


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    return {"API_CACHE_SECONDS": "0"}


@pytest.fixture
def workspace(place: Place) -> Iterator[Workspace]:
    yield place.sandbox.workspace
    place.sandbox.reset()


@pytest.fixture
def small_fleet(place: Place, workspace: Workspace) -> SampleFleet:
    fleet = SampleFleet(40)
    fleet.fill(workspace, place.sandbox.clock)
    return fleet


def open_dashboard(place: Place, new_page: OpenPage) -> Page:
    page = new_page()
    page.goto(place.front_door)
    page.wait_for_selector("body[data-state]")
    return page


def test_an_unreachable_workspace_leaves_the_numbers_and_says_that_they_are_stale(
    place: Place, small_fleet: SampleFleet, new_page: OpenPage, watched: Watched
) -> None:
    watched.expect(REFUSED)
    page = open_dashboard(place, new_page)
    before = tiles(page)

    with place.sandbox.offline(Service.LOG_ANALYTICS):
        page.click("#refresh")
        expect(page.locator("#banner")).to_contain_text("The data on this page is stale")

    assert before["total"] == "40"
    assert tiles(page) == before
    page.click("#refresh")
    expect(page.locator("#banner")).to_be_empty()


def test_an_unreachable_workspace_shows_no_zeros_to_who_comes_then(
    place: Place, small_fleet: SampleFleet, new_page: OpenPage, watched: Watched
) -> None:
    watched.expect(REFUSED)

    with place.sandbox.offline(Service.LOG_ANALYTICS):
        page = open_dashboard(place, new_page)

    expect(page.locator("#banner")).to_contain_text("Nothing can be shown")
    assert tiles(page) == {}
    assert "0" not in page.locator("main section").all_inner_texts()
    assert rows(page, "#customers") == []


def test_without_any_run_nothing_is_known(place: Place, workspace: Workspace, new_page: OpenPage) -> None:
    page = open_dashboard(place, new_page)

    expect(page.locator("#as-of")).to_have_text("No collection run has been completed yet")
    expect(page.locator("#banner")).to_contain_text("nothing is known")
    assert set(tiles(page).values()) == {"–"}


def test_an_old_run_is_called_stale(place: Place, workspace: Workspace, new_page: OpenPage) -> None:
    fleet = SampleFleet(10, now=datetime.now(UTC) - timedelta(hours=20))
    fleet.fill(workspace, place.sandbox.clock)

    page = open_dashboard(place, new_page)

    expect(page.locator("#banner")).to_contain_text("The data is stale: the latest completed run began 20 hours ago")
    assert tiles(page)["total"] == "10"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (MARKUP, MARKUP),
        ("Contoso \u202egnidloH\u202c", "Contoso gnidloH"),
        ("\u2067Fab\u200brikam\u2069\ufeff", "Fab rikam"),
        ("โรงแรม हिन्दी מִלּוֹן A\u0308", "โรงแรม हिन्दी מִלּוֹן A\u0308"),
    ],
)
def test_names_that_others_chose_are_text_that_turns_nothing_around(
    place: Place, workspace: Workspace, new_page: OpenPage, name: str, shown: str
) -> None:
    now = datetime.now(UTC).isoformat()
    common = {"TimeGenerated": now, "Run_id": "run"}
    application = {
        "Application_id": "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/"
        "Microsoft.Solutions/applications/app",
        "Application_name": name,
    }
    found = {
        "Customer_name": name,
        "Outcome": "Succeeded",
        "Compliance": "NonCompliant",
        "States": 1,
        "Noncompliant_states": 1,
    }
    standing = {
        "Customer_name": name,
        "Policy_assignment_id": "/p/a",
        "Policy_assignment_display_name": name,
        "Verdict": "NonCompliant",
        "Noncompliant_states": 1,
        "Resource_ids": "[]",
        "States_id": "run",
    }
    state = {
        "Customer_name": name,
        "Policy_assignment_id": "/p/a",
        "Policy_assignment_display_name": name,
        "Resource_id": f"/subscriptions/s/{name}",
        "Compliance_state": "NonCompliant",
        "Is_compliant": False,
        "Resource_count": 1,
    }
    workspace.insert("PolicyComplianceStates_CL", [{**common, **application, **state}])
    workspace.insert("PolicyCollectionResults_CL", [{**common, **application, **found}])
    workspace.insert("PolicyVerdicts_CL", [{**common, **application, **standing}])
    workspace.insert("PolicyCollectionRuns_CL", [{**common, "Applications": 1}])

    page = open_dashboard(place, new_page)
    page.click("#customers tbody tr:first-child button")

    expect(page.locator("dialog h2")).to_have_text(f"{shown} – {shown}")
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", page.content())
    assert page.title() == "Policy compliance of the fleet"
    assert page.locator("img, main script, dialog script").count() == 0


def test_a_session_that_has_ended_asks_to_sign_in_again(
    place: Place, small_fleet: SampleFleet, new_page: OpenPage, watched: Watched
) -> None:
    watched.expect(REFUSED)
    page = open_dashboard(place, new_page)

    page.context.clear_cookies()
    page.click("#refresh")

    expect(page.locator("#banner a")).to_have_attribute(
        "href", "/.auth/login/aad?post_login_redirect_uri=/api/dashboard"
    )
    assert tiles(page)["total"] == "40"
