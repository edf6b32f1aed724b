"""What the workbook shows: its queries' answers, and how it is put together."""

from __future__ import annotations

import json

import pytest

from checks.observation import EVERYBODY, INFRASTRUCTURE, LAYOUT, SELECTED, SHARED
from checks.reach.scenarios import scenarios
from checks.scans.states import STATES
from checks.templates.deployment import deploy
from sandbox.workspace.workspace import Workspace
from tests.infra.observation.conftest import Ask
from tests.queries.fleet import Fleet, State, application_id, bad, good


@pytest.fixture
def fleet(workspace: Workspace) -> Fleet:
    return Fleet(workspace)


def test_the_tiles_count_every_application_once_and_unread_ones_apart(fleet: Fleet, ask: Ask) -> None:
    fleet.run(hours_ago=3, acme=[bad()], blue=[good()], lost=[good()], bare=[])
    fleet.run(hours_ago=1, acme=[bad(), good("disk")], blue=[good()], lost="AccessDenied", bare=[])
    assert {row["Title"]: row["Value"] for row in ask("workbooks/summary.kql")} == {
        "Applications": 4,
        "Compliant": 1,
        "Not compliant": 1,
        "Not evaluated": 1,
        "Could not be read just now": 1,
        "Not readable, not compliant when last read": 0,
        "Never read": 0,
        "With violations that are overdue": 0,
        "With violations that are held": 0,
        "With violations that are accepted": 0,
        "With violations that your own checks found": 0,
        "With a policy assignment that was changed": 0,
    }


def test_the_fleet_over_time_shows_what_could_not_be_read_as_neither(fleet: Fleet, ask: Ask) -> None:
    fleet.run(hours_ago=2, acme=[bad()], blue=[good()])
    fleet.run(hours_ago=1, acme="Failed", blue=[good()])
    shares = [
        (row["Compliant %"], row["Not compliant %"], row["Could not be read %"])
        for row in ask("workbooks/fleet_history.kql")
    ]
    assert shares == [(50.0, 50.0, 0.0), (50.0, 0.0, 50.0)]


def test_customers_in_trouble_come_first_and_the_filter_leaves_one(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme=[good()], blue=[bad(), bad("disk"), State("Exempt", "nic"), State("Unknown", "ip")])
    rows = ask("workbooks/customers.kql")
    assert [(row["Application"], row["Not compliant"], row["Exempt"], row["Unknown"]) for row in rows] == [
        ("blue", 2, 1, 1),
        ("acme", 0, 0, 0),
    ]
    only = ask("workbooks/customers.kql", Customer=f"'{application_id('acme').lower()}'")
    assert [row["Application"] for row in only] == ["acme"]


def test_the_drill_down_lists_the_resources_of_the_selected_application(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme=[bad("vm-1"), good("vm-2")], blue=[bad("vm-3")])
    chosen = application_id("acme").lower()
    assert [row["Application"] for row in ask("workbooks/resources.kql", SelectedApplication=chosen)] == ["acme"]
    filtered = {"SelectedApplication": chosen, "Customer": f"'{application_id('other').lower()}'"}
    assert ask("workbooks/resources.kql", **filtered) == []


def test_a_list_of_resources_that_is_not_complete_is_told(fleet: Fleet, ask: Ask) -> None:
    fleet.run(hours_ago=1, acme=[bad("vm-1"), good("vm-2")], blue=[bad("vm-3")])
    chosen = application_id("acme").lower()
    assert ask("workbooks/states_missing.kql", SelectedApplication=chosen) == []
    fleet.run(dropped=["acme"], acme=[bad("vm-1"), good("vm-2")], blue=[bad("vm-3")])
    (row,) = ask("workbooks/states_missing.kql", SelectedApplication=chosen)
    assert (row["Application"], row["Rows spoken of"], row["Rows here"]) == ("acme", 2, 0)
    assert ask("workbooks/states_missing.kql", SelectedApplication=application_id("blue").lower()) == []


def test_the_workbook_opens_without_reading_a_state() -> None:
    [workbook] = deploy(scenarios()[0]).of_type("Microsoft.Insights/workbooks")
    items = json.loads(workbook.body["properties"]["serializedData"])["items"]
    selecting = [exported for item in items for exported in item["content"].get("exportedParameters", [])]
    assert selecting == [{"fieldName": "Application_id", "parameterName": "SelectedApplication"}], "no default value"
    selected = {"parameterName": "SelectedApplication", "comparison": "isNotEqualTo", "value": ""}

    hidden = {item["name"] for item in items if item.get("conditionalVisibility") == selected}
    assert hidden == {item["name"] for item in items if STATES in json.dumps(item)} == {"resources", "states-missing"}


def test_the_workbook_is_put_together_as_it_is_checked() -> None:
    module = (INFRASTRUCTURE / "modules" / "workbook.bicep").read_text().replace("\\'", "'")
    assert f"'{EVERYBODY}'" in module
    assert f"'{SELECTED}'" in module
    for name, (query, _) in SHARED.items():
        assert f"loadTextContent('../queries/{query}.kql'), 'end {name}')[0]" in module
        assert f"'{{{name}}}', {name})" in module


def test_assignments_count_applications_and_resources(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme=[bad("a"), good("b")], blue=[good("c"), good("d", assignment="network")])
    columns = (
        "Policy_assignment",
        "Applications",
        "Noncompliant_applications",
        "Noncompliant_states",
        "Compliant_states",
    )
    rows = [tuple(row[column] for column in columns) for row in ask("workbooks/assignments.kql")]
    assert rows == [("The baseline", 2, 1, 1, 2), ("The network", 1, 0, 0, 1)]


def test_exempt_and_unknown_states_have_a_place_of_their_own(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme=[good(), State("Exempt", "a"), State("Unknown", "b"), State("Unknown", "c")])
    assert [(row["Policy_assignment"], row["Exempt"], row["Unknown"]) for row in ask("workbooks/other_states.kql")] == [
        ("The baseline", 1, 2)
    ]


def test_unread_applications_say_why_and_since_when(fleet: Fleet, ask: Ask) -> None:
    fleet.run(hours_ago=2, acme=[good()], blue=[good()])
    fleet.run(hours_ago=1, acme="AccessDenied", blue=[good()])
    (row,) = ask("workbooks/unread.kql")
    assert (row["Application"], row["Outcome"]) == ("acme", "AccessDenied")
    assert row["Last read"] < row["Last tried"]


def test_collector_health_names_throttling(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme="Throttled", blue=[good()])
    (row,) = ask("workbooks/collector_runs.kql")
    assert (row["Applications"], row["Throttled"]) == (2, 1)
    assert len(ask("workbooks/collector_history.kql")) == 1


def test_every_filter_value_is_a_registered_application(fleet: Fleet, ask: Ask) -> None:
    fleet.run(acme=[good()], blue="Failed")
    assert {row["value"] for row in ask("workbooks/customers_parameter.kql")} == {
        application_id("acme").lower(),
        application_id("blue").lower(),
    }


def test_the_layout_names_each_query_by_its_file() -> None:
    layout = json.loads((INFRASTRUCTURE / LAYOUT).read_text())
    shown = {item["content"]["query"] for item in layout["items"] if "query" in item["content"]}
    assert shown | {"customers_parameter"} == {path.stem for path in (INFRASTRUCTURE / "workbooks").glob("*.kql")}
