"""What Azure Resource Manager logs of the installation is told, each thing by one alert."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.templates.functions import GROUP_ID
from sandbox.alerts.activity import MOST_RULES, SEVERITY
from sandbox.alerts.mail import MOST_MAILS
from sandbox.alerts.receiver import AlertReceiver, post_to
from sandbox.alerts.rules import SECURITY_DIRECTORY
from sandbox.azure.site import Site
from tests.infra.observation.activity_log import ADDRESS, CALLER, CORRELATION, SITE, alerts, deployed, event, told
from tests.infra.test_apps import API, PRIVATE

CATALOGUE = json.loads((SECURITY_DIRECTORY / "activity.json").read_text())
OPERATIONS = [(alert["name"], operation) for alert in CATALOGUE for operation in alert["operations"]]
FROM_OUTSIDE = "/subscriptions/00000000-0000-0000-0000-00000000000f/resourceGroups"


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_each_operation_is_told_by_its_alert_and_by_no_other(name: str, operation: str) -> None:
    assert told(event(operation)) == [name]
    # The activity log writes names of operations in several cases.
    assert told(event(operation.upper())) == [name]


@pytest.mark.parametrize(
    ("operation", "alert"),
    [
        ("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", "identity-attached"),
        ("Microsoft.ContainerInstance/containerGroups/write", "identity-attached"),
        (
            "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
            "identity-trust-changed",
        ),
        ("Microsoft.Authorization/roleAssignments/write", "access-changed"),
        ("Microsoft.Authorization/locks/delete", "access-changed"),
        ("Microsoft.Web/sites/extensions/write", "app-changed"),
        ("Microsoft.Web/sites/basicPublishingCredentialsPolicies/write", "app-changed"),
        ("Microsoft.ContainerInstance/containerGroups/containers/exec/action", "identity-attached"),
        ("Microsoft.ManagedServices/registrationAssignments/write", "access-changed"),
        ("Microsoft.Authorization/roleEligibilityScheduleRequests/write", "access-changed"),
        ("Microsoft.Web/sites/basicPublishingCredentialsPolicies/scm/write", "app-changed"),
        ("Microsoft.Web/sites/functions/listSecrets/action", "keys-touched"),
        ("Microsoft.OperationalInsights/workspaces/dataExports/write", "logs-changed"),
        ("Microsoft.Storage/storageAccounts/managementPolicies/write", "storage-changed"),
        ("Microsoft.Web/sites/host/listkeys/action", "keys-touched"),
        ("Microsoft.Web/sites/publishxml/action", "keys-touched"),
        ("Microsoft.KeyVault/vaults/secrets/write", "vault-changed"),
        ("Microsoft.Storage/storageAccounts/write", "storage-changed"),
        ("Microsoft.Insights/diagnosticSettings/delete", "logs-changed"),
        ("Microsoft.OperationalInsights/workspaces/purge/action", "logs-changed"),
        ("Microsoft.Insights/scheduledQueryRules/write", "rules-changed"),
        ("Microsoft.Insights/activityLogAlerts/delete", "rules-changed"),
        ("Microsoft.AlertsManagement/actionRules/write", "rules-changed"),
    ],
)
def test_what_an_attacker_would_do_first_is_told(operation: str, alert: str) -> None:
    assert told(event(operation)) == [alert]


def test_resources_that_leave_the_group_are_told_although_the_event_is_about_the_group_itself() -> None:
    operation = "Microsoft.Resources/subscriptions/resourceGroups/moveResources/action"
    assert told(event(operation, GROUP_ID)) == ["access-changed"]


@pytest.mark.parametrize("status", ["Started", "Accepted", "Failed", ""])
def test_what_has_begun_or_was_refused_is_not_told_so_that_a_change_is_told_once(status: str) -> None:
    assert [name for _, operation in OPERATIONS for name in told(event(operation, status=status))] == []


@pytest.mark.parametrize(
    "resource",
    [
        f"{FROM_OUTSIDE}/rg-production/providers/Microsoft.Web/sites/another",
        f"{GROUP_ID}-other/providers/Microsoft.Web/sites/another",
    ],
)
def test_other_groups_are_none_of_our_business(resource: str) -> None:
    assert told(event("Microsoft.Web/sites/write", resource)) == []


def test_what_happens_every_day_is_not_told() -> None:
    for operation in (
        "Microsoft.Web/sites/start/action",
        "Microsoft.Web/sites/hostruntime/host/action",
        "Microsoft.Insights/scheduledQueryRules/read",
        "Microsoft.Resources/deployments/write",
        "Microsoft.Storage/storageAccounts/tableServices/tables/write",
    ):
        assert told(event(operation)) == []
    policy = {"value": "Policy", "localizedValue": "Policy"}
    assert told(event("Microsoft.Web/sites/write", category=policy)) == []


def test_the_alert_that_a_receiver_gets_names_the_caller_the_operation_and_the_resource() -> None:
    one = event("Microsoft.Web/sites/host/listkeys/action", f"{SITE}/host/default")
    alert = alerts()["keys-touched"]
    receiver = AlertReceiver()
    with Site(receiver.add_routes) as site:
        post_to(f"{site.url}/alerts")(alert.payload(one))
    [payload] = receiver.payloads
    essentials, context = payload["data"]["essentials"], payload["data"]["alertContext"]
    assert context["caller"] == CALLER
    assert context["operationName"] == context["authorization"]["action"] == "Microsoft.Web/sites/host/listkeys/action"
    assert context["authorization"]["scope"] == f"{SITE}/host/default"
    assert essentials["alertTargetIDs"] == [f"{SITE}/host/default".lower()]
    assert essentials["description"].endswith("#keys-or-settings-of-an-app-were-listed-or-changed")
    assert essentials["severity"] == SEVERITY
    # The address is in the claims of people's tokens; of others only the event has it, which the correlation id finds.
    assert json.loads(context["claims"])["ipaddr"] == ADDRESS
    assert context["correlationId"] == one["correlationId"] == CORRELATION
    assert "httpRequest" not in context


def test_no_operation_is_told_twice_and_the_subscription_has_room_for_the_alerts() -> None:
    operations = [operation.lower() for _, operation in OPERATIONS]
    assert len(set(operations)) == len(operations)
    assert set(alerts()) == {*(alert["name"] for alert in CATALOGUE), "rules-unhealthy"}
    assert len(alerts()) <= MOST_RULES / 5


EVERYTHING = {
    **API,
    **PRIVATE,
    "deleteLocks": True,
    "monthlyBudget": 100,
    "budgetStart": "2027-01-01",
    "credentialKind": "secret",
    "publisherCredential": "secret",
}


@pytest.mark.parametrize("changes", [{}, API, EVERYTHING])
def test_what_one_deployment_makes_an_address_told_stays_below_what_it_is_sent_in_an_hour(
    changes: dict[str, Any],
) -> None:
    """From 75 to 99 times, as the documents tell."""
    operations = {operation.lower() for _, operation in OPERATIONS}
    written = [one for one in deployed(**changes).resources if f"{one.type.lower()}/write" in operations]
    assert 75 <= len(written) < MOST_MAILS
