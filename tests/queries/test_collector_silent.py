"""The rule that tells that the collector itself is silent, for every collection interval."""

from datetime import timedelta

import pytest

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import AlertRule, read_document, read_rules
from sandbox.workspace.iso8601 import parse_duration
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet, good

INTERVALS = list(read_document()["collectionIntervals"])
INGESTION_LATENCY = timedelta(minutes=15)


def silent_rule(interval: str) -> AlertRule:
    return next(rule for rule in read_rules(interval) if rule.name == "collector-silent")


def test_empty_tables_fire_with_a_count_of_zero(workspace: Workspace) -> None:
    [notification] = AlertEvaluator([silent_rule("PT1H")], workspace).evaluate(NOW)

    assert (notification.condition, notification.value, dict(notification.dimensions)) == ("Fired", 0, {})


@pytest.mark.parametrize("interval", INTERVALS)
def test_one_lost_run_and_a_slow_ingestion_stay_silent(fleet: Fleet, workspace: Workspace, interval: str) -> None:
    fleet.run(alpha=[good()])
    just_before_the_next = NOW + 2 * parse_duration(interval) + INGESTION_LATENCY

    assert AlertEvaluator([silent_rule(interval)], workspace).evaluate(just_before_the_next) == []


@pytest.mark.parametrize("interval", INTERVALS)
def test_runs_that_stay_away_fire(fleet: Fleet, workspace: Workspace, interval: str) -> None:
    rule = silent_rule(interval)
    fleet.run(alpha=[good()])

    assert AlertEvaluator([rule], workspace).evaluate(NOW + rule.window_size + timedelta(minutes=1))


def test_runs_that_never_complete_fire(fleet: Fleet, workspace: Workspace) -> None:
    fleet.run(completed=False, alpha=[good()])

    assert AlertEvaluator([silent_rule("PT1H")], workspace).evaluate(NOW)


def test_the_run_over_an_empty_registry_is_a_heartbeat(fleet: Fleet, workspace: Workspace) -> None:
    fleet.run()

    assert AlertEvaluator([silent_rule("PT1H")], workspace).evaluate(NOW) == []


def test_the_next_completed_run_resolves(fleet: Fleet, workspace: Workspace) -> None:
    evaluator = AlertEvaluator([silent_rule("PT1H")], workspace)
    told = evaluator.evaluate(NOW - timedelta(hours=1))
    fleet.run(alpha=[good()])
    told += evaluator.evaluate(NOW + timedelta(minutes=1)) + evaluator.evaluate(NOW + timedelta(minutes=31))

    assert [notification.condition for notification in told] == ["Fired", "Resolved"]
