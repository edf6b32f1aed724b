"""Lists: how far they are unfolded, what narrows them, and how they read on a small screen."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Place, Watched, api, at, is_within, rows, settled
from tests.queries.fleet import NOW, Fleet, application_id, bad, good, states_of

pytestmark = pytest.mark.timeout(300)  # a busy machine is no failure
RESOURCES = 1230
MANY = application_id("many")
TWO_DAYS = "P2D"
AGE = (NOW - datetime.now(UTC).replace(microsecond=0)) / timedelta(hours=1)
"""From the day of the rows to now, in hours, below zero: the host knows no other time than the real one."""
STANDARD = {"Plan_name": "standard", "Plan_version": "1.0.0"}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module", autouse=True)
def fleet(place: Place) -> None:
    """One customer with more violations than a page of the API holds, and enough others to scroll through."""
    fleet = Fleet(place.sandbox.workspace)
    others = {f"other{number}": [bad()] for number in range(40)}
    names = ("many", "repaired", *others)
    fleet.plans = dict.fromkeys(names, ("standard", "1.0.0"))
    many = states_of(RESOURCES, bad())
    fleet.run(hours_ago=AGE + 2, many=many, repaired=[bad()], **others)
    latest = fleet.run(hours_ago=AGE + 1, many=many, repaired=[good()], **others)
    of_latest = {"TimeGenerated": fleet.started(latest), "Run_id": latest}
    told = {"Compliance": "NonCompliant", "Last_read": fleet.started(latest), **STANDARD}
    fleet.upload_result(of_latest, "lost", [bad()], **told)  # its verdict rows never came


def expect_resources(page: Page, shown: str) -> None:
    expect(page.locator("#details-violations caption")).to_have_text(f"{shown} of 1,230")
    settled(page)


def test_how_far_a_customer_s_resources_are_unfolded_is_in_the_address(page: Page) -> None:
    at(page, view="customers", status="noncompliant", open=MANY)
    expect_resources(page, "100")
    page.click("#details-violations .more a")
    expect_resources(page, "200")
    page.reload()
    expect_resources(page, "200")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).not_to_be_visible()
    assert page.url.endswith("?view=customers&status=noncompliant")


def test_all_of_a_customer_s_resources_can_be_unfolded(page: Page) -> None:
    at(page, view="customers", open=MANY, resources="1200")
    expect_resources(page, "1,200")
    page.click("#details-violations .more a")
    expect_resources(page, "1,230")

    expect(page.locator("#details-violations .more")).to_have_count(0)
    assert len({row[0].split("\n")[0] for row in rows(page, "#details-violations")}) == RESOURCES


@pytest.mark.parametrize("shown", ["-5", "2.5", "many", "0"])
def test_a_length_that_is_none_is_the_first_rows(page: Page, shown: str) -> None:
    at(page, view="customers", shown=shown, open=MANY, resources=shown)

    expect_resources(page, "100")
    expect(page.locator("#customers caption")).to_contain_text("of 43")


def test_a_filter_that_the_api_refuses_can_be_corrected(page: Page, watched: Watched) -> None:
    watched.expect("Failed to load resource")
    at(page, view="findings", subscription="abc")

    expect(page.locator("#findings .banner")).to_contain_text("subscription is the id (a GUID)")
    field = page.locator("#findings [name=subscription]")
    expect(field).to_have_value("abc")
    field.fill(MANY.split("/")[2])
    expect(page.locator("#findings caption")).to_contain_text("1 finding of 1")
    assert page.evaluate("document.activeElement.name") == "subscription"


def test_an_id_is_asked_for_once_it_is_whole(page: Page) -> None:
    at(page, view="findings")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.locator("[name=subscription]").press_sequentially(MANY.split("/")[2], delay=1)
    expect(page.locator("#findings caption")).to_contain_text("1 finding of 1")

    assert len({url for url in asked if "subscription=" in url and "/findings" in url}) == 1


def test_what_narrows_the_resolved_stands_above_them(page: Page) -> None:
    at(page, view="findings", since=TWO_DAYS, plan="standard")
    expect(page.locator("#resolved tbody tr")).to_have_count(1)
    expect(page.locator("[name=plan]")).to_have_value("standard")

    at(page, view="findings", since=TWO_DAYS, plan="premium")
    expect(page.locator("#resolved")).to_contain_text("Nothing that matches was resolved")
    page.click("#resolved [data-clear]")
    expect(page.locator("#resolved tbody tr")).to_have_count(1)
    assert page.url.endswith(f"?{urlencode({'view': 'findings', 'since': TWO_DAYS})}")


@pytest.mark.parametrize("view", ["guard", "exemptions"])
def test_an_empty_list_says_whether_it_was_narrowed(page: Page, view: str) -> None:
    at(page, view=view, plan_version="9")
    expect(page.locator(f"#{view} .empty")).to_contain_text("Clear the filters")
    expect(page.locator("[name=plan_version]")).to_have_value("9")

    at(page, view=view)
    expect(page.locator(f"#{view} .empty")).not_to_contain_text("filters")


def test_of_a_customer_whose_verdicts_are_lost_the_page_says_that_and_not_that_it_was_never_read(page: Page) -> None:
    at(page, view="customers", open=application_id("lost"))

    expect(page.locator("#details-violations")).to_contain_text("The rows that name its violations are not here.")
    expect(page.locator("dialog")).not_to_contain_text("never read")


def test_every_list_leads_to_the_plan_version(page: Page) -> None:
    for query in ({"view": "findings"}, {"view": "findings", "since": TWO_DAYS}, {"view": "customers"}):
        at(page, **query)
        link = page.locator("#view tbody td:not(.what) a[href*='view=plans']").first
        assert "plan=standard&plan_version=1.0.0" in (link.get_attribute("href") or "")


def test_going_back_leads_to_where_the_list_was_left(page: Page) -> None:
    at(page, view="findings")
    page.evaluate("scrollTo(0, 900)")
    page.evaluate("document.querySelector('#views a[href*=plans]').click()")
    settled(page)
    expect(page.locator("#plans tbody tr")).to_have_count(1)
    assert page.evaluate("scrollY") == 0

    page.go_back()
    expect(page.locator("#findings tbody tr")).to_have_count(42)
    assert page.evaluate("scrollY") == pytest.approx(900, abs=5)


def test_a_small_screen_begins_with_the_list_and_says_how_long_it_is_in_one_line(page: Page) -> None:
    page.set_viewport_size(PHONE)
    for view in ("findings", "customers"):
        at(page, view=view)
        caption = page.locator(f"#{view} caption").bounding_box()
        assert caption is not None
        assert caption["height"] < 40
        third = page.locator(f"#{view} tbody tr >> nth=2").bounding_box()
        assert third is not None
        assert third["y"] < PHONE["height"]


def test_a_small_screen_has_every_filter_and_the_order_behind_one_button(page: Page) -> None:
    page.set_viewport_size(PHONE)
    at(page, view="customers")
    expect(page.locator("[name=search]")).not_to_be_visible()
    page.click("summary:has-text('Filters')")
    page.select_option("[name=sort]", "-customer")
    settled(page)

    wanted = api(page, "compliance/applications", sort="-customer")["applications"]
    assert [row[0].split("\n")[1] for row in rows(page, "#customers")] == [one["name"] for one in wanted]
    at(page, view="customers", status="noncompliant")
    expect(page.locator("[name=status]")).to_be_visible()
    expect(page.locator("summary:has-text('Filters (1)')")).to_be_visible()


def test_on_a_small_screen_whatever_has_the_focus_can_be_seen(page: Page) -> None:
    page.set_viewport_size(PHONE)
    at(page, view="customers")
    page.evaluate("document.getElementById('customers-heading').focus()")
    for _ in range(12):
        page.keyboard.press("Tab")
        hidden = page.evaluate(
            "(one => [one.outerHTML.slice(0, 90), one.getBoundingClientRect(), getComputedStyle(one.closest('thead') ?? one).clipPath])"
            "(document.activeElement)"
        )
        assert hidden[1]["width"] >= 20, hidden[0]
        assert hidden[2] == "none", hidden[0]


def test_the_queries_of_a_report_can_be_copied_as_they_are(page: Page) -> None:
    at(page, view="report", application=MANY)

    told = api(page, f"compliance/applications{MANY}/report")["evidence"]
    shown = page.locator("#report pre").all_inner_texts()
    assert [text.strip() for text in shown] == [one["kql"].strip() for one in told]
    assert all(len(text.splitlines()) > 5 for text in shown)


@pytest.mark.parametrize("width", [390, 740, 768, 1024, 1440])
@pytest.mark.parametrize(
    "view", ["now", "findings", "customers", "plans", "exemptions", "guard", "collector", "resolved"]
)
def test_every_column_has_room_for_what_it_says(page: Page, view: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    at(page, view=view)

    narrow = page.locator("td:not(:empty):not(.severity-column)").evaluate_all(
        "cells => cells.filter(cell => cell.checkVisibility() && (cell.clientWidth < 60 || cell.scrollWidth > cell.clientWidth))"
        ".map(cell => `${cell.dataset.label}: ${cell.innerText} (${cell.clientWidth})`)"
    )
    assert narrow == []
    assert is_within(page)


def test_a_plan_version_s_error_budget_stands_beside_its_share(page: Page) -> None:
    at(page, view="plans")

    expect(page.locator("#plans tbody tr")).to_have_count(1)
    expect(page.locator("#plans td[data-label='Compliant share']")).to_contain_text("budget used up")
