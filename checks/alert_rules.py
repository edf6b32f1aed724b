"""What Azure accepts as the parameters of a scheduled query rule, and what a notification needs (FACTS 4.2, 4.3)."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from sandbox.workspace.iso8601 import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FREQUENCIES: Final = frozenset(
    "PT1M PT5M PT10M PT15M PT30M PT45M PT1H PT2H PT3H PT4H PT5H PT6H P1D".split()  # noqa: SIM905 - reads like Azure's list
)
WINDOWS: Final = FREQUENCIES | {"P2D"}
LONGEST_RANGE: Final = timedelta(hours=48)
LONGEST_STATEFUL_FREQUENCY: Final = timedelta(hours=12)
OPERATORS: Final = frozenset({"GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual", "Equal"})
AGGREGATIONS: Final = frozenset({"Count", "Average", "Minimum", "Maximum", "Total"})
MOST_DIMENSIONS: Final = 6
MOST_PERIODS: Final = 6
LARGEST_RULE_BYTES: Final = 64 * 1024
LONGEST_NAME: Final = 260
LOWEST_SEVERITY: Final = 4
FORBIDDEN_IN_NAMES: Final = re.compile(r"[#<>%&:\\?/{}*]")


def rule_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a message for every parameter of infra/alert_rules.json that Azure would refuse."""
    names = [rule["name"] for rule in document["rules"]]
    if len(names) != len(set(names)):
        yield "two rules have the same name"
    for timing, by_interval in document["timings"].items():
        if set(by_interval) != set(document["collectionIntervals"]):
            yield f"timing {timing} does not cover exactly the collection intervals"
    for rule in document["rules"]:
        if rule["timing"] not in document["timings"]:
            yield f"rule {rule['name']}: no timing is called {rule['timing']}"
            continue
        timings = dict(document["timings"][rule["timing"]])
        if probed := rule.get("probedFrequency"):
            sooner = {f"{name}, probed": timing | {"evaluationFrequency": probed} for name, timing in timings.items()}
            timings |= sooner
        for message in chain(_naming(rule), _criterion(rule), *(_timing(rule, *timing) for timing in timings.items())):
            yield f"rule {rule['name']}: {message}"


def _naming(rule: Mapping[str, Any]) -> Iterator[str]:
    for name in (rule["name"], rule["displayName"]):
        if len(name) > LONGEST_NAME or FORBIDDEN_IN_NAMES.search(name):
            yield f"Azure does not accept the name {name!r}"
    if not 0 <= rule["severity"] <= LOWEST_SEVERITY:
        yield "a severity is 0 to 4"
    if len(json.dumps(rule).encode()) > LARGEST_RULE_BYTES:
        yield "a rule's properties are 64 KB at most"


def _criterion(rule: Mapping[str, Any]) -> Iterator[str]:
    criterion = rule["criterion"]
    if criterion["operator"] not in OPERATORS:
        yield f"there is no operator {criterion['operator']}"
    if criterion["timeAggregation"] not in AGGREGATIONS:
        yield f"there is no aggregation {criterion['timeAggregation']}"
    if (criterion["timeAggregation"] == "Count") == ("metricMeasureColumn" in criterion):
        yield "a measure column belongs to every aggregation except Count"
    if len(criterion["dimensions"]) > MOST_DIMENSIONS:
        yield "a rule has six dimensions at most"
    periods = criterion["failingPeriods"]
    if not 1 <= periods["minFailingPeriodsToAlert"] <= periods["numberOfEvaluationPeriods"] <= MOST_PERIODS:
        yield "failing periods are 1 to 6, and no more of them can be asked for than there are"


def _timing(rule: Mapping[str, Any], interval: str, timing: Mapping[str, str]) -> Iterator[str]:
    if timing["evaluationFrequency"] not in FREQUENCIES or timing["windowSize"] not in WINDOWS:
        yield f"{interval}: Azure does not offer this frequency or window"
        return
    frequency, window = parse_duration(timing["evaluationFrequency"]), parse_duration(timing["windowSize"])
    covered = window * rule["criterion"]["failingPeriods"]["numberOfEvaluationPeriods"]
    if frequency > covered:
        yield f"{interval}: evaluations leave gaps between their windows"
    if covered > LONGEST_RANGE:
        yield f"{interval}: the windows cover more than 48 hours"
    if rule["autoMitigate"] and frequency > LONGEST_STATEFUL_FREQUENCY:
        yield f"{interval}: an alert that resolves by itself is evaluated every 12 hours or more often"


def result_problems(rule: Mapping[str, Any], columns: Mapping[str, str]) -> Iterator[str]:
    """Yield a message for every mismatch between a rule and the columns (name to KQL type) that its query returns."""
    criterion = rule["criterion"]
    for dimension in criterion["dimensions"]:
        if columns.get(dimension["name"]) != "string":
            yield f"rule {rule['name']}: the query returns no text column {dimension['name']} to be a dimension"
    measure = criterion.get("metricMeasureColumn")
    if measure is not None and columns.get(measure) not in {"int", "long", "real"}:
        yield f"rule {rule['name']}: the query returns no number {measure}"
    for name, kind in columns.items():
        if kind == "datetime":
            # With a time in the answer the service would sort rows into windows by it; what is judged has no time.
            yield f"rule {rule['name']}: the query returns the time {name}; format it as text"
