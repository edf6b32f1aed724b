"""The notifications' two forms."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sandbox.azure.notifications import notification

if TYPE_CHECKING:
    from sandbox.local_azure import Sandbox

MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.timezone(dt.timedelta(hours=2)))


def test_a_marketplace_notification_has_a_plan_and_billing_details(sandbox: Sandbox) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    body = notification(customer, "PUT", "Succeeded", event_time=MOMENT)
    assert body == {
        "eventType": "PUT",
        "applicationId": customer.application_id,
        "eventTime": "2026-01-02T01:04:05.6789010Z",
        "provisioningState": "Succeeded",
        "billingDetails": {"resourceUsageId": customer.usage_id},
        "plan": {"publisher": "contoso", "product": "secure-analytics", "name": "standard", "version": "1.0.0"},
    }


def test_a_service_catalog_notification_has_a_definition_and_a_failed_one_an_error(sandbox: Sandbox) -> None:
    customer = sandbox.arm.add_customer("Contoso", kind="ServiceCatalog")
    body = notification(customer, "PUT", "Failed", event_time=MOMENT, leading_slash=False)
    assert body["applicationId"].startswith("subscriptions/")
    assert "applicationDefinitions" in body["applicationDefinitionId"]
    assert body["error"]["details"][0]["code"] == "SkuNotAvailable"
    assert "plan" not in body
