"""The rule that tells that a customer's deployment failed, over notifications that come twice, late and out of order."""

from typing import Any

import pytest

from sandbox.workspace.workspace import Workspace
from tests.queries.conftest import Fired, Names, Story
from tests.queries.fleet import application_id, subscription_of
from tests.queries.published import EVENTS, Row, at, event, heartbeat, store

RULE = "deployment-failed"


def failed(minutes_ago: float, **more: Any) -> Row:
    error = {"Error_code": "QuotaExceeded", "Error_message": "No cores left"}
    return event("PUT", "Failed", minutes_ago=minutes_ago, **{**error, **more})


def test_a_failed_deployment_fires_with_ids_alone(workspace: Workspace, fired: Fired) -> None:
    store(workspace, event("PUT", "Accepted", minutes_ago=20), failed(10))
    store(workspace, event("PUT", "Succeeded", minutes_ago=5, name="beta"))

    assert list(fired(RULE)) == [(application_id("alpha").lower(), subscription_of("alpha"))]


def test_nothing_fires_over_an_empty_table_and_heartbeats(workspace: Workspace, fired: Fired) -> None:
    assert fired(RULE) == {}
    store(workspace, heartbeat(EVENTS))
    assert fired(RULE) == {}


def test_a_repeated_notification_fires_once(workspace: Workspace, names: Names) -> None:
    store(workspace, failed(10, Registry_action="Timeout", Registry_error="Timeout: the call took too long"))
    store(workspace, failed(10, after=5).shouted())

    assert names(RULE) == ["alpha"]


def test_what_is_not_of_our_offers_raises_no_alarm_and_ends_none(workspace: Workspace, names: Names) -> None:
    store(workspace, failed(10, Registry_action="NotOurs"))
    assert names(RULE) == []

    store(workspace, failed(30), event("PUT", "Succeeded", minutes_ago=5, Registry_action="NotOurs"))
    assert names(RULE) == ["alpha"]


CLOSING = [
    event("PUT", "Succeeded", minutes_ago=5, Registry_action="Registered"),
    event("DELETE", "Deleted", minutes_ago=5, Registry_action="Removed"),
    event("Reconciliation", minutes_ago=5, Registry_action="DeletionConfirmed"),
    event("Operator", minutes_ago=5, Registry_action="Removed"),
]


@pytest.mark.parametrize("closing", CLOSING)
def test_success_deletion_and_removal_make_it_silent(workspace: Workspace, names: Names, closing: Row) -> None:
    store(workspace, failed(10), closing)

    assert names(RULE) == []


@pytest.mark.parametrize(
    ("event_type", "state"),
    [
        ("PUT", "Accepted"),
        ("PATCH", "Succeeded"),
        ("DELETE", "Deleting"),
        ("DELETE", "Failed"),
        ("Reconciliation", ""),
        ("Operator", ""),
        ("Heartbeat", ""),
    ],
)
def test_what_does_not_repair_the_deployment_does_not_make_it_silent(
    workspace: Workspace, names: Names, event_type: str, state: str
) -> None:
    store(workspace, failed(10), event(event_type, state, minutes_ago=5, Registry_action="Registered"))

    assert names(RULE) == ["alpha"]


def test_events_count_by_their_own_time(workspace: Workspace, names: Names) -> None:
    store(workspace, event("PUT", "Succeeded", minutes_ago=5), failed(10, after=9))

    assert names(RULE) == []


@pytest.mark.parametrize("year", ["2026-03-11", "2099-01-01"])
@pytest.mark.parametrize(("event_type", "state"), [("PUT", "Succeeded"), ("DELETE", "Deleted")])
def test_nobody_silences_it_with_a_date_in_the_future(
    workspace: Workspace, names: Names, event_type: str, state: str, year: str
) -> None:
    store(workspace, event(event_type, state, minutes_ago=60, Event_time=f"{year}T00:00:00Z"), failed(10))

    assert names(RULE) == ["alpha"]


def test_a_reception_in_the_future_is_none(workspace: Workspace, names: Names) -> None:
    future = {"Event_time": "2099-01-01T00:00:00Z", "Received_at": "2099-01-01T00:00:00Z"}
    store(workspace, event("PUT", "Succeeded", minutes_ago=60, **future), failed(10))

    assert names(RULE) == ["alpha"]


def test_a_failure_that_claims_to_be_of_the_future_does_not_outlive_a_success(
    workspace: Workspace, names: Names
) -> None:
    store(workspace, failed(60, Event_time="2099-01-01T00:00:00Z"), event("PUT", "Succeeded", minutes_ago=10))

    assert names(RULE) == []


def test_attempts_that_fail_for_ever_new_reasons_do_not_fire_again(story: Story) -> None:
    arrivals = {
        hour: [
            failed(
                -60 * hour,
                Error_code=f"Reason{hour}",
                Error_message=f"<b>{hour}</b>",
                Application_name=f"name {hour}",
                Customer_name=f"customer {hour}",
                Plan_version=f"{hour}.0",
            )
        ]
        for hour in range(5)
    }

    assert story(RULE, arrivals, until=6) == ["Fired alpha"]


def test_another_failure_after_a_success_fires_again(story: Story) -> None:
    arrivals = {0: [failed(0)], 1: [event("PUT", "Succeeded", minutes_ago=-60)], 3: [failed(-180)]}

    assert story(RULE, arrivals, until=4) == ["Fired alpha", "Resolved alpha", "Fired alpha"]


def test_events_that_become_visible_an_hour_late_tell_the_same(workspace: Workspace, names: Names) -> None:
    store(workspace, failed(30), event("PUT", "Succeeded", minutes_ago=90))

    assert names(RULE, at=at(1)) == ["alpha"]
