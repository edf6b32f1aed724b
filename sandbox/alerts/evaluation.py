"""Plays Azure Monitor's alert evaluation: runs the rules over the workspace, delivers what fires and is resolved.

A rule's query runs over TimeGenerated of the rule's window; its rows are split by the dimensions, aggregated and
compared with the threshold. A combination of dimensions that breaches fires once and stays fired until it has been
healthy for a number of evaluations (FACTS 4.3), then it is resolved.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from sandbox.alerts.schema import FiredAlert, common_alert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sandbox.alerts.rules import AlertRule
    from sandbox.workspace.workspace import Workspace

Dimensions = tuple[str, ...]
"""Values of a rule's dimensions, in the rule's order."""

_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqual": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqual": operator.le,
    "Equal": operator.eq,
}

_AGGREGATIONS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Total": sum,
    "Average": lambda values: sum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
}


@dataclass(frozen=True, slots=True)
class Notification:
    """An alert that fired or was resolved; `payload` is what the action group posts (common alert schema)."""

    rule: AlertRule
    condition: Literal["Fired", "Resolved"]
    dimensions: Mapping[str, str]
    value: float
    payload: Mapping[str, Any]


def evaluations_to_resolve(frequency: timedelta) -> int:
    """Return how many healthy evaluations in a row resolve a stateful alert (FACTS 4.3)."""
    if frequency <= timedelta(minutes=1):
        return 10
    if frequency <= timedelta(minutes=15):
        return 3
    return 2 if frequency < timedelta(hours=11) else 1


class AlertEvaluator:
    """Evaluates the rules, and remembers which alerts are active.

    Args:
        rules: `sandbox.alerts.rules.read_rules(interval)`.
        workspace: where the queries run.
        deliver: is called with each payload in the common alert schema, for example `alert_receiver.post_to(url)`.
    """

    def __init__(
        self,
        rules: Iterable[AlertRule],
        workspace: Workspace,
        deliver: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        self.rules: Final = tuple(rules)
        self._workspace = workspace
        self._deliver = deliver
        self._fired: dict[tuple[str, Dimensions], FiredAlert] = {}

    @property
    def fired(self) -> list[FiredAlert]:
        """Every active alert, the oldest first."""
        return list(self._fired.values())

    def evaluate(self, now: datetime) -> list[Notification]:
        """Evaluate every rule once, as of `now`; deliver and return what fired and what was resolved.

        The evaluations that resolve an alert are those of its rule's frequency in Azure; here every call is one.

        Raises:
            QueryError: a rule's query does not run. Azure would disable such a rule after a week.
        """
        notifications: list[Notification] = []
        for rule in self.rules:
            notifications += self._evaluate(rule, now)
        for notification in notifications:
            self._deliver(notification.payload)
        return notifications

    def _evaluate(self, rule: AlertRule, now: datetime) -> list[Notification]:
        breaches = {
            dimensions: value
            for dimensions, value in self._values(rule, now).items()
            if _OPERATORS[rule.operator](value, rule.threshold)
        }
        notifications = []
        for dimensions, value in breaches.items():
            active = self._fired.get((rule.name, dimensions))
            if active is None or not rule.auto_mitigate:
                active = FiredAlert(rule, dict(zip(rule.dimensions, dimensions, strict=True)), value, now)
                self._fired[rule.name, dimensions] = active
                notifications.append(_notification(active, "Fired", now))
            active.value, active.healthy_evaluations = value, 0
        return notifications + self._resolve(rule, breaches, now)

    def _resolve(self, rule: AlertRule, breaches: Mapping[Dimensions, float], now: datetime) -> list[Notification]:
        notifications = []
        for key, active in list(self._fired.items()):
            if key[0] != rule.name or key[1] in breaches:
                continue
            active.healthy_evaluations += 1
            if not rule.auto_mitigate:
                del self._fired[key]
            elif active.healthy_evaluations >= evaluations_to_resolve(rule.evaluation_frequency):
                del self._fired[key]
                notifications.append(_notification(active, "Resolved", now))
        return notifications

    def _values(self, rule: AlertRule, now: datetime) -> dict[Dimensions, float]:
        """Return the rule's aggregated value of every combination of dimensions that the query returns."""
        rows = self._workspace.query(rule.query, timespan=(now - rule.window_size, now), now=now)
        if rule.metric_measure_column is None:
            counts: dict[Dimensions, float] = defaultdict(float)
            if not rule.dimensions:
                counts[()] = 0.0  # without dimensions, no rows is a count of zero
            for row in rows:
                counts[_dimensions(rule, row)] += 1
            return counts
        measures: dict[Dimensions, list[float]] = defaultdict(list)
        for row in rows:
            measure = row[rule.metric_measure_column]
            if measure is not None:
                measures[_dimensions(rule, row)].append(measure)
        return {dimensions: _AGGREGATIONS[rule.time_aggregation](values) for dimensions, values in measures.items()}


def _dimensions(rule: AlertRule, row: Mapping[str, Any]) -> Dimensions:
    return tuple(str(row[name] or "") for name in rule.dimensions)


def _notification(alert: FiredAlert, condition: Literal["Fired", "Resolved"], now: datetime) -> Notification:
    payload = common_alert(alert, condition, now)
    return Notification(alert.rule, condition, alert.dimensions, alert.value, payload)
