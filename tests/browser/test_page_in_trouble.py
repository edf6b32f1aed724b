"""The page when something is wrong, or changes: it says so, and never shows nothing as if nothing were wrong."""

# ruff: noqa: RUF001 - the page has dashes

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from sandbox.services import Service
from sandbox.workspace.workspace import Workspace
from sandbox.world.sample_fleet import SampleFleet
from tests.browser.conftest import OpenPage, Place, Watched, at, rows, settled, tiles

pytestmark = pytest.mark.timeout(300)  # a busy machine is no failure
REFUSED = "Failed to load resource"


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    return {"API_CACHE_SECONDS": "0"}


@pytest.fixture
def small_fleet(place: Place, workspace: Workspace) -> SampleFleet:
    fleet = SampleFleet(40)
    fleet.fill(workspace, place.sandbox.clock)
    return fleet


def open_dashboard(place: Place, new_page: OpenPage) -> Page:
    page = new_page()
    page.goto(place.front_door)
    return settled(page)


def break_off(route: Route) -> None:
    route.fulfill(status=503, content_type="application/problem+json", body='{"detail": "The workspace is elsewhere."}')


def test_an_unreachable_workspace_leaves_the_figures_and_says_that_they_are_stale(
    place: Place, small_fleet: SampleFleet, new_page: OpenPage, watched: Watched
) -> None:
    watched.expect(REFUSED)
    page = open_dashboard(place, new_page)
    before = tiles(page)

    with place.sandbox.offline(Service.LOG_ANALYTICS):
        page.click("#refresh")
        expect(page.locator("#fleet .banner")).to_contain_text("The data below is stale: it was loaded at")
        expect(page.locator("#trouble .banner")).to_contain_text("The data below is stale")

    assert before["total"] == "40"
    assert tiles(page) == before
    page.click("#refresh")
    expect(page.locator("#view .banner")).to_have_count(0)


def test_an_unreachable_workspace_shows_no_zeros_to_who_comes_then(
    place: Place, small_fleet: SampleFleet, new_page: OpenPage, watched: Watched
) -> None:
    watched.expect(REFUSED)

    with place.sandbox.offline(Service.LOG_ANALYTICS):
        page = open_dashboard(place, new_page)

    for part in ("trouble", "fleet", "trend"):
        expect(page.locator(f"#{part} .banner")).to_contain_text("It says nothing about any customer's compliance")
    assert tiles(page) == {}
    assert "0" not in page.locator("main").inner_text()
    assert rows(page, "#trouble") == []


@pytest.mark.parametrize(
    ("path", "part"), [("compliance/findings", "trouble"), ("compliance/history", "trend"), ("compliance", "fleet")]
)
@pytest.mark.usefixtures("small_fleet")
def test_what_one_part_cannot_load_leaves_the_others_standing(
    place: Place, new_page: OpenPage, watched: Watched, path: str, part: str
) -> None:
    watched.expect(REFUSED)
    page = open_dashboard(place, new_page)
    page.route(f"**/api/{path}", break_off)
    page.route(f"**/api/{path}?*", break_off)
    at(page, "?")

    expect(page.locator(f"#{part} .banner")).to_contain_text("The workspace is elsewhere.")
    for other in {"trouble", "fleet", "trend"} - {part}:
        expect(page.locator(f"#{other} .banner")).to_have_count(0)
        assert page.locator(f"#{other} :is(tbody tr, [data-tile], .trend-chart)").count()


def test_without_any_run_nothing_is_known(place: Place, workspace: Workspace, new_page: OpenPage) -> None:
    page = open_dashboard(place, new_page)

    expect(page.locator("#as-of")).to_have_text("No run yet")
    expect(page.locator("#banner")).to_contain_text("nothing is known")
    assert set(tiles(page).values()) == {"–"}
    expect(page.locator("#trouble")).to_contain_text("No run yet")
    for view in ("findings", "customers", "plans", "exemptions", "guard", "collector"):
        at(page, view=view)
        expect(page.locator("#view")).to_contain_text("No run")
        assert "0 of" not in page.locator("#view").inner_text()


def test_an_old_run_is_called_stale_on_every_view(place: Place, workspace: Workspace, new_page: OpenPage) -> None:
    fleet = SampleFleet(10, now=datetime.now(UTC) - timedelta(hours=20))
    fleet.fill(workspace, place.sandbox.clock)

    page = open_dashboard(place, new_page)

    for view in ("now", "customers", "plans"):
        at(page, view=view)
        expect(page.locator("#banner")).to_contain_text(
            "The data is stale: the latest completed run began 20 hours ago"
        )
    at(page, view="now")
    assert tiles(page)["total"] == "10"


