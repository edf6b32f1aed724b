"""What is overdue, how severe it is and when the rest is due; and which plan version introduced what, on every width."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Place, api, at, is_within, rows, settled
from tests.queries.fleet import NOW, Fleet, application_id, bad, good
from verdicts.plan_settings import PlanSettings, Severity

pytestmark = pytest.mark.timeout(300)  # a busy machine is no failure
WIDTHS = (390, 768, 1440)
TEN_DAYS = timedelta(days=10)


@pytest.fixture(scope="module", autouse=True)
def fleet(place: Place) -> Iterator[None]:
    """`late` and `later` are overdue, `old` has no plan, `alpha` got the version that broke it; one could not be read."""
    clock, fleet = place.sandbox.clock, Fleet(place.sandbox.workspace)
    fleet.settled = {"gold": PlanSettings("gold", Severity.LOW, {"tls": Severity.CRITICAL, "baseline": Severity.HIGH})}
    fleet.plans = dict.fromkeys(("late", "later", "alpha", "lost"), ("gold", "1.9.0"))
    sound = [good(), good(assignment="tls")]
    known = {"old": [bad()], "late": [bad(assignment="tls"), good()], "later": [bad(), good(assignment="tls")]}
    clock.stop(NOW - TEN_DAYS)
    fleet.run(hours_ago=10 * 24, **known, alpha=sound, lost=sound)
    clock.stop(NOW)
    fleet.plans["alpha"] = ("gold", "1.10.0")
    fleet.run(hours_ago=1, **known, alpha=[good(), bad("a", assignment="tls")], lost="AccessDenied")
    yield
    clock.reset()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_screen_says_how_many_are_overdue_and_begins_with_them(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    at(page)

    expect(page.locator("#trouble .headline")).to_contain_text("2 overdue (1 critical, 1 high)")
    said = [(row[1].split("\n")[1], row[2]) for row in rows(page, "#trouble")]
    assert [name for name, _ in said][:2] == ["late", "later"]
    assert [name for name, what in said if "! Overdue since" in what] == ["late", "later"]
    assert "1 violation, critical" in said[0][1]
    assert is_within(page)

    page.click("#trouble .headline >> text=2 overdue")
    settled(page)
    assert [row[1].split("\n")[1] for row in rows(page, "#findings")] == ["late", "later"]
    expect(page.locator("#findings .chips [aria-current=true]")).to_have_text("Overdue")
    assert is_within(page)


def test_findings_can_be_sorted_by_when_they_are_due(page: Page) -> None:
    at(page, view="findings", kind="noncompliant")
    page.select_option("#findings [name=sort]", "due_by")
    settled(page)

    told = api(page, "compliance/findings", kind="noncompliant", sort="due_by")["findings"]
    assert [row[1].split("\n")[1] for row in rows(page, "#findings")] == [one["application"]["name"] for one in told]
    assert [name for name in told if name["due_by"] is None] == []
    assert "sort=due_by" in page.url
    due = {row[1].split("\n")[1]: row[4] for row in rows(page, "#findings")}
    assert "due 30 Mar 2026" in due["old"]
    assert "due" not in due["late"], "it has a mark of its own"


def test_findings_can_be_narrowed_by_how_severe_they_are(page: Page) -> None:
    at(page, view="findings")
    page.select_option("#findings [name=severity]", "critical")
    settled(page)

    assert [row[1].split("\n")[1] for row in rows(page, "#findings")] == ["late", "alpha"]


def test_a_customer_s_details_say_when_what_is_due(page: Page) -> None:
    at(page, view="customers", open=application_id("late"))

    expect(page.locator("dialog .facts")).to_contain_text("! 1 assignment overdue")
    assignments = page.locator("#details-assignments")
    expect(assignments).to_contain_text("overdue since 2 Mar 2026, 12:00 UTC, severity critical")
    expect(assignments).to_contain_text("since 28 Feb 2026, 12:00 UTC, in version 1.9.0")


@pytest.mark.parametrize("width", WIDTHS)
def test_plans_say_which_version_introduced_what(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    at(page, view="plans", plan="gold")

    told = {row[0].split("\n")[1]: row for row in rows(page, "#plans")}
    newer, older = told["1.10.0"], told["1.9.0"]
    assert "1 customer not compliant since this version" in newer[6]
    assert "began in 1.9.0" in newer[6]
    assert "1 customer not compliant since this version, 1 overdue" in older[6]
    assert "0.0\u00a0% of those read" in older[5]
    assert "of the time not known" in newer[5]
    assert is_within(page)
