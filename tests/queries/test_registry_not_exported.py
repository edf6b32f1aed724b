"""The rule that tells that registry and ledger are not exported: it goes by what was told, and not by silence alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import read_rules
from sandbox.workspace.workspace import Workspace
from tests.queries.conftest import Fired, Story
from tests.queries.fleet import NOW
from tests.queries.published import EVENTS, Row, at, store, time

RULE = "registry-not-exported"


def told(action: str, hours_ago: float, code: str = "") -> Row:
    values = {"TimeGenerated": time(hours_ago), "Event_type": "Export", "Registry_action": action, "Error_code": code}
    return Row(EVENTS, values)


def exported(hours_ago: float) -> Row:
    return told("Exported", hours_ago)


def failed(hours_ago: float, code: str = "ServerBusy") -> Row:
    return told("ExportFailed", hours_ago, code)


def test_no_export_for_two_days_fires_also_when_nobody_told_of_a_failure(workspace: Workspace, fired: Fired) -> None:
    assert fired(RULE) == {("",): 1}
    store(workspace, exported(0))
    assert fired(RULE, at=at(47)) == {}
    assert fired(RULE, at=at(49)) == {("",): 1}


def test_events_of_applications_are_no_exports(workspace: Workspace, fired: Fired) -> None:
    of_an_operator = {"TimeGenerated": time(1), "Event_type": "Operator", "Registry_action": "Exported"}
    store(workspace, Row(EVENTS, of_an_operator))

    assert fired(RULE) == {("",): 1}


@pytest.mark.parametrize(("hours", "fires"), [(47, False), (49, True)])
def test_a_fresh_installation_has_two_days(workspace: Workspace, hours: int, fires: bool) -> None:
    [rule] = [one for one in read_rules("PT1H", installed_at=NOW - timedelta(hours=hours)) if one.name == RULE]

    assert bool(AlertEvaluator([rule], workspace).evaluate(NOW)) is fires


def test_three_failures_in_a_row_fire_with_the_latest_reason(workspace: Workspace, fired: Fired) -> None:
    store(workspace, exported(20), failed(3), failed(2))
    assert fired(RULE) == {}
    store(workspace, failed(1, "RowsLost"))

    assert fired(RULE) == {("RowsLost",): 1}


def test_failures_before_the_latest_export_count_no_more(workspace: Workspace, fired: Fired) -> None:
    store(workspace, failed(4), failed(3), failed(2), exported(1))

    assert fired(RULE) == {}


def test_a_single_failure_names_the_reason_once_two_days_are_over(workspace: Workspace, fired: Fired) -> None:
    store(workspace, failed(1, "AuthorizationFailure"))

    assert fired(RULE) == {("AuthorizationFailure",): 1}


def test_the_next_export_resolves_it(story: Story) -> None:
    failures = [failed(hours_ago) for hours_ago in (3, 2, 1)]

    assert story(RULE, {0: failures, 2: [exported(-2)]}, until=3) == [f"Fired {RULE}", f"Resolved {RULE}"]
