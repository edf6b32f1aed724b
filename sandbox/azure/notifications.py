"""Builds the notifications that Azure sends to a publisher's webhook about a customer's application.

Source: https://learn.microsoft.com/azure/azure-resource-manager/managed-applications/publish-notifications
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.world.customers import Customer

DEPLOYMENT_ERROR = {
    "code": "DeploymentFailed",
    "message": "At least one resource deployment operation failed.",
    "details": [{"code": "SkuNotAvailable", "message": "The requested size is not available in this region."}],
}


def notification(
    customer: Customer,
    event_type: str,
    provisioning_state: str,
    *,
    event_time: dt.datetime,
    leading_slash: bool = True,
) -> dict[str, Any]:
    """The JSON body of one notification.

    Args:
        customer: whose application it is about; its kind decides between the Marketplace and the service catalog form.
        event_type: "PUT", "PATCH" or "DELETE".
        provisioning_state: "Accepted", "Succeeded", "Failed", "Deleting" or "Deleted"; "Failed" comes with an error.
        event_time: aware; written with the seven fractional digits that Azure uses.
        leading_slash: whether the application id begins with a slash; Azure sends both.
    """
    body: dict[str, Any] = {
        "eventType": event_type,
        "applicationId": customer.application_id if leading_slash else customer.application_id.lstrip("/"),
        "eventTime": event_time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
        "provisioningState": provisioning_state,
    }
    if customer.kind == "MarketPlace":
        body["billingDetails"] = {"resourceUsageId": customer.usage_id}
        body["plan"] = customer.plan.as_json()
    else:
        body["applicationDefinitionId"] = customer.application_definition_id
    if provisioning_state == "Failed":
        body["error"] = DEPLOYMENT_ERROR
    return body
