"""The page and a fleet of 5,000 customers: it says what the API says, quickly, to everybody."""

# ruff: noqa: RUF001 - the page has dashes

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sandbox.world.sample_fleet import SampleFleet
from tests.browser.conftest import OpenPage, Place, api, rows, serious_violations, tiles

CUSTOMERS = 5000
FIRST_CUSTOMER = "#customers tbody tr:first-child button"


@pytest.fixture(scope="module", autouse=True)
def fleet(place: Place) -> SampleFleet:
    fleet = SampleFleet(CUSTOMERS)
    fleet.fill(place.sandbox.workspace, place.sandbox.clock)
    return fleet


def grouped(number: int) -> str:
    return f"{number:,}"


def names(applications: list[dict[str, Any]]) -> list[str]:
    return [f"{one['customer']}\n{one['name']}" for one in applications]


def wait_for_rows(page: Page, text: str) -> None:
    expect(page.locator("#customers caption")).to_contain_text(text)


def test_the_numbers_are_the_api_s(page: Page) -> None:
    fleet = api(page, "compliance")

    counts = {name: grouped(number) for name, number in fleet["applications"].items()}
    assert tiles(page) == {**counts, "share": f"{fleet['compliant_share']:.1f} %"}
    assert fleet["applications"]["total"] == CUSTOMERS
    assert all(fleet["applications"].values())
    assert fleet["as_of"]["run_id"] == "run-4"
    expect(page.locator("#as-of")).to_contain_text("As of the run of")
    expect(page.locator("#banner")).to_be_empty()


def test_customers_are_listed_as_the_api_sorts_them_page_by_page(page: Page) -> None:
    first = api(page, "compliance/applications")
    second = api(page, "compliance/applications", page_token=first["next_page_token"])

    assert [row[0] for row in rows(page, "#customers")] == names(first["applications"])
    assert [row[2] for row in rows(page, "#customers")] == [
        grouped(one["states"]["noncompliant"]) for one in first["applications"]
    ]
    page.click("#next")
    wait_for_rows(page, "101–200 of 5,000")
    assert [row[0] for row in rows(page, "#customers")] == names(second["applications"])
    page.click("#previous")
    wait_for_rows(page, "1–100 of 5,000")
    assert [row[0] for row in rows(page, "#customers")] == names(first["applications"])


def test_customers_are_filtered_searched_and_sorted(page: Page) -> None:
    page.select_option("#status", "not_evaluated")
    wait_for_rows(page, f"of {api(page, 'compliance')['applications']['not_evaluated']} ")
    assert {row[1] for row in rows(page, "#customers")} == {"○ Not evaluated"}
    assert {row[2] for row in rows(page, "#customers")} == {"–"}

    page.select_option("#status", "")
    page.fill("#search", "contoso bank")
    found = api(page, "compliance/applications", search="contoso bank")
    wait_for_rows(page, f"of {found['total']} ")
    assert [row[0] for row in rows(page, "#customers")] == names(found["applications"])

    for direction, mark in (("", "ascending"), ("-", "descending")):
        page.click("#customers th button >> text=Customer")
        expect(page.locator("#customers th[aria-sort]")).to_have_attribute("aria-sort", mark)
        wanted = api(page, "compliance/applications", search="contoso bank", sort=f"{direction}customer")
        assert [row[0] for row in rows(page, "#customers")] == names(wanted["applications"])


def test_customers_that_could_not_be_read_are_shown_as_exactly_that(page: Page) -> None:
    unread = api(page, "compliance/applications", status="unread", page_size=5)

    shown = rows(page, "#unread")
    assert [row[0] for row in shown] == names(unread["applications"])
    assert all(one["reading"]["error_code"] in row[1] for one, row in zip(unread["applications"], shown, strict=True))
    page.click("#unread >> text=Show all")
    wait_for_rows(page, f"of {unread['total']} ")
    assert all(row[1].startswith("? Could not be read") for row in rows(page, "#customers"))
    assert not any("✓" in cell for row in rows(page, "#customers") for cell in row)


