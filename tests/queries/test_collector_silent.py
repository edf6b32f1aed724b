"""The rules that tell that the collector is silent, and that open alarms are about to end for that reason."""

from datetime import datetime, timedelta

import pytest

from sandbox.alerts.evaluation import AlertEvaluator, Notification
from sandbox.alerts.rules import INSTALLED_AT, AlertRule, read_document, read_rules
from sandbox.workspace.iso8601 import parse_duration
from sandbox.workspace.workspace import Workspace
from tests.queries.conftest import Fired, Story
from tests.queries.fleet import NOW
from tests.queries.published import RESULTS, VERDICTS, at, heartbeat, result, run, store, unread, verdict, violated

INTERVALS = list(read_document()["collectionIntervals"])
SLACK = timedelta(minutes=90)
ENDING = "alarms-ending"

every_interval = pytest.mark.parametrize("interval", INTERVALS)


def silent_rule(interval: str, installed_at: datetime | None = None) -> AlertRule:
    rules = read_rules(interval, installed_at=installed_at)
    return next(rule for rule in rules if rule.name == "collector-silent")


def evaluated(workspace: Workspace, rule: AlertRule, when: datetime) -> list[Notification]:
    return AlertEvaluator([rule], workspace).evaluate(when)


@every_interval
def test_one_lost_run_a_slow_run_and_an_hour_of_latency_stay_silent(workspace: Workspace, interval: str) -> None:
    every = parse_duration(interval)
    store(workspace, run(interval=every))
    just_before_it_is_due = NOW + 2 * every + SLACK - timedelta(seconds=1)

    assert evaluated(workspace, silent_rule(interval), just_before_it_is_due) == []


@every_interval
def test_runs_that_stay_away_fire_and_say_how_many_alarms_are_open(workspace: Workspace, interval: str) -> None:
    every = parse_duration(interval)
    store(workspace, run(interval=every, hours_ago=1, Open_alarms=3), run(interval=every, Open_alarms=12))

    [told] = evaluated(workspace, silent_rule(interval), NOW + 2 * every + SLACK + timedelta(seconds=1))

    assert (told.condition, told.value, dict(told.dimensions)) == ("Fired", 12, {})


@every_interval
def test_a_fresh_installation_has_until_its_second_run(workspace: Workspace, interval: str) -> None:
    due = NOW + 2 * parse_duration(interval) + SLACK
    rule = silent_rule(interval, installed_at=NOW)

    assert evaluated(workspace, rule, due - timedelta(seconds=1)) == []
    [told] = evaluated(workspace, rule, due + timedelta(seconds=1))
    assert told.value == 0


def test_without_a_run_and_long_after_the_installation_it_fires(workspace: Workspace) -> None:
    assert evaluated(workspace, silent_rule("PT1H"), NOW)
    assert evaluated(workspace, silent_rule("PT1H", installed_at=NOW - timedelta(days=3)), NOW)


@pytest.mark.parametrize("text", ["", "no date", "yesterday"])
def test_an_installation_whose_date_cannot_be_read_counts_as_old(workspace: Workspace, text: str) -> None:
    """Azure does not document how it writes the time; a rule that never fires would be the worse mistake."""
    query = silent_rule("PT1H").query.replace(INSTALLED_AT, text)

    assert workspace.query(query, now=NOW) == [{"Alarms_at_stake": 0}]


def test_the_latest_run_tells_however_long_the_interval_was_before(workspace: Workspace) -> None:
    half_daily, quarterly = timedelta(hours=12), timedelta(minutes=15)
    store(workspace, run(hours_ago=3, interval=half_daily), run(hours_ago=2.5, interval=quarterly))

    assert evaluated(workspace, silent_rule("PT15M"), NOW)


def test_a_run_of_an_older_version_does_not_say_when_the_next_is_due(workspace: Workspace) -> None:
    store(workspace, run(Due_by=None))

    assert evaluated(workspace, silent_rule("PT1H"), at(3)) == []
    assert evaluated(workspace, silent_rule("PT1H"), at(3.6))


