"""What docs/security.md says of settings at Azure: computed from the templates as a deployment would."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks import bicep
from checks.reach.scenarios import scenarios
from checks.templates.deployment import Deployment, deploy
from notification_endpoint.notification import LARGEST_BODY_BYTES
from publisher.notifications import LARGEST_MESSAGE_BYTES
from publisher.settings import MOST_ROWS_OF_AN_APPLICATION
from registry.notifications.asking import MOST_IN_A_ROUND
from registry.notifications.bounds import MOST_ABOUT_STRANGERS, MOST_WAITING
from registry.notifications.pending import UNKNOWN_FOR
from registry.reconcile import ERASED_AFTER
from tests.infra.test_apps import API, PRIVATE, body, deployed, names
from verdicts.exports.store import CONTAINER
from verdicts.judging.departures import UNCONFIRMED_FOR

PROJECT = bicep.INFRASTRUCTURE.parent
NETWORK = "Microsoft.Network/"
RULES = "Microsoft.Insights/scheduledQueryRules"


def one_of(deployment: Deployment, kind: str) -> dict[str, Any]:
    (found,) = deployment.of_type(kind)
    properties: dict[str, Any] = found.body["properties"]
    return properties


def settings_of(role: str, **changes: Any) -> dict[str, str]:
    (found,) = [
        one.body["properties"]
        for one in deployed(**changes).of_type("Microsoft.Web/sites/config")
        if one.name == "appsettings" and f"/sites/func-{role}…/" in one.id
    ]
    return dict(found)


def test_the_vault_keeps_what_is_deleted_and_knows_roles_alone() -> None:
    vault = one_of(deployed(), "Microsoft.KeyVault/vaults")
    assert (vault["enableRbacAuthorization"], vault["enableSoftDelete"], vault["enablePurgeProtection"]) == (True,) * 3
    assert not vault.get("accessPolicies")


def test_nothing_listens_without_tls_of_today() -> None:
    deployment = deployed(**API)
    for account in deployment.of_type("Microsoft.Storage/storageAccounts"):
        properties = account.body["properties"]
        assert (properties["minimumTlsVersion"], properties["supportsHttpsTrafficOnly"]) == ("TLS1_2", True)
    for site in deployment.of_type("Microsoft.Web/sites"):
        properties = site.body["properties"]
        config = properties["siteConfig"]
        assert (properties["httpsOnly"], config["minTlsVersion"], config["scmMinTlsVersion"]) == (True, "1.2", "1.2")


def test_secrets_come_in_securely_and_apps_get_references_to_the_vault() -> None:
    main = bicep.BicepFile(bicep.INFRASTRUCTURE / "main.bicep")
    for name in ("notificationSignature", "publisherCredential"):
        assert "@secure()" in main.parameters[name].decorators
    secrets = {"notificationSignature": "quite-secret-signature", "publisherCredential": "quite-secret-credential"}
    deployment = deployed(**secrets, credentialKind="secret")
    assert "quite-secret" not in json.dumps(deployment.outputs, default=str)
    for role, setting in (("", "NOTIFICATION_SIGNATURE"), ("worker-", "AZURE_CLIENT_SECRET")):
        settings = settings_of(role, **secrets, credentialKind="secret")
        assert settings[setting].startswith("@Microsoft.KeyVault("), setting
        assert "quite-secret" not in json.dumps(settings, default=str)


@pytest.mark.parametrize(("changes", "access"), [(API, "Enabled"), ({**API, **PRIVATE}, "Disabled")])
def test_storage_vault_and_workspace_are_public_or_private_together(changes: dict[str, Any], access: str) -> None:
    deployment = deployed(**changes)
    assert one_of(deployment, "Microsoft.KeyVault/vaults")["publicNetworkAccess"] == access
    for account in deployment.of_type("Microsoft.Storage/storageAccounts"):
        assert account.body["properties"]["publicNetworkAccess"] == access
    for kind in ("Microsoft.OperationalInsights/workspaces", "Microsoft.Insights/components"):
        properties = one_of(deployment, kind)
        ways = ("publicNetworkAccessForIngestion", "publicNetworkAccessForQuery")
        assert [properties[way] for way in ways] == [access] * 2
    endpoint = one_of(deployment, "Microsoft.Insights/dataCollectionEndpoints")
    assert endpoint["networkAcls"]["publicNetworkAccess"] == access
    scopes = [one.body["properties"] for one in deployment.of_type("Microsoft.Insights/privateLinkScopes")]
    modes = [scope["accessModeSettings"] for scope in scopes]
    private = {"ingestionAccessMode": "PrivateOnly", "queryAccessMode": "PrivateOnly"}
    assert modes == ([private] if access == "Disabled" else [])


def test_only_the_private_mode_has_a_network_and_a_fixed_way_out_of_it() -> None:
    assert [one.type for one in deployed(**API).resources if one.type.startswith(NETWORK)] == []
    deployment = deployed(**API, **PRIVATE)
    network = one_of(deployment, f"{NETWORK}virtualNetworks")
    ways_out = {one["name"]: "natGateway" in one["properties"] for one in network["subnets"]}
    assert ways_out == {"app": True, "worker": True, "api": True, "endpoints": False}
    assert one_of(deployment, f"{NETWORK}publicIPAddresses")["publicIPAllocationMethod"] == "Static"
    assert len(one_of(deployment, f"{NETWORK}natGateways")["publicIpAddresses"]) == 1


def test_the_endpoints_take_apps_and_operators_on_one_port() -> None:
    subnets = {"appSubnet": "10.90.0.0/26", "workerSubnet": "10.90.0.128/26", "apiSubnet": "10.90.0.192/26"}
    prefixes = {"network": "10.90.0.0/24", "endpointsSubnet": "10.90.0.64/26", "operators": ["10.1.0.0/16"], **subnets}
    deployment = deploy({**scenarios()[0], **API, **PRIVATE, "addressPrefixes": prefixes})
    group = body(deployment, f"{NETWORK}networkSecurityGroups", "nsg-…-endpoints")["properties"]
    rules = [rule["properties"] for rule in group["securityRules"]]
    allowed = [rule for rule in rules if rule["access"] == "Allow"]
    assert [(rule["direction"], rule["destinationPortRange"]) for rule in allowed] == [("Inbound", "443")]
    assert set(allowed[0]["sourceAddressPrefixes"]) == {*subnets.values(), "10.1.0.0/16"}
    for name in names(deployment, f"{NETWORK}networkSecurityGroups"):
        of_group = body(deployment, f"{NETWORK}networkSecurityGroups", name)["properties"]["securityRules"]
        ports = {
            one["properties"]["destinationPortRange"] for one in of_group if one["properties"]["access"] == "Allow"
        }
        assert ports == {"443"}


def test_a_workspace_takes_a_limited_amount_and_a_budget_is_there_on_demand() -> None:
    workspace = one_of(deployed(), "Microsoft.OperationalInsights/workspaces")
    assert workspace["workspaceCapping"] == {"dailyQuotaGb": 5}
    assert deployed().of_type("Microsoft.Consumption/budgets") == []
    with_budget = deployed(monthlyBudget=100, budgetStart="2027-01-01", alertEmail="ops@example.com")
    budget = one_of(with_budget, "Microsoft.Consumption/budgets")
    assert (budget["amount"], budget["timeGrain"], budget["timePeriod"]) == (
        100,
        "Monthly",
        {"startDate": "2027-01-01"},
    )
    told = budget["notifications"].values()
    assert {(one["thresholdType"], one["threshold"]) for one in told} == {
        ("Actual", 80),
        ("Actual", 100),
        ("Forecasted", 110),
    }
    assert all(one["enabled"] and one["contactEmails"] == ["ops@example.com"] for one in told)
    assert all("contactGroups" not in one for one in told), "budgets call groups with the older schema alone"


def test_elevated_access_at_the_root_is_watched_on_demand() -> None:
    def rules(**changes: Any) -> set[str]:
        return {one.name.split("production-")[-1] for one in deployed(**changes).of_type(RULES)}

    assert rules(alertOnElevatedAccess=True) - rules() == {"root-access-elevated", "root-access-unseen"}


def test_the_hosts_of_the_apps_record_no_query_strings() -> None:
    """The Functions host strips them unless it is told not to; the key and the signature are in there."""
    host = (PROJECT / "host.json").read_text(encoding="utf-8")
    assert "enableQueryStringTracing" not in host


def test_the_container_of_the_exports_is_the_one_that_rules_and_templates_speak_of() -> None:
    storage = (bicep.INFRASTRUCTURE / "modules" / "storage.bicep").read_text(encoding="utf-8")
    assert f"containerName: '{CONTAINER}'" in storage
    strangers = (bicep.INFRASTRUCTURE / "security_alerts" / "storage_written_by_stranger.kql").read_text(
        encoding="utf-8"
    )
    assert f'Container =~ "{CONTAINER}"' in strangers


def test_what_is_done_in_storage_is_logged_as_far_as_it_is_told() -> None:
    logged = {
        one.scope.id.partition("/storageAccounts/")[2]: {log["category"] for log in one.body["properties"]["logs"]}
        for one in deployed(**API).of_type("Microsoft.Insights/diagnosticSettings")
        if one.scope and "/storageAccounts/" in one.scope.id
    }
    changes = {"StorageWrite", "StorageDelete"}
    assert logged == {
        **{f"{account}/blobServices/default": changes for account in ("st…", "stworker…", "stapi…")},
        "stworker…/queueServices/default": {"StorageWrite"},
        "stworker…/tableServices/default": {"StorageRead", *changes},
    }


def test_there_are_nine_alerts_of_the_activity_log() -> None:
    alerts = json.loads((bicep.INFRASTRUCTURE / "security_alerts" / "activity.json").read_text(encoding="utf-8"))
    assert len(alerts) == 9


def test_rows_are_kept_for_ninety_days() -> None:
    assert one_of(deployed(), "Microsoft.OperationalInsights/workspaces")["retentionInDays"] == 90


def test_numbers_that_the_document_tells_are_those_of_the_program() -> None:
    said = " ".join((PROJECT / "docs" / "security.md").read_text(encoding="utf-8").split())
    queries = bicep.INFRASTRUCTURE / "queries"
    for query in ("application_unregistered", "deployment_failed"):
        assert "top 25 by" in (queries / f"{query}.kql").read_text(encoding="utf-8")
    for words in (
        f"look at applications, at most {MOST_IN_A_ROUND} a minute, and write rows: {MOST_ABOUT_STRANGERS} notifications an hour",
        f"{MOST_WAITING:,} waiting applications, 25 named alerts",
        f"ids that it never shows us {UNKNOWN_FOR.days} days",
        f"| {LARGEST_BODY_BYTES // 1024**2} MB limit;",
        f"at most {LARGEST_MESSAGE_BYTES // 1024} KB, of the body nothing else",
        f"at most {MOST_ROWS_OF_AN_APPLICATION:,} rows of states are uploaded",
        f"then a tombstone for {ERASED_AFTER.days} days",
        f"which is erased after {ERASED_AFTER.days} days",
        "for thirty days the daily job looks again",
    ):
        assert words in said
    assert UNCONFIRMED_FOR.days == 30