def test_a_customer_s_violations_can_be_followed_to_the_resource_in_the_portal(page: Page) -> None:
    worst = api(page, "compliance/applications", page_size=1)["applications"][0]
    told = api(page, worst["links"]["self"].removeprefix("/api/"))

    page.click(FIRST_CUSTOMER)

    expect(page.locator("dialog h2")).to_have_text(f"{worst['customer']} – {worst['name']}")
    tables = page.locator("dialog table")
    assert tables.nth(0).locator("tbody tr").count() == len(told["assignments"])
    links = tables.nth(1).locator("tbody td:first-child a")
    assert links.evaluate_all("links => links.map(link => link.href)") == [
        one["links"]["portal"] for one in told["violations"]["resources"]
    ]
    assert (
        links.first.get_attribute("href")
        == f"https://portal.azure.com/#resource{told['violations']['resources'][0]['id']}"
    )
    assert links.first.get_attribute("rel") == "noopener noreferrer"
    assert "PolicyComplianceDetail" in (tables.nth(0).locator("a").first.get_attribute("href") or "")


def test_an_unread_customer_s_details_say_what_is_not_known(page: Page) -> None:
    page.click("#unread tbody tr:first-child button")

    expect(page.locator("dialog .banner")).to_contain_text("This customer could not be read")


def test_an_address_leads_straight_to_a_customer(place: Place, page: Page) -> None:
    worst = api(page, "compliance/applications", page_size=1)["applications"][0]

    page.goto(f"{place.url}/api/dashboard#{worst['id']}")
    page.reload()

    expect(page.locator("dialog h2")).to_contain_text(worst["name"])


def test_the_page_can_be_used_by_keyboard_alone(page: Page) -> None:
    page.locator(FIRST_CUSTOMER).focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog .facts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).not_to_be_visible()
    assert page.evaluate("document.activeElement.dataset.application") is not None

    page.locator("#customers th button >> text=Violations").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#customers th[aria-sort]")).to_contain_text("Violations")
    assert str(page.evaluate("document.activeElement.textContent")).startswith("Violations")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.locator("#trend summary").click()
    assert serious_violations(page) == []

    page.click(FIRST_CUSTOMER)
    page.wait_for_selector("dialog .facts")
    assert serious_violations(page) == []


def test_the_trend_is_the_api_s_and_can_be_read_as_a_table(page: Page) -> None:
    history = api(page, "compliance/history")["history"]

    page.locator("#trend summary").click()

    assert [row[1] for row in rows(page, "#trend")] == [f"{one['compliant_share']:.1f} %" for one in reversed(history)]
    assert page.locator("#trend .chart[role=img] rect").count() == sum(
        1
        for one in history
        for kind in ("noncompliant", "unread", "not_evaluated", "compliant")
        if one["applications"][kind]
    )


def test_the_export_has_every_customer(page: Page) -> None:
    with page.expect_download() as download:
        page.click("#export")

    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    exported = list(csv.DictReader(io.StringIO(text)))
    assert len(exported) == CUSTOMERS
    assert [one["application"] for one in exported[:3]] == [
        one["name"] for one in api(page, "compliance/applications", page_size=3)["applications"]
    ]


def test_thousands_of_customers_do_not_make_the_page_slow(place: Place, page: Page) -> None:
    page.goto(f"{place.url}/api/dashboard")
    page.wait_for_selector("#customers tbody tr")

    milliseconds = page.evaluate("performance.now()")
    assert milliseconds < 5000
    assert page.locator("#customers tbody tr").count() == 100


def test_nobody_sees_the_page_without_signing_in(place: Place, new_page: OpenPage) -> None:
    answer = new_page().request.get(f"{place.url}/api/dashboard")

    assert answer.status == 401
