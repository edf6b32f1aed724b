"""The common alert schema of Log Alerts V2: the JSON that an action group posts (FACTS 4.5).

Source: learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import uuid4

if TYPE_CHECKING:
    from sandbox.alerts.rules import AlertRule

SANDBOX_SUBSCRIPTION: Final = "/subscriptions/00000000-0000-0000-0000-000000000000"
WORKSPACE: Final = (
    f"{SANDBOX_SUBSCRIPTION}/resourcegroups/sandbox/providers/microsoft.operationalinsights/workspaces/sandbox"
)


@dataclass(slots=True)
class FiredAlert:
    """An alert that is active: it has fired and is not resolved yet."""

    rule: AlertRule
    dimensions: dict[str, str]
    value: float
    fired_at: datetime
    alert_id: str = field(default_factory=lambda: str(uuid4()))
    healthy_evaluations: int = 0


def common_alert(alert: FiredAlert, condition: str, now: datetime) -> dict[str, Any]:
    """Return the payload of an alert whose condition is "Fired" or "Resolved" as of `now`."""
    essentials = {
        "alertId": f"{SANDBOX_SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/{alert.alert_id}",
        "alertRule": alert.rule.display_name,
        "severity": f"Sev{alert.rule.severity}",
        "signalType": "Log",
        "monitorCondition": condition,
        "monitoringService": "Log Alerts V2",
        "alertTargetIDs": [WORKSPACE],
        "originAlertId": alert.alert_id,
        "firedDateTime": _time(alert.fired_at),
        "description": alert.rule.description,
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    if condition == "Resolved":
        essentials["resolvedDateTime"] = _time(now)
    context = {
        "properties": dict(alert.rule.custom_properties) or None,
        "conditionType": "LogQueryCriteria",
        "condition": {
            "windowSize": alert.rule.window_size_text,
            "allOf": [_criterion(alert, now)],
            "windowStartTime": _time(now - alert.rule.window_size),
            "windowEndTime": _time(now),
        },
    }
    data = {"essentials": essentials, "alertContext": context}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


def _criterion(alert: FiredAlert, now: datetime) -> dict[str, Any]:
    rule = alert.rule
    span = f"{_time(now - rule.window_size)}/{_time(now)}"
    link = f"https://api.loganalytics.io/v1{WORKSPACE}/query?{urlencode({'query': rule.query, 'timespan': span})}"
    return {
        "searchQuery": rule.query,
        "metricMeasureColumn": rule.metric_measure_column,
        "targetResourceTypes": "['Microsoft.OperationalInsights/workspaces']",
        "operator": rule.operator,
        "threshold": str(rule.threshold),
        "timeAggregation": rule.time_aggregation,
        "dimensions": [{"name": name, "value": value} for name, value in alert.dimensions.items()],
        "metricValue": float(alert.value),
        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
        "linkToSearchResultsUI": None,  # the sandbox has no portal
        "linkToFilteredSearchResultsUI": None,
        "linkToSearchResultsAPI": link,
        "linkToFilteredSearchResultsAPI": link,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
