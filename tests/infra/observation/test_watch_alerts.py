"""Calls that the front refuses, and rows that Azure drops, are told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.workspace.workspace import Workspace
from tests.infra.observation.strangers import ADDRESS, told
from tests.queries.fleet import NOW

REFUSALS = "front-refusals"


def answers(
    workspace: Workspace,
    count: int,
    minutes_ago: float,
    *,
    code: str = "401",
    address: str = "0.0.0.0",  # noqa: S104 - how Application Insights leaves an address out
    app: str = "func-front",
) -> None:
    row = {
        "TimeGenerated": (NOW - timedelta(minutes=minutes_ago)).isoformat(),
        "AppRoleName": app,
        "ResultCode": code,
        "ClientIP": address,
        "ItemCount": 1,
    }
    workspace.insert("AppRequests", [row] * count)


def test_a_spike_of_refusals_in_two_quarters_of_an_hour_is_told_by_answer(workspace: Workspace) -> None:
    for code in ("401", "400"):
        answers(workspace, 51, 10, code=code)
        answers(workspace, 51, 25, code=code)
    alerts = {one["Result_code"]: one["From"] for one in told(workspace, REFUSALS)}
    assert alerts == {"401": "not recorded", "400": "not recorded"}


def test_a_short_burst_and_a_mistake_in_one_plans_address_alert_nobody(workspace: Workspace) -> None:
    answers(workspace, 500, 10)
    answers(workspace, 50, 25)
    assert told(workspace, REFUSALS) == []


@pytest.mark.parametrize("minutes_ago", [10, 25])
def test_a_flood_is_told_although_it_is_over_within_minutes(workspace: Workspace, minutes_ago: float) -> None:
    answers(workspace, 501, minutes_ago, address=ADDRESS)
    assert told(workspace, REFUSALS) == [{"Result_code": "401", "From": ADDRESS}]


def test_other_answers_and_other_apps_are_no_refusals_of_the_front(workspace: Workspace) -> None:
    for minutes in (10, 25):
        answers(workspace, 60, minutes, code="200")
        answers(workspace, 60, minutes, code="503")
        answers(workspace, 60, minutes, code="401", app="func-api")
    assert told(workspace, REFUSALS) == []


def test_requests_that_stand_for_many_count_as_many(workspace: Workspace) -> None:
    for minutes in (10, 25):
        at = (NOW - timedelta(minutes=minutes)).isoformat()
        row = {"TimeGenerated": at, "AppRoleName": "FUNC-FRONT", "ResultCode": "401", "ClientIP": "", "ItemCount": 60}
        workspace.insert("AppRequests", [row])
    assert [one["From"] for one in told(workspace, REFUSALS)] == ["not recorded"]


def test_an_address_that_most_calls_came_from_is_named_where_addresses_are_recorded(workspace: Workspace) -> None:
    for minutes in (10, 25):
        answers(workspace, 60, minutes, code="401", address=ADDRESS)
        answers(workspace, 20, minutes, code="401", address="198.51.100.1")
        for last in range(60):
            answers(workspace, 1, minutes, code="400", address=f"198.51.100.{last}")
    assert {one["Result_code"]: one["From"] for one in told(workspace, REFUSALS)} == {
        "401": ADDRESS,
        "400": "many addresses",
    }


def test_rows_that_the_rule_dropped_are_told_by_stream_and_operation_with_the_message_cut(workspace: Workspace) -> None:
    message = "The following fields' values are too long: " + "x" * 500
    dropped = {
        "TimeGenerated": NOW.isoformat(),
        "InputStreamId": "Custom-PolicyVerdicts_CL",
        "OperationName": "Transformation",
        "Message": message,
    }
    workspace.insert("DCRLogErrors", [dropped, dropped | {"Message": "zzz"}])
    assert told(workspace, "rows-dropped") == [
        {"Stream": "Custom-PolicyVerdicts_CL", "Operation": "Transformation", "Says": message[:200]}
    ]