def test_results_and_verdicts_without_a_completed_run_are_no_sign_of_life(workspace: Workspace) -> None:
    store(workspace, result("alpha"), verdict("alpha"), heartbeat(VERDICTS))

    assert evaluated(workspace, silent_rule("PT1H"), NOW)


def test_the_run_over_an_empty_registry_is_one(workspace: Workspace) -> None:
    store(workspace, run(Applications=0))

    assert evaluated(workspace, silent_rule("PT1H"), NOW) == []


def test_it_fires_once_and_outlives_the_last_row_that_it_is_about(story: Story) -> None:
    arrivals = {0: [run(hours_ago=40, Open_alarms=5)]}  # visible for eight more hours

    assert story("collector-silent", arrivals, until=20) == ["Fired collector-silent"]


def test_the_next_completed_run_closes_it(story: Story) -> None:
    told = story("collector-silent", {1: [run(hours_ago=-1)]}, until=2)

    assert told == ["Fired collector-silent", "Resolved collector-silent"]


def test_runs_that_are_an_hour_late_and_in_another_order_do_not_fire(story: Story) -> None:
    arrivals = {0: [run(hours_ago=1)]}
    arrivals |= {hour + 1: [run(hours_ago=-hour - 1), run(hours_ago=-hour)] for hour in range(0, 12, 2)}

    assert story("collector-silent", arrivals, until=11) == []


def test_alarms_that_nobody_publishes_any_more_are_told_with_their_number_and_end(
    workspace: Workspace, fired: Fired
) -> None:
    store(workspace, violated("alpha", alarms=["guard"]), violated("beta"), verdict("gamma"))
    store(workspace, violated("delta", hours_ago=1), verdict("delta"), violated("epsilon").with_(Verdict="Left"))

    assert fired(ENDING, at=at(8)) == {}
    assert fired(ENDING, at=at(8.1)) == {("2026-03-10 12:00", "2026-03-12 12:00"): 3}


def test_alarms_about_applications_are_about_to_end_as_well(workspace: Workspace, fired: Fired) -> None:
    store(workspace, unread("alpha"), unread("beta", cause="unread: Failed"), result("gamma"))
    store(workspace, unread("delta").with_(Outcome="Left"))

    assert fired(ENDING, at=at(8.1)) == {("2026-03-10 12:00", "2026-03-12 12:00"): 2}


def test_it_stays_one_alert_while_the_last_rows_go_out_of_sight(story: Story) -> None:
    rows = [violated(f"a{number}", hours_ago=47 - number / 2) for number in range(5)]

    assert story(ENDING, {0: rows}, until=2.9) == [f"Fired {ENDING}"]


def test_nothing_is_about_to_end_without_open_alarms_or_while_the_ledger_is_published(
    workspace: Workspace, fired: Fired
) -> None:
    assert fired(ENDING) == {}
    store(workspace, verdict("alpha"))
    assert fired(ENDING, at=at(9)) == {}
    store(workspace, violated("alpha"), violated("alpha", hours_ago=-6))
    assert fired(ENDING, at=at(13)) == {}


def test_it_is_told_once_until_the_app_lives_again(story: Story) -> None:
    arrivals = {
        0: [violated("alpha", hours_ago=9), unread("beta", hours_ago=9)],
        20: [violated("alpha", hours_ago=-20)],
    }

    assert story(ENDING, arrivals, until=22) == [f"Fired {ENDING}", f"Resolved {ENDING}"]


def test_rows_without_an_application_do_not_hide_that_open_alarms_are_about_to_end(
    workspace: Workspace, fired: Fired
) -> None:
    """A ledger that is gone or cannot be read is published by nobody, while the app still says that it runs."""
    store(workspace, violated("alpha", hours_ago=9), result("alpha", hours_ago=9))
    store(workspace, heartbeat(VERDICTS), heartbeat(RESULTS))

    assert list(fired(ENDING).values()) == [1]
