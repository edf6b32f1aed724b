"""Events of the activity log, shaped as its REST API gives them, and the alerts that the templates make of it."""

from __future__ import annotations

from functools import cache
from typing import Any

from checks.reach.scenarios import scenarios
from checks.templates.deployment import Deployment, deploy
from checks.templates.functions import GROUP_ID
from sandbox.alerts.activity import ActivityAlert

CALLER = "eve@contoso.com"
ADDRESS = "203.0.113.7"
CORRELATION = "aaaa0000-bb11-2222-33cc-444444dddddd"
SITE = f"{GROUP_ID}/providers/Microsoft.Web/sites/func-worker"


@cache
def deployed(**changes: Any) -> Deployment:
    """The deployment with the defaults, but for what a test says otherwise."""
    return deploy({**scenarios()[0], **changes})


@cache
def alerts() -> dict[str, ActivityAlert]:
    """The activity log alerts that the templates make, by what follows the prefix in their names."""
    read = [
        ActivityAlert.read(one.name, one.body["properties"])
        for one in deployed().of_type("Microsoft.Insights/activityLogAlerts")
    ]
    return {one.name.split("production-")[-1]: one for one in read}


def told(event: dict[str, Any]) -> list[str]:
    """Which of these alerts an event fires."""
    return [name for name, alert in alerts().items() if alert.fires(event)]


def event(operation: str, resource: str = SITE, status: str = "Succeeded", **fields: Any) -> dict[str, Any]:
    """An event of the activity log about a resource."""
    at = "2026-03-10T12:00:00.0000000Z"
    event = {
        "authorization": {"action": operation, "scope": resource},
        "caller": CALLER,
        "category": {"value": "Administrative", "localizedValue": "Administrative"},
        "claims": {"appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "ipaddr": ADDRESS, "name": "Eve"},
        "correlationId": CORRELATION,
        "eventDataId": "bbbbcccc-1111-dddd-2222-eeee3333ffff",
        "eventTimestamp": at,
        "httpRequest": {"clientIpAddress": ADDRESS, "clientRequestId": CORRELATION, "method": "PUT"},
        "level": "Informational",
        "operationId": CORRELATION,
        "operationName": {"value": operation, "localizedValue": "something in words"},
        "properties": {"entity": resource, "eventCategory": "Administrative"},
        "resourceId": resource,
        "status": {"value": status, "localizedValue": status},
        "subStatus": {"value": "OK", "localizedValue": "OK (HTTP Status Code: 200)"},
        "submissionTimestamp": at,
    }
    return event | fields
