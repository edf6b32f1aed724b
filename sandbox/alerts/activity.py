"""Activity log alerts: which events fire one, and what the action group posts then.

A rule is read from the properties of its resource, as strictly as Azure takes them: a condition on the category, fields
of the event alone, texts that are compared whole and without regard to case. Its alert is told once for each event and
not resolved, and its severity is always the lowest. The payload has what Azure documents: the caller and the claims of
its token, the operation, the resource; not the address that the request came from, which the event alone has.

Sources: Microsoft.Insights/activityLogAlerts@2020-10-01 in Azure/azure-rest-api-specs,
learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples (Activity Log - Administrative) and
learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from sandbox.alerts.rules import UnsupportedRuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_RULES: Final = 100
"""Activity log alerts of a subscription."""

SEVERITY: Final = "Sev4"
"""Of every alert of the activity log: the rule has no severity."""

_FIELDS: Final = frozenset(
    {
        "resourceid",
        "category",
        "caller",
        "level",
        "operationname",
        "resourcegroup",
        "resourceprovider",
        "status",
        "substatus",
        "resourcetype",
    }
)
_LEAF: Final = frozenset({"field", "equals", "containsAny"})


@dataclass(frozen=True, slots=True)
class ActivityAlert:
    """One activity log alert. Events are those of the activity log's REST API.

    Raises:
        UnsupportedRuleError: Azure refuses such an alert.
    """

    name: str
    description: str
    enabled: bool
    scopes: tuple[str, ...]
    tests: tuple[Callable[[Mapping[str, Any]], bool], ...]

    @classmethod
    def read(cls, name: str, properties: Mapping[str, Any]) -> Self:
        """Read the properties of a Microsoft.Insights/activityLogAlerts."""
        condition = properties["condition"]
        if set(condition) != {"allOf"} or not condition["allOf"]:
            raise UnsupportedRuleError(f"{name}: a condition is a list allOf")
        if not any(one.get("field", "").lower() == "category" for one in condition["allOf"]):
            raise UnsupportedRuleError(f"{name}: one of the conditions has to be about the category")
        tests = tuple(_condition(name, one) for one in condition["allOf"])
        scopes = tuple(scope.lower().rstrip("/") for scope in properties["scopes"])
        return cls(name, properties["description"], properties["enabled"], scopes, tests)

    def fires(self, event: Mapping[str, Any]) -> bool:
        """Tell whether an event fires the alert."""
        target = f"{event['resourceId'].lower()}/"
        is_inside = any(target.startswith(f"{scope}/") for scope in self.scopes)
        return self.enabled and is_inside and all(test(event) for test in self.tests)

    def payload(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the action group posts about an event, in the common alert schema."""
        subscription = "/".join(event["resourceId"].split("/")[:3])
        essentials = {
            "alertId": f"{subscription}/providers/Microsoft.AlertsManagement/alerts/{event['eventDataId']}",
            "alertRule": self.name,
            "severity": SEVERITY,
            "signalType": "Activity Log",
            "monitorCondition": "Fired",
            "monitoringService": "Activity Log - Administrative",
            "alertTargetIDs": [event["resourceId"].lower()],
            "configurationItems": [event["resourceId"].rpartition("/")[2]],
            "originAlertId": event["eventDataId"],
            "firedDateTime": event["eventTimestamp"],
            "description": self.description,
            "essentialsVersion": "1.0",
            "alertContextVersion": "1.0",
        }
        same = ("authorization", "caller", "correlationId", "eventDataId", "eventTimestamp", "level", "operationId")
        context = {
            **{name: event[name] for name in (*same, "properties", "submissionTimestamp")},
            "channels": "Operation",
            "claims": orjson.dumps(event["claims"]).decode(),
            "eventSource": _field(event, "category"),
            "operationName": _field(event, "operationName"),
            "status": _field(event, "status"),
            "subStatus": _field(event, "subStatus"),
            "Activity Log Event Description": "",
        }
        return {
            "schemaId": "azureMonitorCommonAlertSchema",
            "data": {"essentials": essentials, "alertContext": context},
        }


def _condition(name: str, condition: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    if "anyOf" not in condition:
        return _leaf(name, condition)
    if set(condition) != {"anyOf"} or not condition["anyOf"]:
        raise UnsupportedRuleError(f"{name}: a condition with anyOf has nothing beside it, and is not empty")
    leaves = [_leaf(name, one) for one in condition["anyOf"]]
    return lambda event: any(leaf(event) for leaf in leaves)


def _leaf(name: str, condition: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    field = condition.get("field", "")
    if field.lower() not in _FIELDS and not field.lower().startswith("properties"):
        raise UnsupportedRuleError(f"{name}: events have no field {field!r}")
    if not set(condition) <= _LEAF or ("equals" in condition) == ("containsAny" in condition):
        raise UnsupportedRuleError(f"{name}: a condition on a field has either equals or containsAny")
    wanted = {str(value).lower() for value in condition.get("containsAny", [condition.get("equals")])}
    return lambda event: _field(event, field).lower() in wanted


def _field(event: Mapping[str, Any], path: str) -> str:
    """Return a field of an event as text; "" when it has none. Some are objects with a value and its translation."""
    value: Any = event
    for part in path.split("."):
        folded = {key.lower(): one for key, one in value.items()} if isinstance(value, dict) else {}
        value = folded.get(part.lower(), "")
    return str(value.get("value", "") if isinstance(value, dict) else value)
