"""Plays Azure Monitor's alert evaluation: runs the rules over the workspace, delivers what fires and is resolved.

A rule's query runs over TimeGenerated of the rule's window, and sees the rows that are visible by then; they are
split by the dimensions, aggregated and compared with the threshold. A combination of dimensions that breaches fires
once and stays fired until it has been healthy for a number of evaluations (FACTS 4.3), then it is resolved. Azure's
limits hold (see sandbox/alerts/limits.py).
"""

from __future__ import annotations

import operator
import random
import re
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from sandbox.alerts.health import QUIET_AFTER, HealthEvent, RuleHealth
from sandbox.alerts.limits import DIMENSION_TYPES, LOOK_BACK, within_limit
from sandbox.alerts.rules import UnsupportedRuleError
from sandbox.alerts.schema import FiredAlert, common_alert
from sandbox.workspace.workspace import QueryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    from sandbox.alerts.rules import AlertRule
    from sandbox.workspace.workspace import QueryResult, Workspace

AT_ONCE: Final = 2
"""How many rules are queried at the same time; what they say is applied in their order."""

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
        unattended: a rule that fails is counted in `health`, and disabled after a week, as Azure does; by default
            the failure is raised.
        seed: decides which alerts are left out when there are more than a rule may have.

    `dropped` counts, by rule, what the limits kept from being told.
    """

    def __init__(
        self,
        rules: Iterable[AlertRule],
        workspace: Workspace,
        deliver: Callable[[Mapping[str, Any]], None] = lambda _: None,
        *,
        unattended: bool = False,
        seed: int = 0,
    ) -> None:
        self.rules: Final = tuple(rules)
        self.dropped: Counter[str] = Counter()
        self.health: Final = {rule.name: RuleHealth(rule.name) for rule in self.rules}
        self._workspace = workspace
        self._deliver = deliver
        self._unattended = unattended
        self._dice = random.Random(seed)  # noqa: S311 - a model, no secret
        self._fired: dict[tuple[str, Dimensions], FiredAlert] = {}
        self._evaluated_at: dict[str, datetime] = {}

    @property
    def fired(self) -> list[FiredAlert]:
        """Every active alert, the oldest first."""
        return list(self._fired.values())

    @property
    def health_events(self) -> list[HealthEvent]:
        """What the platform has told about the rules themselves, the oldest first."""
        return sorted((event for health in self.health.values() for event in health.events), key=lambda one: one.at)

    def evaluate(self, now: datetime) -> list[Notification]:
        """Evaluate every rule once, as of `now`; deliver and return what fired and what was resolved.

        The evaluations that resolve an alert are those of its rule's frequency in Azure; here every call is one.

        Raises:
            QueryError: a rule's query does not run, or one of its tables has been quiet for 30 days (unless
                `unattended`).
            UnsupportedRuleError: a dimension is of a type that Azure does not split by.
        """
        return self._evaluate_all(self.rules, now)

    def evaluate_due(self, now: datetime) -> list[Notification]:
        """Evaluate, as `evaluate` does, the rules whose frequency has passed since they were last evaluated."""
        return self._evaluate_all([rule for rule in self.rules if self._is_due(rule, now)], now)

    def _is_due(self, rule: AlertRule, now: datetime) -> bool:
        before = self._evaluated_at.get(rule.name)
        return before is None or now - before >= rule.evaluation_frequency

    def _evaluate_all(self, rules: Iterable[AlertRule], now: datetime) -> list[Notification]:
        notifications: list[Notification] = []
        rules = list(rules)
        self._evaluated_at |= dict.fromkeys((rule.name for rule in rules), now)
        enabled = [rule for rule in rules if not self.health[rule.name].disabled]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = [(rule, pool.submit(self._values, rule, now)) for rule in enabled]
            for rule, values in asked:
                notifications += self._evaluate(rule, now, values)
        for notification in notifications:
            self._deliver(notification.payload)
        return notifications

    def _evaluate(self, rule: AlertRule, now: datetime, asked: Future[dict[Dimensions, float]]) -> list[Notification]:
        try:
            self._require_rows_lately(rule, now)
            values = asked.result()
        except QueryError as error:
            if not self._unattended:
                raise
            self.health[rule.name].failed(now, str(error))
            return []
        self.health[rule.name].succeeded(now)
        breaching = {key: value for key, value in values.items() if _OPERATORS[rule.operator](value, rule.threshold)}
        breaches = within_limit(breaching, self._dice, stateful=rule.auto_mitigate)
        self.dropped[rule.name] += len(breaching) - len(breaches)
        return self._fire(rule, breaches, now) + self._resolve(rule, breaches, now)

    def _fire(self, rule: AlertRule, breaches: Mapping[Dimensions, float], now: datetime) -> list[Notification]:
        notifications = []
        for dimensions, value in breaches.items():
            active = self._fired.get((rule.name, dimensions))
            if active is None or not rule.auto_mitigate:
                active = FiredAlert(rule, dict(zip(rule.dimensions, dimensions, strict=True)), value, now)
                self._fired[rule.name, dimensions] = active
                notifications.append(_notification(active, "Fired", now))
            active.value, active.healthy_evaluations = value, 0
        return notifications

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

    def _require_rows_lately(self, rule: AlertRule, now: datetime) -> None:
        words = set(re.findall(r"\w+", rule.query))
        for table in sorted(words & self._workspace.tables.keys()):
            if now - self._workspace.latest_receipt(table) > QUIET_AFTER:
                raise QueryError("SemanticError", f"{rule.name}: {table} has had no rows for more than 30 days")

    def _values(self, rule: AlertRule, now: datetime) -> dict[Dimensions, float]:
        """Return the rule's aggregated value of every combination of dimensions that the query returns."""
        since = now - min(rule.window_size, LOOK_BACK)
        result = self._workspace.run(rule.query, timespan=(since, now), now=now)
        _require_dimensions(rule, result)
        rows = result.as_dicts()
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


def _require_dimensions(rule: AlertRule, result: QueryResult) -> None:
    types = {column.name: column.type for column in result.columns}
    for name in rule.dimensions:
        if types.get(name) not in DIMENSION_TYPES:
            found = f"is of type {types[name]}" if name in types else "is no column of the query's answer"
            raise UnsupportedRuleError(f"{rule.name}: dimension {name} {found}; Azure splits by strings and numbers")


def _dimensions(rule: AlertRule, row: Mapping[str, Any]) -> Dimensions:
    return tuple("" if row[name] is None else str(row[name]) for name in rule.dimensions)


def _notification(alert: FiredAlert, condition: Literal["Fired", "Resolved"], now: datetime) -> Notification:
    payload = common_alert(alert, condition, now)
    return Notification(alert.rule, condition, alert.dimensions, alert.value, payload)
