"""The saved query over notifications: each event once, with what became of it."""

from datetime import timedelta
from typing import Any

from sandbox.alerts.rules import QUERIES_DIRECTORY
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, application_id, subscription_of

QUERY = (QUERIES_DIRECTORY / "deployments.kql").read_text(encoding="utf-8")


def delivered(workspace: Workspace, event: str, minutes_ago: float, **more: Any) -> None:
    row = {
        "TimeGenerated": (NOW - timedelta(minutes=minutes_ago)).isoformat(),
        "Event_time": (NOW - timedelta(hours=1)).isoformat(),
        "Event_id": event,
        "Correlation_id": f"request {minutes_ago}",
        "Application_id": application_id("alpha"),
        "Application_name": "alpha",
        "Customer_subscription_id": subscription_of("alpha"),
        "Event_type": "PUT",
        "Provisioning_state": "Succeeded",
        "Plan_name": "standard",
        "Plan_version": "1.0.0",
    }
    workspace.insert("ManagedApplicationEvents_CL", [{**row, **more}])


def test_an_event_counts_once_and_its_latest_delivery_tells(workspace: Workspace) -> None:
    delivered(workspace, "first", 30, Registry_action="AccessDenied", Registry_error="AuthorizationFailed: no")
    delivered(workspace, "first", 10, Registry_action="Registered")
    delivered(workspace, "first", 20, Registry_action="AccessDenied", Registry_error="AuthorizationFailed: no")
    delivered(workspace, "second", 5, Registry_action="Updated", Customer_name="Alpha Ltd")

    rows = {row["Event_id"]: row for row in workspace.query(QUERY)}

    assert set(rows) == {"first", "second"}
    assert (rows["first"]["Registry_action"], rows["first"]["Deliveries"]) == ("Registered", 3)
    assert not rows["first"]["Registry_error"]
    assert rows["first"]["First_told"] == NOW - timedelta(minutes=30)
    assert rows["first"]["Last_told"] == NOW - timedelta(minutes=10)
    assert rows["first"]["Customer_name"] == subscription_of("alpha")
    assert (rows["second"]["Customer_name"], rows["second"]["Deliveries"]) == ("Alpha Ltd", 1)


def test_what_one_delivery_told_at_first_and_at_last_is_one_delivery(workspace: Workspace) -> None:
    delivered(workspace, "first", 30, Registry_action="Pending", Correlation_id="one")
    delivered(workspace, "first", 29, Registry_action="Registered", Correlation_id="one")
    delivered(workspace, "first", 20, Registry_action="Pending", Correlation_id="two")
    delivered(workspace, "first", 19, Registry_action="Updated", Correlation_id="two")

    [row] = workspace.query(QUERY)

    assert (row["Registry_action"], row["Deliveries"]) == ("Updated", 2)


def test_repeats_do_not_count_in_figures_by_plan(workspace: Workspace) -> None:
    for minutes_ago in (30, 20, 10):
        delivered(workspace, "first", minutes_ago)
    delivered(workspace, "second", 5, Plan_version="2.0.0")

    counted = workspace.query(f"{QUERY}| summarize Deployments = count() by Plan_version")

    assert {row["Plan_version"]: row["Deployments"] for row in counted} == {"1.0.0": 1, "2.0.0": 1}


def test_an_empty_table_has_no_event(workspace: Workspace) -> None:
    assert workspace.query(QUERY) == []
