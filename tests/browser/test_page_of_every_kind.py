"""The page and a fleet with one application of every kind: what is held, accepted, weakened or out of reach says so."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Place, api, at, rows, settled, tiles, violations_of_wcag
from tests.queries.every_kind import (
    COMPLIANT,
    NONCOMPLIANT,
    NOT_EVALUATED,
    TOTAL,
    UNREAD,
    one_of_every_kind,
)
from tests.queries.fleet import NOW, Fleet

pytestmark = pytest.mark.timeout(300)  # a busy machine is no failure
WIDTHS = (390, 768, 1440)


@pytest.fixture(scope="module", autouse=True)
def fleet(place: Place) -> Iterator[None]:
    place.sandbox.clock.stop(NOW)
    one_of_every_kind(Fleet(place.sandbox.workspace))
    lose_rows_of_violated(place)
    yield
    place.sandbox.clock.reset()


def lose_rows_of_violated(place: Place) -> None:
    """Announce more violations and more rows than are there."""
    workspace = place.sandbox.workspace
    [row] = workspace.query("PolicyVerdicts_CL | where Application_name == 'violated' | top 1 by TimeGenerated desc")
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    more = {"TimeGenerated": NOW.isoformat(), "Noncompliant_states": 9, "States_rows": 12}
    workspace.insert("PolicyVerdicts_CL", [{name: one for name, one in (told | more).items() if one is not None}])


def opened(page: Page, name: str) -> Page:
    """The page with the details of an application."""
    at(page, view="customers")
    page.click(f"#customers a[data-application]:has-text('Customer {name}')")
    settled(page)
    expect(page.locator("dialog .facts")).to_be_visible()
    return page


def test_the_tiles_divide_the_fleet_and_add_up(page: Page) -> None:
    shown = tiles(page)

    parts = {
        "noncompliant": len(NONCOMPLIANT),
        "unread": len(UNREAD),
        "not_evaluated": len(NOT_EVALUATED),
        "compliant": len(COMPLIANT),
    }
    assert {name: int(shown[name]) for name in parts} == parts
    assert (int(shown["total"]), shown["share"]) == (TOTAL, "20.0\u00a0%")
    unread = page.locator("a:has([data-tile=unread])")
    expect(unread).to_contain_text("1 not compliant when last read")
    expect(unread).to_contain_text("1 never read")


def test_a_name_is_in_the_list_of_trouble_exactly_when_the_customer_is_in_trouble(page: Page) -> None:
    told = {one["application"]["name"] for one in api(page, "compliance/findings", page_size=1000)["findings"]}
    shown = {row[1].split("\n")[1] for row in rows(page, "#trouble")}

    assert shown == told >= {"violated", "held", "disarmed", "denied"}
    assert not shown & {"sound", "left"}
    text = page.locator("#view").inner_text()
    assert not [name for name in ("Customer sound", "Customer left") if name in text]


def test_what_is_held_and_accepted_is_told_as_that(page: Page) -> None:
    said = {row[1].split("\n")[1]: row[2] for row in rows(page, "#trouble") if row[2].startswith("Not compliant")}

    assert "Held" in said["held"]
    assert "held: its state is missing, and the resource is not proven gone" in said["held"]
    assert "Accepted until 9 Apr 2026, 12:00 UTC" in said["accepted"]
    assert "Held" not in said["violated"]
    assert "last read 10 Mar 2026" in said["denied"], "what is held because nobody can read it is of that day"


def test_alert_rules_that_fire_say_so_and_lead_to_what_they_are_about(page: Page) -> None:
    at(page, view="alerts")
    expect(page.locator("#alerts .head")).to_contain_text("fire", timeout=60_000)
    settled(page)

    assert "Fires" in page.locator("[data-rule=application_noncompliant]").inner_text()
    assert "quiet" in page.locator("[data-rule=deployment_failed]").inner_text()
    page.click("[data-rule=guard_changed] .rule > a")
    expect(page.locator("#findings tbody tr")).not_to_have_count(0)
    assert {row[2].split("\n")[0].split("  ")[0].strip() for row in rows(page, "#findings")} == {"Guard changed"}


def test_the_list_says_what_qualifies_a_status(page: Page) -> None:
    at(page, view="customers")
    said = {row[0].split("\n")[1]: row[1] for row in rows(page, "#customers")}

    assert "1 assignment with violations that are held" in said["held"]
    assert "1 assignment accepted for now" in said["accepted"]
    assert "1 assignment deleted, weakened or changed" in said["disarmed"]
    assert said["denied"].startswith("? Could not be read\nnot compliant when last read")
    assert said["newcomer"].startswith("? Could not be read\nnever read")
    assert said["sound"] == "✓ Compliant"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("held", "held since 10 Mar 2026, 09:00 UTC: its state is missing, and the resource is not proven gone"),
        ("disarmed", "held since 10 Mar 2026, 09:00 UTC: the assignment was weakened, or leaves it out"),
        ("denied", "held since 10 Mar 2026, 09:00 UTC: the customer cannot be read"),
        ("denied", "as of the last read, 10 Mar 2026, 07:00 UTC"),
        ("accepted", "by ada: planned"),
        ("violated", "since 10 Mar 2026, 07:00 UTC"),
    ],
)
def test_an_assignment_says_since_when_and_why(page: Page, name: str, said: str) -> None:
    opened(page, name)

    expect(page.locator("#details-assignments table")).to_contain_text(said)
    expect(page.locator("#details-assignments table")).to_contain_text("Not compliant")


def test_what_was_last_known_of_an_unread_customer_has_its_date(page: Page) -> None:
    opened(page, "denied")
    expect(page.locator("dialog .banner").first).to_contain_text("since 10 Mar 2026, 09:00 UTC")
    expect(page.locator("dialog .banner").first).to_contain_text(
        "What follows is what stood when it was last read (10 Mar 2026, 07:00 UTC): not compliant when last read."
    )
    page.keyboard.press("Escape")

    opened(page, "newcomer")
    expect(page.locator("dialog .banner").first).to_contain_text("It has never been read")
    expect(page.locator("dialog")).to_contain_text("Nothing is known.")
    page.keyboard.press("Escape")

    opened(page, "vanished")
    expect(page.locator("#details-violations")).to_contain_text(
        "None was open when it was last read, 10 Mar 2026, 07:00 UTC."
    )


def test_a_list_that_is_not_complete_says_so(page: Page) -> None:
    opened(page, "violated")

    banners = page.locator("dialog .banner")
    expect(banners.first).to_contain_text("9 violations are open, 2 of them are listed")
    expect(banners.nth(1)).to_contain_text("Only 3 of 12 rows of the last upload are here")


def test_what_belongs_to_no_plan_does_not_lead_to_the_whole_fleet(page: Page) -> None:
    at(page, view="plans")

    row = page.locator("#plans tbody tr:has-text('no plan')")
    expect(row).to_have_count(1)
    assert row.locator("td.number a").count() == 0


def test_a_customer_is_printed_from_its_name_on(page: Page) -> None:
    opened(page, "violated")
    page.set_viewport_size({"width": 700, "height": 400})
    page.emulate_media(media="print")

    box = page.locator("#details-heading").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 50
    assert page.locator("dialog").evaluate("one => one.scrollHeight <= one.clientHeight")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})

    opened(page, "disarmed")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= width
    assert violations_of_wcag(page) == []
