"""Names that others chose are text: they turn nothing around, run nothing and fit into every window."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from sandbox.workspace.workspace import Workspace
from tests.browser.conftest import Place, at, is_within

pytestmark = pytest.mark.timeout(300)  # a busy machine is no failure
MARKUP = '<img src=x onerror="document.title=1">"\'</script>${alert(1)}'
LONG = "x" * 3000
ARABIC = "\u0645\u0624\u0633\u0633\u0629 \u0627\u0644\u0627\u062e\u062a\u0628\u0627\u0631 (2)"
APPLICATION = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Solutions/applications/app"

VIEWS = ("now", "findings", "customers", "plans", "exemptions", "guard", "report")


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    return {"API_CACHE_SECONDS": "0"}


def called(workspace: Workspace, name: str) -> None:
    """Write a run about one application, in which everything is called so."""
    now = datetime.now(UTC)
    common = {
        "TimeGenerated": now.isoformat(),
        "Run_id": "run",
        "Customer_name": name,
        "Plan_name": name,
        "Plan_version": name,
    }
    application = {"Application_id": APPLICATION, "Application_name": name}
    found = {"Outcome": "Succeeded", "Compliance": "NonCompliant", "States": 1, "Noncompliant_states": 1}
    assignment = {
        "Policy_assignment_id": "/p/a",
        "Policy_assignment_name": name,
        "Policy_assignment_display_name": name,
    }
    standing = {
        "Verdict": "NonCompliant",
        "Since": (now - timedelta(days=2)).isoformat(),
        "Noncompliant_states": 1,
        "Resource_ids": "[]",
        "States_id": "run",
        "States_time": now.isoformat(),
        "Guard": "Changed",
        "Guard_details": name,
        "Exemptions": 1,
        "Exemption_created_by": name,
        "Exemption_accepted_by": name,
        "Exemption_accepted_until": "2030-04-09T12:00:00Z",
        "Last_read": now.isoformat(),
    }
    state = {
        "Resource_id": f"/subscriptions/s/{name}",
        "Compliance_state": "NonCompliant",
        "Is_compliant": False,
        "Resource_count": 1,
    }
    workspace.insert("PolicyComplianceStates_CL", [{**common, **application, **assignment, **state}])
    workspace.insert("PolicyCollectionResults_CL", [{**common, **application, **found}])
    workspace.insert("PolicyVerdicts_CL", [{**common, **application, **assignment, **standing}])
    workspace.insert("PolicyCollectionRuns_CL", [{**common, "Applications": 1}])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (MARKUP, MARKUP),
        ("Contoso \u202egnidloH\u202c", "Contoso  gnidloH "),
        ("\u2067Fab\u200brikam\u2069\ufeff", " Fab rikam  "),
        (ARABIC, ARABIC),
        ("Contoso \U0001f389\U0001f3e6", "Contoso \U0001f389\U0001f3e6"),
        (LONG, LONG),
    ],
    ids=["markup", "turned", "unseen", "right to left", "emoji", "long"],
)
def test_names_are_text_in_every_view_and_at_every_width(
    place: Place, workspace: Workspace, page: Page, name: str, shown: str
) -> None:
    called(workspace, name)
    widths, views = ((1440, 768, 390), VIEWS) if name == LONG else ((390,), ("now", "customers"))
    for view in views:
        at(page, view=view, application=APPLICATION, timespan="P7D")
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            assert is_within(page), (view, width)
        if view != "report":
            expect(page.locator("#view bdi").first).to_have_text(shown)
    at(page, view="customers", open=APPLICATION)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("(one => one.scrollWidth <= one.clientWidth)(document.querySelector('dialog'))"), width
    expect(page.locator("dialog h2 bdi").first).to_have_text(shown)
    content = page.locator("body").inner_text()
    assert not set(content) & set("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    assert page.title().endswith("Policy compliance of the fleet")
    assert page.locator("img, main script, dialog script").count() == 0
    assert page.evaluate(
        "[...document.querySelectorAll('bdi')].every(one => getComputedStyle(one).unicodeBidi === 'isolate')"
    )


def test_by_whom_and_until_when_an_exemption_is_accepted_stands_in_the_list_and_at_the_customer(
    place: Place, workspace: Workspace, page: Page
) -> None:
    called(workspace, "Grace")
    at(page, view="exemptions")
    accepted = page.get_by_role("columnheader", name="Accepted")
    expect(accepted).to_be_visible()
    expect(page.locator("#exemptions tbody td", has_text="2030")).to_contain_text("Grace")

    at(page, view="customers", open=APPLICATION)
    expect(page.locator("dialog")).to_contain_text("accepted by Grace until 9 Apr 2030, 12:00 UTC")
