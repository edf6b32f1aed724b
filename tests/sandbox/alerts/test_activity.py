"""Activity log alerts are read as strictly as Azure takes them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.alerts.activity import ActivityAlert
from sandbox.alerts.rules import UnsupportedRuleError
from tests.infra.observation.activity_log import event

CATEGORY = {"field": "category", "equals": "administrative"}
GROUP = "/subscriptions/1/resourceGroups/Ours"
OPERATION = "Microsoft.Web/sites/write"


def alert(*conditions: dict[str, Any], enabled: bool = True) -> ActivityAlert:
    properties = {
        "description": "d",
        "enabled": enabled,
        "scopes": [GROUP],
        "condition": {"allOf": [CATEGORY, *conditions]},
    }
    return ActivityAlert.read("alert", properties)


def fires(*conditions: dict[str, Any], resource: str = f"{GROUP}/providers/Microsoft.Web/sites/a") -> bool:
    return alert(*conditions).fires(event(OPERATION, resource, properties={"currentHealthStatus": "Degraded"}))


def test_texts_are_compared_whole_and_without_regard_to_case() -> None:
    assert fires({"field": "OperationName", "equals": "MICROSOFT.WEB/SITES/WRITE"})
    assert not fires({"field": "operationName", "equals": "Microsoft.Web/sites"})
    assert fires({"field": "operationName", "containsAny": ["other", "microsoft.web/sites/write"]})
    assert not fires({"field": "operationName", "containsAny": ["Microsoft.Web/sites"]})
    assert fires({"field": "properties.currentHealthStatus", "equals": "degraded"})
    assert not fires({"field": "properties.nothing.like.it", "equals": "degraded"})


def test_all_conditions_have_to_be_met_and_of_anyof_one() -> None:
    yes, no = {"field": "caller", "equals": "eve@contoso.com"}, {"field": "caller", "equals": "adam@contoso.com"}
    assert fires(yes, {"anyOf": [no, yes]})
    assert not fires(yes, {"anyOf": [no, no]})
    assert not fires(yes, no)


def test_an_event_has_to_be_inside_of_the_scope() -> None:
    assert fires(resource=GROUP.upper())
    assert not fires(resource=f"{GROUP}2/providers/Microsoft.Web/sites/a")


def test_an_alert_that_is_switched_off_fires_nothing() -> None:
    assert not alert(enabled=False).fires(event(OPERATION, GROUP))


@pytest.mark.parametrize(
    ("conditions", "complaint"),
    [
        ([{"field": "caller", "equals": "a"}], "about the category"),
        ([], "a condition is a list allOf"),
        ([CATEGORY, {"field": "tenant", "equals": "a"}], "events have no field 'tenant'"),
        ([CATEGORY, {"field": "caller"}], "either equals or containsAny"),
        ([CATEGORY, {"field": "caller", "equals": "a", "containsAny": ["a"]}], "either equals or containsAny"),
        ([CATEGORY, {"field": "caller", "notEquals": "a"}], "either equals or containsAny"),
        ([CATEGORY, {"anyOf": []}], "not empty"),
        ([CATEGORY, {"anyOf": [CATEGORY], "field": "caller"}], "has nothing beside it"),
        ([CATEGORY, {"anyOf": [{"anyOf": [CATEGORY]}]}], "events have no field ''"),
    ],
)
def test_what_azure_refuses_is_refused(conditions: list[dict[str, Any]], complaint: str) -> None:
    properties = {"description": "d", "enabled": True, "scopes": [GROUP], "condition": {"allOf": conditions}}
    with pytest.raises(UnsupportedRuleError, match=complaint):
        ActivityAlert.read("alert", properties)
