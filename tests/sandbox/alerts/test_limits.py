"""Azure's limits on alert rules and action groups hold in the sandbox, and what lies beyond them is played at its worst."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.mail import MailAction, to_all
from sandbox.alerts.rules import AlertRule, UnsupportedRuleError
from sandbox.workspace.arrival import Delay
from sandbox.workspace.schema import Column, TableSchema
from sandbox.workspace.workspace import QueryError, Workspace

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TABLE = TableSchema(
    "Meters_CL",
    "",
    (
        Column("TimeGenerated", "dateTime", ""),
        Column("Meter", "string", ""),
        Column("Value", "long", ""),
        Column("Open", "boolean", ""),
    ),
)


class StoppedClock:
    """The workspace's clock, which a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def workspace(clock: StoppedClock) -> Iterator[Workspace]:
    with Workspace({TABLE.name: TABLE}, clock) as workspace:
        yield workspace


def rule(**changes: Any) -> AlertRule:
    """A rule that fires for each meter that has a row in the last hour, and is evaluated every half hour."""
    return replace(
        AlertRule(
            name="meter-read",
            display_name="Meter was read",
            description="",
            severity=3,
            query_name="meters",
            query="Meters_CL | project Meter, Value, Open",
            evaluation_frequency=HOUR / 2,
            window_size=HOUR,
            window_size_text="PT1H",
            time_aggregation="Count",
            metric_measure_column=None,
            operator="GreaterThan",
            threshold=0,
            dimensions=("Meter",),
            auto_mitigate=True,
        ),
        **changes,
    )


def read(workspace: Workspace, meters: Iterable[object], at: datetime = NOW) -> None:
    workspace.insert(TABLE.name, [{"TimeGenerated": at.isoformat(), "Meter": str(meter)} for meter in meters])


def conditions(evaluator: AlertEvaluator, now: datetime) -> list[str]:
    return [told.condition for told in evaluator.evaluate(now)]


def test_a_query_sees_two_days_at_most_whatever_its_window_and_its_own_words_say(workspace: Workspace) -> None:
    read(workspace, ["a"], NOW - 2 * DAY)
    longest = rule(query=f"{rule().query} | where Meter == 'a'", window_size=7 * DAY)
    asking = replace(longest, query="Meters_CL | where TimeGenerated > ago(7d)")
    evaluator = AlertEvaluator([longest, replace(asking, name="asking")], workspace)

    assert conditions(evaluator, NOW) == ["Fired", "Fired"]
    assert conditions(evaluator, NOW + timedelta(seconds=1)) == []
    assert conditions(evaluator, NOW + HOUR) == ["Resolved", "Resolved"]


def test_rows_that_are_late_fire_when_they_are_visible(workspace: Workspace) -> None:
    workspace.arrival = Delay(HOUR / 2, TABLE.name)
    read(workspace, ["a"])
    evaluator = AlertEvaluator([rule()], workspace)

    assert [conditions(evaluator, NOW + minutes * HOUR / 60) for minutes in (0, 29, 30)] == [[], [], ["Fired"]]


def test_three_hundred_alerts_fire_at_once_and_of_more_some_that_nobody_can_foretell_do_not(
    workspace: Workspace,
) -> None:
    read(workspace, range(300))
    evaluator = AlertEvaluator([rule()], workspace)
    assert conditions(evaluator, NOW) == ["Fired"] * 300
    assert evaluator.dropped["meter-read"] == 0

    read(workspace, range(300, 310))
    first, second, third = (AlertEvaluator([rule()], workspace, seed=seed) for seed in (1, 1, 2))
    assert [conditions(one, NOW) for one in (first, second, third)] == [["Fired"] * 300] * 3

    assert first.dropped["meter-read"] == 10
    left_out = [
        {str(meter) for meter in range(310)} - {alert.dimensions["Meter"] for alert in one.fired}
        for one in (first, second, third)
    ]
    assert left_out[0] == left_out[1] != left_out[2]


def test_active_alerts_beyond_the_limit_count_as_healthy_and_resolve(workspace: Workspace) -> None:
    read(workspace, range(300), NOW + HOUR / 2)
    evaluator = AlertEvaluator([rule()], workspace)
    assert conditions(evaluator, NOW + HOUR / 2) == ["Fired"] * 300
    read(workspace, range(300, 3000), NOW + HOUR / 2)

    told = [conditions(evaluator, NOW + HOUR / 2), conditions(evaluator, NOW + HOUR / 2)]

    assert told[0].count("Resolved") == 0
    assert told[1].count("Resolved") > 200, "nine in ten are left out, twice in a row"


def test_a_rule_without_memory_may_tell_of_six_thousand(workspace: Workspace) -> None:
    read(workspace, range(6010))
    evaluator = AlertEvaluator([rule(auto_mitigate=False)], workspace)

    assert conditions(evaluator, NOW) == ["Fired"] * 6000
    assert evaluator.dropped["meter-read"] == 10


@pytest.mark.parametrize("column", ["Open", "TimeGenerated", "Missing"])
def test_a_dimension_that_azure_cannot_split_by_is_refused(workspace: Workspace, column: str) -> None:
    evaluator = AlertEvaluator([rule(dimensions=(column,), query="Meters_CL")], workspace, unattended=True)

    with pytest.raises(UnsupportedRuleError, match=f"dimension {column} is "):
        evaluator.evaluate(NOW)


