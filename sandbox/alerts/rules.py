"""Reads the alert rules of infra/alert_rules.json for one collection interval.

The file is shaped for Bicep: `rules[].criterion` goes into a scheduled query rule as it is (plus the query), and
`timings[rule.timing][interval]` holds how often it is evaluated and how far it looks back; `rules[].probedFrequency` is
how often instead where the probe brings collections forward. Two values that a query cannot know are put into its text,
as infra/modules do: the collection interval, and when the workspace was created.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sandbox.alerts.limits import LONGEST_STATEFUL_FREQUENCY, MOST_DIMENSIONS
from sandbox.workspace.iso8601 import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

INFRASTRUCTURE: Final = Path(__file__).resolve().parents[2] / "infra"
RULES_FILE: Final = INFRASTRUCTURE / "alert_rules.json"
SECURITY_DIRECTORY: Final = INFRASTRUCTURE / "security_alerts"
QUERIES_DIRECTORY: Final = INFRASTRUCTURE / "queries"

INTERVAL: Final = "let Interval = 12h;"
"""Stands in a query for the collection interval: as it is, the longest that can be chosen."""
INSTALLED_AT: Final = "2000-01-01T00:00:00Z"
"""Stands in a query for the time at which the workspace was created: as it is, long ago."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One scheduled query rule; names and meanings are those of Microsoft.Insights/scheduledQueryRules (FACTS 4.2).

    `custom_properties` are sent with every alert of the rule.

    Raises:
        UnsupportedRuleError: Azure refuses such a rule.
    """

    name: str
    display_name: str
    description: str
    severity: int
    query_name: str
    query: str
    evaluation_frequency: timedelta
    window_size: timedelta
    window_size_text: str
    time_aggregation: str
    metric_measure_column: str | None
    operator: str
    threshold: float
    dimensions: tuple[str, ...]
    auto_mitigate: bool
    custom_properties: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.dimensions) > MOST_DIMENSIONS:
            raise UnsupportedRuleError(f"{self.name}: a rule has at most {MOST_DIMENSIONS} dimensions")
        if self.auto_mitigate and self.evaluation_frequency > LONGEST_STATEFUL_FREQUENCY:
            raise UnsupportedRuleError(f"{self.name}: a rule that is evaluated so seldom cannot resolve its alerts")


class UnsupportedRuleError(ValueError):
    """Azure refuses the rule, or it uses what the sandbox does not evaluate; the message says what."""


def read_document(path: Path = RULES_FILE) -> dict[str, Any]:
    """Return the whole file."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def read_rules(
    interval: str,
    *,
    is_probed: bool = False,
    installed_at: datetime | None = None,
    path: Path = RULES_FILE,
    queries: Path = QUERIES_DIRECTORY,
) -> tuple[AlertRule, ...]:
    """Return every rule for a collection interval such as "PT1H", of an installation made at `installed_at` (long ago).

    `is_probed` tells whether the installation's probe is switched on.

    Raises:
        KeyError: the file has no timing for the interval.
        UnsupportedRuleError: see there.
    """
    document = read_document(path)
    minutes = document["collectionIntervals"][interval]["minutes"]

    def text_of(rule: Mapping[str, Any]) -> str:
        text = (queries / f"{rule['query']}.kql").read_text(encoding="utf-8")
        text = text.replace(INTERVAL, f"let Interval = {minutes}m;")
        return text if installed_at is None else text.replace(INSTALLED_AT, installed_at.isoformat())

    def timing_of(rule: Mapping[str, Any]) -> Mapping[str, str]:
        timing: dict[str, str] = document["timings"][rule["timing"]][interval]
        sooner = is_probed and rule.get("probedFrequency")
        return timing | {"evaluationFrequency": sooner} if sooner else timing

    return tuple(_rule(rule, timing_of(rule), text_of(rule)) for rule in document["rules"])


def read_security_rules(put_in: Mapping[str, str], directory: Path = SECURITY_DIRECTORY) -> tuple[AlertRule, ...]:
    """Return the rules of infra/security_alerts that search logs.

    `put_in` has what the templates put in the place of names in braces.

    Raises:
        UnsupportedRuleError: see there.
    """

    def text_of(rule: Mapping[str, Any]) -> str:
        text = (directory / f"{rule['name'].replace('-', '_')}.kql").read_text(encoding="utf-8")
        for placeholder, value in put_in.items():
            text = text.replace(placeholder, value)
        return text

    return tuple(
        _rule(
            {**rule, "query": rule["name"].replace("-", "_")},
            {key: rule[key] for key in ("evaluationFrequency", "windowSize")},
            text_of(rule),
        )
        for rule in read_document(directory / "rules.json").values()
    )


def _rule(rule: Mapping[str, Any], timing: Mapping[str, str], query: str) -> AlertRule:
    criterion = rule["criterion"]
    _refuse_what_is_not_evaluated(rule["name"], criterion, timing)
    return AlertRule(
        name=rule["name"],
        display_name=rule["displayName"],
        description=rule["description"],
        severity=rule["severity"],
        query_name=rule["query"],
        query=query,
        evaluation_frequency=parse_duration(timing["evaluationFrequency"]),
        window_size=parse_duration(timing["windowSize"]),
        window_size_text=timing["windowSize"],
        time_aggregation=criterion["timeAggregation"],
        metric_measure_column=criterion.get("metricMeasureColumn"),
        operator=criterion["operator"],
        threshold=criterion["threshold"],
        dimensions=tuple(dimension["name"] for dimension in criterion["dimensions"]),
        auto_mitigate=rule["autoMitigate"],
    )


def _refuse_what_is_not_evaluated(name: str, criterion: Mapping[str, Any], timing: Mapping[str, str]) -> None:
    if criterion["failingPeriods"] != {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1}:
        raise UnsupportedRuleError(
            f"{name}: the sandbox evaluates one period, the queries return no timestamp to split by"
        )
    if any(dimension["operator"] != "Include" or dimension["values"] != ["*"] for dimension in criterion["dimensions"]):
        raise UnsupportedRuleError(
            f"{name}: the sandbox splits by every value of a dimension, it does not select values"
        )
    if unknown := set(timing) - {"evaluationFrequency", "windowSize"}:
        raise UnsupportedRuleError(f"{name}: the sandbox does not evaluate {', '.join(sorted(unknown))}")
