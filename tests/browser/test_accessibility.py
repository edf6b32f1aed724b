"""The page for everybody: WCAG 2.2 AA as far as axe can tell, by keyboard alone, printed, in the dark, in local time."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sandbox.world.sample_fleet import SampleFleet
from tests.browser.conftest import Place, api, at, is_within, settled, violations_of_wcag

pytestmark = pytest.mark.timeout(300)  # a busy machine is no failure
VIEWS = ("now", "findings", "customers", "plans", "exemptions", "guard", "alerts", "collector")


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    """Two and a half of the six hours between the sample's runs."""
    return {"API_STALE_AFTER_MINUTES": "900"}


@pytest.fixture(scope="module", autouse=True)
def fleet(place: Place) -> SampleFleet:
    fleet = SampleFleet(180, hours_ago=[*range(312, 120, -6), *range(60, -1, -6)], lost=0.03)
    fleet.fill(place.sandbox.workspace, place.sandbox.clock)
    return fleet


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    worst = api(page, "compliance/applications", page_size=1)["applications"][0]
    for view in VIEWS:
        at(page, view=view)
        assert violations_of_wcag(page) == [], view
    at(page, view="report", application=worst["id"])
    assert violations_of_wcag(page) == []
    at(page, view="now")
    page.locator("#trend summary").click()
    assert violations_of_wcag(page) == []
    at(page, view="customers", open=worst["id"])
    page.locator("dialog .why summary").first.click()
    assert violations_of_wcag(page) == []


@pytest.mark.parametrize("width", [1440, 768, 390])
def test_axe_finds_nothing_at_any_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    for view in ("now", "findings", "customers"):
        at(page, view=view)
        assert is_within(page), view
        assert violations_of_wcag(page) == [], view


def test_every_control_is_large_enough_to_be_hit(page: Page) -> None:
    """WCAG 2.2, 2.5.8: 24 by 24 CSS pixels, but for links in lines of text."""
    page.set_viewport_size({"width": 390, "height": 844})
    for view in ("now", "customers"):
        at(page, view=view)
        small = page.evaluate(
            "[...document.querySelectorAll('button, select, input, .button, .views a, .tiles a')].filter(one => one.offsetParent)"
            ".map(one => [one.textContent.trim().slice(0, 30), one.getBoundingClientRect()])"
            ".filter(([, box]) => box.width < 24 || box.height < 24).map(([text]) => text)"
        )
        assert small == [], view


def test_the_page_is_walked_by_keyboard_alone(page: Page) -> None:
    press = page.keyboard.press
    at(page, "?")
    press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    press("Enter")
    assert page.evaluate("document.activeElement.id") == "view"
    focused = "document.activeElement.textContent.trim()"
    press("Tab")
    assert page.evaluate(focused) == "Resolved since yesterday"
    press("Tab")
    assert "overdue" in page.evaluate(focused)
    press("Tab")
    assert "new since yesterday" in page.evaluate(focused)
    press("Enter")
    expect(page.locator("#view h2").first).to_have_text("Open findings")
    assert page.evaluate(focused) == "Open findings"
    settled(page)
    expect(page.locator("#findings tbody tr")).not_to_have_count(0)

    page.locator("#findings a[data-application]").first.focus()
    application = page.evaluate("document.activeElement.dataset.application")
    press("Enter")
    expect(page.locator("dialog .facts")).to_be_visible()
    settled(page)
    for _ in range(60):
        press("Tab")
        if page.evaluate("document.activeElement !== document.body"):
            assert page.evaluate("Boolean(document.activeElement.closest('dialog'))")
    press("Escape")
    expect(page.locator("dialog")).not_to_be_visible()
    assert page.evaluate("document.activeElement.dataset.application") == application


def test_the_trend_is_the_api_s_and_its_values_are_told_on_hover_and_by_keyboard(page: Page) -> None:
    history = api(page, "compliance/history")["history"]
    at(page, "?")
    chart = page.locator("#trend [role=slider]")
    readout = page.locator("[data-readout]")

    def told(point: dict[str, Any]) -> str:
        counts = point["applications"]
        return f"{counts['noncompliant']} not compliant, {counts['unread']} could not be read"

    expect(readout).to_contain_text(told(history[-1]))
    chart.focus()
    page.keyboard.press("Home")
    expect(readout).to_contain_text(told(history[0]))
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text(told(history[1]))
    expect(chart).to_have_attribute("aria-valuetext", re.compile(re.escape(told(history[1]))))
    page.keyboard.press("End")
    expect(readout).to_contain_text(told(history[-1]))
    chart.hover(position={"x": 32, "y": 60})
    expect(readout).to_contain_text(told(history[0]))

    page.locator("#trend summary").click()
    shares = page.locator("#trend tbody td:nth-child(2)").all_inner_texts()
    assert shares == [f"{one['compliant_share']:.1f}\u00a0%" for one in reversed(history)][: len(shares)]


def test_where_no_run_was_completed_the_trend_has_a_gap_and_says_for_how_long(page: Page) -> None:
    at(page, "?")

    expect(page.locator("[data-silences]")).to_contain_text("No run was completed for 3 days after")
    gap = page.locator("#trend-chart rect.silence, .trend-chart rect.silence")
    expect(gap).to_have_count(1)
    box, chart = gap.bounding_box(), page.locator(".trend-chart svg").bounding_box()
    assert box is not None
    assert chart is not None
    hours = 312
    drawn = chart["width"] - 42
    assert box["width"] == pytest.approx(drawn * (72 - 6) / hours, rel=0.05)


@pytest.mark.parametrize("width", [1440, 768, 390])
def test_the_dates_below_the_trend_stand_apart_also_where_it_is_narrow(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    at(page, view="plans")
    page.click("#views a:first-child")
    settled(page)

    ends = page.locator(".trend-chart text[text-anchor=middle]").evaluate_all(
        "dates => dates.map(date => date.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert len(ends) >= 3
    assert all(before[1] + 4 <= after[0] for before, after in pairwise(ends))


def test_times_are_told_in_utc_and_where_the_reader_is(place: Place) -> None:
    context = place.browser.new_context(timezone_id="Asia/Kathmandu", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(place.front_door)
    settled(page)

    shown = page.locator("#as-of time").inner_text()
    context.close()
    match = re.search(r"(\d\d):(\d\d) UTC \((?:.*, )?(\d\d):(\d\d) GMT\+5:45\)", shown)
    assert match, shown
    hours, minutes, here_hours, here_minutes = map(int, match.groups())
    assert ((here_hours * 60 + here_minutes) - (hours * 60 + minutes)) % (24 * 60) == 5 * 60 + 45


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("query", ["?", "?view=customers&status=noncompliant", "?view=report"])
def test_it_prints_on_white_paper_without_what_can_only_be_clicked(
    page: Page, tmp_path: Path, scheme: Any, query: str
) -> None:
    worst = api(page, "compliance/applications", page_size=1)["applications"][0]
    page.emulate_media(color_scheme=scheme)
    at(page, f"{query}&application={worst['id']}" if "report" in query else query)
    printed = page.pdf(path=tmp_path / "page.pdf", format="A4", print_background=True)

    assert printed.startswith(b"%PDF")
    page.emulate_media(media="print", color_scheme=scheme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("#refresh").is_hidden()
    assert page.locator("#views").is_hidden()
    assert page.locator("#view h2").first.is_visible()
    if reader := shutil.which("pdftotext"):
        told = subprocess.run([reader, tmp_path / "page.pdf", "-"], capture_output=True, check=True)
        assert worst["customer"] in told.stdout.decode()
        assert "Refresh" not in told.stdout.decode()