def test_numbers_split_too_and_zero_is_a_value(workspace: Workspace) -> None:
    workspace.insert(TABLE.name, [{"TimeGenerated": NOW.isoformat(), "Value": value} for value in (0, 7, None)])
    evaluator = AlertEvaluator([rule(dimensions=("Value",))], workspace)
    evaluator.evaluate(NOW)

    assert sorted(alert.dimensions["Value"] for alert in evaluator.fired) == ["", "0", "7"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dimensions": tuple("abcdefg")}, "at most 6 dimensions"),
        ({"evaluation_frequency": DAY}, "cannot resolve"),
    ],
)
def test_a_rule_that_azure_refuses_cannot_be_made(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedRuleError, match=message):
        rule(**change)


def test_each_rule_is_evaluated_at_its_own_frequency(workspace: Workspace) -> None:
    evaluator = AlertEvaluator(
        [rule(auto_mitigate=False), rule(name="hourly", auto_mitigate=False, evaluation_frequency=HOUR)], workspace
    )
    read(workspace, ["a"], NOW + HOUR / 2)

    told = [[one.rule.name for one in evaluator.evaluate_due(NOW + step * HOUR / 4)] for step in (2, 3, 4, 5, 6)]

    assert told == [["meter-read", "hourly"], [], ["meter-read"], [], ["meter-read", "hourly"]]


def failing(rule_name: str = "broken") -> AlertRule:
    return rule(name=rule_name, query="Nowhere_CL")


def test_a_rule_that_fails_is_counted_and_disabled_after_a_week_while_others_work(workspace: Workspace) -> None:
    evaluator = AlertEvaluator([failing(), rule()], workspace, unattended=True)
    read(workspace, ["a"])

    assert conditions(evaluator, NOW) == ["Fired"]
    for hours in range(1, 24 * 8, 6):
        evaluator.evaluate(NOW + hours * HOUR)

    health = evaluator.health["broken"]
    assert (health.disabled, health.failing_since) == (True, NOW)
    assert [(event.rule, event.status) for event in evaluator.health_events] == [
        ("broken", "Failing"),
        ("broken", "Disabled"),
    ]
    assert "Nowhere_CL" in evaluator.health_events[0].error
    assert evaluator.health["meter-read"].failures == 0


def test_a_rule_that_works_again_starts_a_new_week(workspace: Workspace, clock: StoppedClock) -> None:
    evaluator = AlertEvaluator([rule()], workspace, unattended=True)
    clock.now = NOW + 31 * DAY
    evaluator.evaluate(clock.now)
    read(workspace, ["a"], clock.now)
    evaluator.evaluate(clock.now + DAY)

    assert [(event.status, event.at - NOW) for event in evaluator.health_events] == [
        ("Failing", 31 * DAY),
        ("Healthy", 32 * DAY),
    ]
    assert "Meters_CL has had no rows for more than 30 days" in evaluator.health_events[0].error


def test_alerts_of_a_rule_that_fails_stay_as_they_are(workspace: Workspace, clock: StoppedClock) -> None:
    evaluator = AlertEvaluator([rule()], workspace, unattended=True)
    read(workspace, ["a"])
    assert conditions(evaluator, NOW) == ["Fired"]

    told = [conditions(evaluator, NOW + days * DAY) for days in (31, 32, 40, 41)]

    assert told == [[]] * 4
    assert [alert.dimensions for alert in evaluator.fired] == [{"Meter": "a"}]


def test_by_default_a_quiet_table_is_an_error(workspace: Workspace) -> None:
    with pytest.raises(QueryError, match="more than 30 days"):
        AlertEvaluator([rule()], workspace).evaluate(NOW + 31 * DAY)


def test_a_hundred_mails_an_hour_reach_an_address_and_the_others_are_dropped(workspace: Workspace) -> None:
    mail = MailAction(["one@example.com", "two@example.com"])
    posted: list[object] = []
    evaluator = AlertEvaluator([rule(auto_mitigate=False)], workspace, to_all(mail, posted.append))
    read(workspace, range(60), NOW)
    read(workspace, range(60), NOW + HOUR)

    evaluator.evaluate(NOW)
    evaluator.evaluate(NOW + HOUR / 2)
    assert dict(mail.dropped) == {"one@example.com": 20, "two@example.com": 20}
    evaluator.evaluate(NOW + HOUR)

    assert mail.dropped["one@example.com"] == 20, "the first sixty are an hour old"
    assert sum(one.address == "one@example.com" for one in mail.mails) == 160
    assert len(posted) == 180, "only mails are limited"


def test_a_rules_custom_properties_are_sent_with_each_alert(workspace: Workspace) -> None:
    payloads: list[Any] = []
    read(workspace, ["a"])
    evaluator = AlertEvaluator([rule(custom_properties={"Runbook": "https://example.com"})], workspace, payloads.append)
    evaluator.evaluate(NOW)
    AlertEvaluator([rule()], workspace, payloads.append).evaluate(NOW)

    properties: Callable[[Any], Any] = lambda payload: payload["data"]["alertContext"]["properties"]  # noqa: E731
    assert [properties(payload) for payload in payloads] == [{"Runbook": "https://example.com"}, None]
