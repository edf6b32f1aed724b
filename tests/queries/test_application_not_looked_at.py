"""The rule that tells of an application that is registered, and of which the collector has no result."""

from datetime import timedelta

import pytest

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import read_document, read_rules
from sandbox.workspace.iso8601 import parse_duration
from sandbox.workspace.workspace import Workspace
from tests.queries.conftest import Fired, Names, Story
from tests.queries.fleet import NOW, application_id, subscription_of
from tests.queries.published import EVENTS, RESULTS, Row, event, heartbeat, result, run, store, unread

RULE = "application-not-looked-at"
INTERVALS = list(read_document()["collectionIntervals"])
PATIENCE = 3.5 * 60
"""Minutes that an hourly collector has: two intervals and 90 minutes."""


def registered(minutes_ago: float, **more: object) -> Row:
    return event("PUT", "Succeeded", minutes_ago=minutes_ago, **{"Registry_action": "Registered", **more})


def test_an_application_without_a_result_fires_with_ids_alone(workspace: Workspace, fired: Fired) -> None:
    store(workspace, run(), registered(PATIENCE + 1), registered(PATIENCE + 1, name="beta"), result("beta"))

    assert list(fired(RULE, at=NOW)) == [(application_id("alpha").lower(), subscription_of("alpha"))]


def test_nothing_fires_over_empty_tables_and_heartbeats(workspace: Workspace, fired: Fired) -> None:
    assert fired(RULE) == {}
    store(workspace, heartbeat(EVENTS), heartbeat(RESULTS))
    assert fired(RULE) == {}


@pytest.mark.parametrize("interval", INTERVALS)
def test_the_collector_has_two_intervals_and_ninety_minutes(workspace: Workspace, interval: str) -> None:
    [rule] = [rule for rule in read_rules(interval) if rule.name == RULE]
    patience = 2 * parse_duration(interval) + timedelta(minutes=90)
    for rows in ([registered(0)], [registered(0), run(interval=parse_duration(interval))]):
        workspace.clear()
        store(workspace, *rows)
        assert AlertEvaluator([rule], workspace).evaluate(NOW + patience) == []
        assert len(AlertEvaluator([rule], workspace).evaluate(NOW + patience + timedelta(seconds=1))) == 1


@pytest.mark.parametrize(
    "looked", [result("alpha"), unread("alpha"), result("alpha", "Left"), result("alpha", "Skipped")]
)
def test_any_result_closes_it(story: Story, looked: Row) -> None:
    told = story(RULE, {0: [run(), registered(PATIENCE + 1)], 0.5: [looked.shouted()]}, until=1.5)

    assert told == ["Fired alpha", "Resolved alpha"]


def test_a_result_from_before_the_event_says_nothing(workspace: Workspace, names: Names) -> None:
    store(workspace, run(), result("alpha", hours_ago=5), registered(PATIENCE + 1))

    assert names(RULE, at=NOW) == ["alpha"]


def test_updates_that_keep_coming_do_not_put_it_off(workspace: Workspace, names: Names) -> None:
    store(workspace, run(), *(registered(minutes, Registry_action="Updated") for minutes in (10, 60, 120, 230)))

    assert names(RULE, at=NOW) == ["alpha"]


def test_updates_between_results_are_looked_at_in_time(workspace: Workspace, names: Names) -> None:
    store(workspace, run(), *(result("alpha", hours_ago=hours) for hours in range(1, 9)))
    store(workspace, *(registered(minutes, Registry_action="Updated") for minutes in range(10, 500, 35)))

    assert names(RULE, at=NOW) == []


@pytest.mark.parametrize("action", ["Removed", "DeletionConfirmed"])
def test_an_application_that_was_taken_out_again_is_not_missed(workspace: Workspace, names: Names, action: str) -> None:
    store(workspace, run(), registered(300), event("Operator", minutes_ago=250, Registry_action=action).shouted())

    assert names(RULE, at=NOW) == []


def test_an_application_that_came_back_after_its_removal_is_missed(workspace: Workspace, names: Names) -> None:
    store(workspace, run(), event("DELETE", "Deleted", minutes_ago=400, Registry_action="Removed"), registered(300))

    assert names(RULE, at=NOW) == ["alpha"]


@pytest.mark.parametrize("action", ["Ignored", "AccessDenied", "Throttled"])
def test_what_did_not_enter_the_registry_is_not_missed_here(workspace: Workspace, names: Names, action: str) -> None:
    store(workspace, run(), registered(300, Registry_action=action))

    assert names(RULE, at=NOW) == []


def test_dates_of_the_event_itself_do_not_count(workspace: Workspace, names: Names) -> None:
    store(workspace, run(), registered(PATIENCE + 1, Event_time="2099-01-01T00:00:00Z"))

    assert names(RULE, at=NOW) == ["alpha"]


def test_results_that_are_an_hour_late_do_not_fire_it(story: Story) -> None:
    arrivals = {0: [registered(0), run()]}
    arrivals |= {hour + 0.9: [result("alpha", hours_ago=-hour), run(hours_ago=-hour)] for hour in range(1, 8)}

    assert story(RULE, arrivals, until=9) == []
