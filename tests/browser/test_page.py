"""The page and a fleet of 5,000 customers, 400 of them in trouble: it says what the API says, quickly, to everybody."""

# ruff: noqa: RUF001 - the page has dashes

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sandbox.world.sample_fleet import SampleFleet
from tests.browser.conftest import OpenPage, Place, api, at, is_within, rows, settled, tiles

pytestmark = pytest.mark.timeout(300)  # a busy machine is no failure
CUSTOMERS = 5000
SCREENS = [(1440, 900), (768, 1024), (390, 844)]


@pytest.fixture(scope="module", autouse=True)
def fleet(place: Place) -> SampleFleet:
    fleet = SampleFleet(CUSTOMERS)
    fleet.fill(place.sandbox.workspace, place.sandbox.clock)
    return fleet


def grouped(number: int) -> str:
    return f"{number:,}"


def names(found: list[dict[str, Any]]) -> list[str]:
    return [f"{one['customer']}\n{one.get('name') or one['application']['name']}" for one in found]


def expect_rows(page: Page, text: str) -> None:
    expect(page.locator("#customers caption")).to_contain_text(text)
    settled(page)


def test_the_figures_are_the_api_s_and_each_is_a_filter(page: Page) -> None:
    fleet = api(page, "compliance")

    counts = {name: grouped(number) for name, number in fleet["applications"].items()}
    assert tiles(page) == {**counts, "share": f"{fleet['compliant_share']:.1f}\u00a0%"}
    assert fleet["applications"]["total"] == CUSTOMERS
    assert all(fleet["applications"].values())
    assert fleet["as_of"]["run_id"] == "run-4"
    expect(page.locator("#as-of")).to_contain_text("As of the run of")
    expect(page.locator("#banner")).to_have_text("")

    page.click("[data-tile=not_evaluated]")
    expect_rows(page, f"of {fleet['applications']['not_evaluated']} customers")
    assert "status=not_evaluated" in page.url
    assert {row[1] for row in rows(page, "#customers")} == {"○ Not evaluated"}
    assert {row[2] for row in rows(page, "#customers")} <= {"–", "0"}


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_who_is_in_trouble_is_on_the_first_screen_quickly(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    at(page)
    told = api(page, "compliance/findings", page_size=8)

    assert page.evaluate("performance.now()") < 5000
    assert is_within(page)
    shown = page.locator("#trouble tbody tr")
    assert [row[1] for row in rows(page, "#trouble")][:8] == names(told["findings"])
    for place in range(3):
        box = shown.nth(place).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height
    headline = page.locator("#trouble .headline")
    expect(headline).to_contain_text(
        f"{grouped(told['counts']['total'])} findings at {grouped(told['counts']['applications'])}"
    )
    order = page.evaluate(
        "['trouble', 'fleet', 'trend'].map(id => document.getElementById(id)).map((one, place, all) => "
        "!place || Boolean(all[place - 1].compareDocumentPosition(one) & 4))"
    )
    assert order == [True, True, True]


def test_all_findings_can_be_reached_and_the_new_ones_are_marked(page: Page) -> None:
    told = api(page, "compliance/findings", page_size=1000)
    page.click("#trouble >> text=Show all")
    settled(page)
    assert told["total"] > 300
    while page.locator("#findings .more a").count():
        page.click("#findings .more a")
        settled(page)

    assert [row[1] for row in rows(page, "#findings")] == names(told["findings"])
    marked = page.locator("#findings tr:has(.mark.new)").count()
    assert marked == told["counts"]["new"] > 0

    at(page, view="findings", new="true")
    assert len(rows(page, "#findings")) == min(marked, 100)


def test_customers_are_listed_as_the_api_sorts_them(page: Page) -> None:
    first = api(page, "compliance/applications", page_size=200)
    at(page, view="customers")

    assert [row[0] for row in rows(page, "#customers")] == names(first["applications"][:100])
    page.click("#customers .more a")
    expect_rows(page, "1–200 of 5,000")
    assert [row[0] for row in rows(page, "#customers")] == names(first["applications"])
    page.reload()
    expect_rows(page, "1–200 of 5,000")


def test_customers_are_filtered_searched_and_sorted(page: Page) -> None:
    at(page, view="customers")
    page.select_option("[name=status]", "noncompliant")
    page.fill("[name=search]", "contoso bank")
    found = api(page, "compliance/applications", search="contoso bank", status="noncompliant")
    expect_rows(page, f"of {found['total']} customers")
    assert [row[0] for row in rows(page, "#customers")] == names(found["applications"])
    assert page.evaluate("document.activeElement.name") == "search"

    for direction, mark in (("", "ascending"), ("-", "descending")):
        page.click("#customers th a >> text=Customer")
        expect(page.locator("#customers th[aria-sort]")).to_have_attribute("aria-sort", mark)
        settled(page)
        wanted = api(
            page, "compliance/applications", search="contoso bank", status="noncompliant", sort=f"{direction}customer"
        )
        assert [row[0] for row in rows(page, "#customers")] == names(wanted["applications"])


def test_plans_say_which_version_broke_how_many_and_lead_to_them(page: Page) -> None:
    told = api(page, "compliance/plans")["plans"]
    at(page, view="plans")

    shown = rows(page, "#plans")
    assert [row[0] for row in shown] == [f"{one['plan']['name']}\n{one['plan']['version']}" for one in told]
    assert [row[2] for row in shown] == [grouped(one["applications"]["noncompliant"]) for one in told]
    broken = told[0]["assignments"][0]
    assert f"{broken['noncompliant']} customers not compliant" in shown[0][6]
    page.click(f"#plans tbody tr:first-child >> text={broken['display_name']}")
    settled(page)
    wanted = api(page, "compliance/findings", plan=told[0]["plan"]["name"], plan_version=told[0]["plan"]["version"],
                 assignment=broken["name"])  # fmt: skip
    expect(page.locator("#findings caption")).to_contain_text(f"of {wanted['total']}")


def test_a_customer_s_violations_can_be_followed_to_the_resource_and_its_reason(page: Page) -> None:
    worst = api(page, "compliance/applications", page_size=1)["applications"][0]
    told = api(page, worst["links"]["self"].removeprefix("/api/"))
    at(page, view="customers")

    page.click(f"#customers a[data-application='{worst['id']}']")
    expect(page.locator("dialog h2").first).to_have_text(f"{worst['customer']} – {worst['name']}")
    settled(page)

    links = page.locator("#details-violations tbody td:first-child > a")
    resources = told["violations"]["resources"]
    assert links.evaluate_all("links => links.map(link => link.href)") == [one["links"]["portal"] for one in resources]
    assert links.first.get_attribute("rel") == "noopener noreferrer"
    assert "PolicyComplianceDetail" in (page.locator("#details-assignments a").first.get_attribute("href") or "")
    page.click("#details-violations summary >> nth=0")
    command = page.locator("#details-violations pre").first.inner_text()
    assert command.startswith(
        f"az policy state list --resource '{resources[0]['id']}' --expand PolicyEvaluationDetails"
    )


def test_the_export_has_what_is_filtered(page: Page) -> None:
    at(page, view="customers", status="unread")
    with page.expect_download() as download:
        page.click("[data-export]")

    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    wanted = api(page, "compliance/applications", status="unread", page_size=1000)["applications"]
    assert [one["application"] for one in csv.DictReader(io.StringIO(text))] == [one["name"] for one in wanted]


def test_nobody_gets_data_without_signing_in(place: Place, new_page: OpenPage) -> None:
    for path in ("dashboard", "compliance"):
        assert new_page().request.get(f"{place.url}/api/{path}").status == 401