@pytest.mark.usefixtures("workspace")
def test_what_counts_as_silence_in_the_trend_is_what_the_api_calls_a_gap(place: Place, new_page: OpenPage) -> None:
    """The runs are four hours apart, each as usual: and every one was late, for the API waits for two and a half."""
    hours = range(24, -1, -4)
    SampleFleet(10, hours_ago=hours).fill(place.sandbox.workspace, place.sandbox.clock)

    page = open_dashboard(place, new_page)

    expect(page.locator(".trend-chart rect.silence")).to_have_count(len(hours) - 1)
    expect(page.locator("[data-silences]")).to_contain_text("and 3 more times before")


def another_run(workspace: Workspace, after: str) -> None:
    """Publish the latest run once more, an hour later, with one application in trouble that was not."""
    later = {"TimeGenerated": datetime.now(UTC).isoformat(), "Run_id": "the-next"}
    for table in ("PolicyCollectionResults_CL", "PolicyVerdicts_CL", "PolicyCollectionRuns_CL"):
        known = workspace.query(f"{table} | where Run_id == '{after}'")
        told = [{name: one for name, one in {**row, **later}.items() if one is not None} for row in known]
        if table == "PolicyVerdicts_CL":
            sound = next(row for row in told if row["Verdict"] == "Compliant" and row["Guard"] == "Intact")
            sound |= {"Verdict": "NonCompliant", "Noncompliant_states": 3, "Since": "2026-01-01T00:00:00Z"}
        told = [
            {name: one.isoformat() if isinstance(one, datetime) else one for name, one in row.items()} for row in told
        ]
        workspace.insert(table, told)


def test_a_refresh_keeps_focus_open_details_and_scroll_and_brings_what_is_new(
    place: Place, workspace: Workspace, new_page: OpenPage
) -> None:
    hours = range(101, 0, -4)
    SampleFleet(180, hours_ago=hours).fill(workspace, place.sandbox.clock)
    page = open_dashboard(place, new_page)
    page.locator("#trend summary").click()
    link = page.locator("#trouble tbody tr:nth-child(4) a[data-application]")
    link.focus()
    name, count = link.inner_text(), page.locator("#trouble tbody tr").count()
    link.evaluate("one => { one.kept = true; one.scrollIntoView({block: 'center'}) }")
    top = page.evaluate("document.activeElement.getBoundingClientRect().top")

    another_run(workspace, f"run-{len(hours) - 1}")
    page.evaluate("document.getElementById('refresh').click()")
    expect(page.locator("#trouble tbody tr")).to_have_count(count + 1)
    settled(page)

    assert page.evaluate("document.activeElement.innerText") == name
    assert page.evaluate("document.activeElement.kept") is True
    assert page.locator("#trend details").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") == pytest.approx(top, abs=120)


def test_the_page_refreshes_by_itself_and_a_minute_of_watching_disturbs_nobody(
    place: Place, small_fleet: SampleFleet, new_page: OpenPage
) -> None:
    page = new_page()
    page.clock.install()
    page.goto(place.front_door)
    settled(page)
    at(page, view="customers")
    link = page.locator("#customers tbody tr:nth-child(9) a").first
    link.focus()
    name = link.inner_text()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.clock.run_for(61_000)
    expect(page.locator("body[data-state=fresh]")).to_have_count(1)

    assert any("/api/compliance/applications" in url for url in asked)
    assert page.evaluate("document.activeElement.innerText") == name


def test_a_fleet_without_findings_is_called_clear_only_where_everybody_was_read(
    place: Place, workspace: Workspace, new_page: OpenPage
) -> None:
    now = datetime.now(UTC).isoformat()
    common = {"TimeGenerated": now, "Run_id": "run"}
    scope = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Solutions/applications"
    for name, outcome in (("sound", "Succeeded"), ("lost", "AccessDenied")):
        row = {"Application_id": f"{scope}/{name}", "Application_name": name, "Customer_name": name, "Outcome": outcome,
               "Compliance": "Compliant", "Last_read": now}  # fmt: skip
        workspace.insert("PolicyCollectionResults_CL", [{**common, **row}])
    workspace.insert("PolicyCollectionRuns_CL", [{**common, "Applications": 2}])

    page = open_dashboard(place, new_page)

    expect(page.locator("#trouble")).to_contain_text("this is no all-clear. 1 could not be read")
