"""What the page shows is in its address: back, reload, bookmarks and links from a chat lead to the same."""

import json

import pytest
from playwright.sync_api import Page, expect

from sandbox.world.sample_fleet import SampleFleet
from tests.browser.conftest import OpenPage, Place, Watched, api, at, settled

pytestmark = pytest.mark.timeout(300)  # a busy machine is no failure
VIEWS = {
    "findings": "Open findings",
    "customers": "Customers",
    "plans": "Plans and versions",
    "exemptions": "Exemptions",
    "guard": "Guard changes",
    "alerts": "Alert rules",
    "collector": "Collector",
}


@pytest.fixture(scope="module", autouse=True)
def fleet(place: Place) -> SampleFleet:
    fleet = SampleFleet(180)
    fleet.fill(place.sandbox.workspace, place.sandbox.clock)
    return fleet


def test_every_view_has_an_address_and_can_be_left_by_going_back(page: Page) -> None:
    for view, title in VIEWS.items():
        page.click(f"#views a[href$='view={view}']")
        expect(page.locator("#view h2").first).to_have_text(title)
        expect(page.locator("#views [aria-current=page]")).to_have_count(1)
    for title in [*reversed(list(VIEWS.values())[:-1]), "In trouble now"]:
        page.go_back()
        expect(page.locator("#view h2").first).to_have_text(title)
    assert page.url.endswith("/api/dashboard")


def test_filters_sort_and_the_open_customer_outlive_a_reload(page: Page) -> None:
    worst = api(page, "compliance/applications", page_size=1, status="noncompliant")["applications"][0]
    at(page, view="customers", status="noncompliant", sort="-customer", plan=worst["plan"]["name"], open=worst["id"])
    page.reload()
    settled(page)

    expect(page.locator("[name=status]")).to_have_value("noncompliant")
    expect(page.locator("[name=plan]")).to_have_value(worst["plan"]["name"])
    expect(page.locator("#customers th[aria-sort=descending]")).to_contain_text("Customer")
    expect(page.locator("dialog h2").first).to_contain_text(worst["name"])
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).not_to_be_visible()
    assert "open=" not in page.url
    page.go_back()
    expect(page.locator("dialog h2").first).to_contain_text(worst["name"])
    page.go_back()
    expect(page.locator("dialog")).not_to_be_visible()


def test_a_bookmark_without_a_session_leads_through_the_sign_in_to_where_it_pointed(
    place: Place, new_page: OpenPage
) -> None:
    page = new_page()
    page.goto(f"{place.url}/api/dashboard?view=customers&status=unread&search=secure")

    settled(page)
    assert page.url == f"{place.url}/api/dashboard?view=customers&status=unread&search=secure"
    expect(page.locator("[name=search]")).to_have_value("secure")
    expect(page.locator("[name=status]")).to_have_value("unread")


def test_a_json_link_from_a_chat_leads_through_the_sign_in_to_its_answer(
    place: Place, new_page: OpenPage, watched: Watched
) -> None:
    watched.expect("request to another host: data:")
    page = new_page()
    page.goto(f"data:text/html,<a href='{place.url}/api/compliance?'>see</a>")

    with page.expect_navigation(url=f"{place.url}/api/compliance?*"):
        page.click("a")
    assert json.loads(page.locator("body").inner_text())["applications"]["total"] == 180


def test_a_csv_link_from_a_chat_leads_through_the_sign_in_to_its_file(
    place: Place, new_page: OpenPage, watched: Watched
) -> None:
    watched.expect("request to another host: data:")
    page = new_page()
    page.goto(f"data:text/html,<a href='{place.url}/api/compliance/applications?format=csv'>see</a>")

    with page.expect_download() as download:
        page.click("a")
    assert download.value.suggested_filename == "applications.csv"


def test_a_session_that_has_ended_asks_to_sign_in_again_and_comes_back_here(page: Page, watched: Watched) -> None:
    watched.expect("Failed to load resource")
    at(page, view="customers", status="unread")
    shown = page.locator("#customers tbody tr").count()
    page.context.clear_cookies()
    page.click("#refresh")

    expect(page.locator("#banner")).to_contain_text("Your session has ended")
    assert page.locator("#customers tbody tr").count() == shown
    page.click("#banner a")
    expect(page.locator("#banner")).to_have_text("")
    assert page.url.endswith("?view=customers&status=unread")
