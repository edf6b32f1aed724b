"""The page tells what the publisher's own checks found apart from what Azure Policy judges, wherever it is listed."""

# ruff: noqa: RUF001 - the page has dashes

import pytest
from playwright.sync_api import Page, expect

from sandbox.world.sample_fleet import SampleFleet
from tests.browser.conftest import Place, api, at, rows, settled, tiles, violations_of_wcag

pytestmark = pytest.mark.timeout(300)  # a busy machine is no failure
CUSTOMERS = 200
MARK = "Own check"


@pytest.fixture(scope="module", autouse=True)
def fleet(place: Place) -> SampleFleet:
    fleet = SampleFleet(CUSTOMERS)
    fleet.fill(place.sandbox.workspace, place.sandbox.clock)
    return fleet


def test_what_checks_found_stands_beside_azure_s_figures_and_leads_to_their_findings(page: Page) -> None:
    told = api(page, "compliance")
    checks = told["checks"]
    wanted = api(page, "compliance/findings", judged_by="PublisherCheck")

    assert checks["violations"] > 0
    assert tiles(page)["noncompliant"] == str(told["applications"]["noncompliant"])
    line = page.locator("[data-checks]")
    expect(line).to_contain_text(
        f"Own checks judge {checks['applications']} applications: {checks['violations']} open violations"
    )
    line.locator("a").click()
    settled(page)
    assert "judged_by=PublisherCheck" in page.url
    assert page.locator("[name=judged_by]").input_value() == "PublisherCheck"
    shown = rows(page, "#findings")
    assert len(shown) == wanted["total"] == checks["noncompliant"]
    assert all(MARK in row[2] for row in shown)

    page.select_option("[name=judged_by]", "AzurePolicy")
    expect(page.locator("#findings .mark.check")).to_have_count(0)


def test_a_customer_that_azure_calls_compliant_and_a_check_does_not_is_told_with_both(page: Page) -> None:
    found = api(page, "compliance/applications", status="compliant", page_size=CUSTOMERS)["applications"]
    broken = next(one for one in found if one["checks"] and one["checks"]["noncompliant"])
    at(page, view="customers", search=broken["name"])
    (row,) = rows(page, "#customers")
    assert "✓ Compliant" in row[1]
    assert "own checks found 1 violation" in row[1]

    page.click("#customers a[data-application]")
    settled(page)
    expect(page.locator("#details-assignments-heading")).to_have_text("Policy assignments and own checks")
    (violation,) = rows(page, "#details-violations")
    assert "no inbound rule denies anything" in violation[0]
    assert "Why does it fail?" not in violation[0]
    assert MARK in violation[1]
    (check,) = (one for one in rows(page, "#details-assignments") if MARK in one[0])
    assert (check[1].startswith("Not compliant"), check[2]) == (True, "–")
    assert violations_of_wcag(page) == []


def test_plans_and_reports_name_the_check_apart(page: Page) -> None:
    finding = api(page, "compliance/findings", judged_by="PublisherCheck")["findings"][0]
    at(page, view="plans")
    broken = page.locator("#plans li", has=page.locator(".mark.check")).first
    expect(broken).to_contain_text("Publisher check: network security group")

    at(page, view="report", application=finding["application"]["id"])
    heading = page.locator("#report h4", has=page.locator(".mark.check"))
    expect(heading).to_contain_text("Publisher check: network security group")
