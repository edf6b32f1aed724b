"""Alerts fire once, stay, resolve after enough healthy evaluations, and are told in the common alert schema."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sandbox.alerts.evaluation import AlertEvaluator, evaluations_to_resolve
from sandbox.alerts.receiver import AlertReceiver, post_to
from sandbox.alerts.rules import AlertRule, UnsupportedRuleError, read_document, read_rules
from sandbox.workspace.iso8601 import parse_duration, parse_timespan
from sandbox.workspace.schema import Column, TableSchema
from sandbox.workspace.workspace import QueryError, Workspace

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
TABLE = TableSchema(
    "Meters_CL",
    "",
    (
        Column("TimeGenerated", "dateTime", ""),
        Column("Meter", "string", ""),
        Column("Place", "string", ""),
        Column("Value", "long", ""),
    ),
)


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace({TABLE.name: TABLE}, clock=lambda: NOW) as workspace:
        yield workspace


def rule(**changes: Any) -> AlertRule:
    """A rule that fires for each meter whose values add up to more than ten in the last hour."""
    return replace(
        AlertRule(
            name="meter-high",
            display_name="Meter is high",
            description="The meter shows too much.",
            severity=3,
            query_name="meters",
            query="Meters_CL | project Meter, Value",
            evaluation_frequency=timedelta(minutes=30),
            window_size=timedelta(hours=1),
            window_size_text="PT1H",
            time_aggregation="Total",
            metric_measure_column="Value",
            operator="GreaterThan",
            threshold=10,
            dimensions=("Meter",),
            auto_mitigate=True,
        ),
        **changes,
    )


def read(workspace: Workspace, meter: str, *values: int | None, minutes_ago: float = 0) -> None:
    when = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    workspace.insert("Meters_CL", [{"TimeGenerated": when, "Meter": meter, "Value": value} for value in values])


def conditions(evaluator: AlertEvaluator, *minutes: float) -> list[tuple[str, str]]:
    """Evaluate at each of these minutes after NOW; return what was told, as (condition, meter)."""
    notifications = [told for minute in minutes for told in evaluator.evaluate(NOW + timedelta(minutes=minute))]
    return [(told.condition, told.dimensions.get("Meter", "")) for told in notifications]


def test_every_value_of_a_dimension_fires_by_itself_and_once(workspace: Workspace) -> None:
    read(workspace, "a", 6, 7)
    read(workspace, "b", 10)
    read(workspace, "c", 11)
    evaluator = AlertEvaluator([rule()], workspace)

    assert sorted(conditions(evaluator, 0, 30)) == [("Fired", "a"), ("Fired", "c")]
    assert [(alert.dimensions, alert.value) for alert in evaluator.fired] == [
        ({"Meter": "a"}, 13),
        ({"Meter": "c"}, 11),
    ]


def test_only_rows_of_the_window_count(workspace: Workspace) -> None:
    read(workspace, "a", 11, minutes_ago=61)
    read(workspace, "b", 11, minutes_ago=59)

    assert conditions(AlertEvaluator([rule()], workspace), 0) == [("Fired", "b")]


def test_an_alert_resolves_after_two_healthy_evaluations_and_can_fire_again(workspace: Workspace) -> None:
    read(workspace, "a", 11)
    evaluator = AlertEvaluator([rule()], workspace)

    assert conditions(evaluator, 0, 30, 60) == [("Fired", "a")]
    assert conditions(evaluator, 90) == []
    assert conditions(evaluator, 120) == [("Resolved", "a")]
    assert evaluator.fired == []
    read(workspace, "a", 12, minutes_ago=-150)
    assert conditions(evaluator, 150) == [("Fired", "a")]


def test_one_unhealthy_evaluation_starts_the_count_anew(workspace: Workspace) -> None:
    read(workspace, "a", 11)
    evaluator = AlertEvaluator([rule()], workspace)

    assert conditions(evaluator, 0, 90) == [("Fired", "a")]
    read(workspace, "a", 11, minutes_ago=-100)
    assert conditions(evaluator, 120, 180) == []
    assert conditions(evaluator, 210) == [("Resolved", "a")]


@pytest.mark.parametrize(
    ("frequency", "evaluations"),
    [("PT1M", 10), ("PT5M", 3), ("PT15M", 3), ("PT30M", 2), ("PT6H", 2), ("PT11H", 1), ("PT12H", 1)],
)
def test_how_many_healthy_evaluations_resolve_depends_on_the_frequency(frequency: str, evaluations: int) -> None:
    assert evaluations_to_resolve(parse_duration(frequency)) == evaluations


def test_a_rule_that_does_not_resolve_fires_every_time(workspace: Workspace) -> None:
    read(workspace, "a", 11)
    evaluator = AlertEvaluator([rule(auto_mitigate=False)], workspace)

    assert conditions(evaluator, 0, 30, 90, 120) == [("Fired", "a"), ("Fired", "a")]
    assert evaluator.fired == []


@pytest.mark.parametrize(
    ("aggregation", "value"), [("Total", 12.0), ("Average", 4.0), ("Minimum", 1.0), ("Maximum", 8.0)]
)
def test_a_measure_is_aggregated_as_asked_and_nulls_do_not_count(
    workspace: Workspace, aggregation: str, value: float
) -> None:
    read(workspace, "a", 1, 3, 8, None)
    evaluator = AlertEvaluator([rule(time_aggregation=aggregation, threshold=0)], workspace)

    assert [notification.value for notification in evaluator.evaluate(NOW)] == [value]


@pytest.mark.parametrize(
    ("operator", "threshold", "fires"),
    [
        ("GreaterThan", 2, False),
        ("GreaterThanOrEqual", 2, True),
        ("LessThan", 2, False),
        ("LessThanOrEqual", 2, True),
        ("Equal", 2, True),
    ],
)
def test_rows_can_be_counted(workspace: Workspace, operator: str, threshold: float, fires: bool) -> None:
    read(workspace, "a", 0, None)
    counting = rule(time_aggregation="Count", metric_measure_column=None, operator=operator, threshold=threshold)

    assert bool(AlertEvaluator([counting], workspace).evaluate(NOW)) is fires


def test_no_rows_are_a_count_of_zero_without_dimensions_and_nothing_with_them(workspace: Workspace) -> None:
    few = {"time_aggregation": "Count", "metric_measure_column": None, "operator": "LessThan", "threshold": 1}

    assert AlertEvaluator([rule(**few, dimensions=())], workspace).evaluate(NOW)
    assert not AlertEvaluator([rule(**few)], workspace).evaluate(NOW)


def test_a_query_that_does_not_run_is_an_error_and_changes_nothing(workspace: Workspace) -> None:
    read(workspace, "a", 11)
    evaluator = AlertEvaluator([rule(), rule(name="broken", query="Nowhere_CL")], workspace)

    with pytest.raises(QueryError):
        evaluator.evaluate(NOW)


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[AlertReceiver, str]]:
    receiver = AlertReceiver()
    app = web.Application()
    receiver.add_routes(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield receiver, f"http://127.0.0.1:{runner.addresses[0][1]}/alerts"
    await runner.cleanup()


async def test_fired_and_resolved_arrive_in_the_common_alert_schema(
    workspace: Workspace, receiver: tuple[AlertReceiver, str]
) -> None:
    received, url = receiver
    read(workspace, "a", 11)
    evaluator = AlertEvaluator([rule()], workspace, post_to(url))
    for minutes in (0, 90, 120):
        await asyncio.to_thread(evaluator.evaluate, NOW + timedelta(minutes=minutes))

    fired, resolved = received.payloads
    essentials, context = fired["data"]["essentials"], fired["data"]["alertContext"]
    assert fired["schemaId"] == "azureMonitorCommonAlertSchema"
    assert (essentials["alertRule"], essentials["severity"], essentials["monitorCondition"]) == (
        "Meter is high",
        "Sev3",
        "Fired",
    )
    assert (essentials["monitoringService"], essentials["firedDateTime"]) == ("Log Alerts V2", "2026-03-10T12:00:00Z")
    assert "resolvedDateTime" not in essentials
    [criterion] = context["condition"]["allOf"]
    assert (context["conditionType"], context["condition"]["windowSize"]) == ("LogQueryCriteria", "PT1H")
    assert context["condition"]["windowStartTime"] == "2026-03-10T11:00:00Z"
    assert criterion["dimensions"] == [{"name": "Meter", "value": "a"}]
    assert (criterion["metricValue"], criterion["threshold"], criterion["operator"]) == (11.0, "10", "GreaterThan")
    assert resolved["data"]["essentials"]["monitorCondition"] == "Resolved"
    assert resolved["data"]["essentials"]["resolvedDateTime"] == "2026-03-10T14:00:00Z"
    assert resolved["data"]["essentials"]["alertId"] == essentials["alertId"]


async def test_the_receiver_lists_what_it_got_and_refuses_anything_else(receiver: tuple[AlertReceiver, str]) -> None:
    _, url = receiver
    payload = {"schemaId": "azureMonitorCommonAlertSchema", "data": {}}
    async with aiohttp.ClientSession() as session:
        for body, status in ((b"{", 400), (b"[]", 400), (b'{"schemaId": "Other"}', 400)):
            async with session.post(url, data=body) as answer:
                assert answer.status == status
        async with session.post(url, json=payload) as answer:
            assert answer.status == 200
        async with session.get(url) as answer:
            assert await answer.json() == [payload]


async def test_an_alert_that_nobody_receives_is_an_error(workspace: Workspace) -> None:
    read(workspace, "a", 11)
    evaluator = AlertEvaluator([rule()], workspace, post_to("http://127.0.0.1:9/alerts"))

    with pytest.raises(OSError, match="refused"):
        evaluator.evaluate(NOW)


def test_the_projects_rules_can_be_read_for_every_interval() -> None:
    document = read_document()
    names = {tuple(rule.name for rule in read_rules(interval)) for interval in document["collectionIntervals"]}

    assert names == {tuple(rule["name"] for rule in document["rules"])}


def test_where_the_probe_is_on_the_rules_that_tell_of_violations_are_evaluated_sooner_and_no_others() -> None:
    usual = {one.name: one for one in read_rules("PT1H")}
    probed = {one.name: one for one in read_rules("PT1H", is_probed=True)}

    sooner = {name for name, one in probed.items() if one != usual[name]}

    assert sooner == {"application-noncompliant", "fleet-in-trouble"}
    assert {probed[name].evaluation_frequency for name in sooner} == {timedelta(minutes=5)}
    assert {usual[name].evaluation_frequency for name in sooner} == {timedelta(minutes=15)}


def test_a_query_is_told_the_interval_and_when_the_workspace_was_created() -> None:
    installed_at = datetime(2026, 3, 9, tzinfo=UTC)

    queries = {one.name: one.query for one in read_rules("PT2H", installed_at=installed_at)}

    assert "let Interval = 120m;" in queries["collector-silent"]
    assert f'todatetime("{installed_at.isoformat()}")' in queries["collector-silent"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rule, _: rule["criterion"].update(failingPeriods={"numberOfEvaluationPeriods": 2}), "one period"),
        (lambda rule, _: rule["criterion"]["dimensions"][0].update(values=["alpha"]), "every value"),
        (lambda _, timing: timing.update(overrideQueryTimeRange="P2D"), "overrideQueryTimeRange"),
    ],
)
def test_a_rule_that_the_sandbox_cannot_evaluate_is_refused(
    tmp_path: Any, change: Callable[[Any, Any], None], message: str
) -> None:
    document = read_document()
    change(document["rules"][0], document["timings"][document["rules"][0]["timing"]]["PT1H"])
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(UnsupportedRuleError, match=message):
        read_rules("PT1H", path=path)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT15M", timedelta(minutes=15)),
        ("P2D", timedelta(days=2)),
        ("P1DT2H3M4.5S", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
    ],
)
def test_durations_are_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "PT1", "P1M", "PT-1H", "P1DT"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_a_time_span_can_be_counted_back_from_its_end() -> None:
    assert parse_timespan("PT1H/2026-03-10T12:00:00Z", NOW) == (NOW - timedelta(hours=1), NOW)
