"""What the templates make: an app for each role, with what is its own, computed as a deployment would."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from checks.reach.scenarios import scenarios
from checks.templates.deployment import Deployment, deploy
from checks.templates.values import Resource
from collector.fan_out import SHARDS_QUEUE
from collector.fan_out.shard_records import RUNS_TABLE
from infra.hooks.federation import Credential, create_command
from publisher.notifications import NOTIFICATIONS_QUEUE, POISONED_NOTIFICATIONS_QUEUE
from registry.notifications.pending_table import PENDING_TABLE
from tests.infra.test_parameters import GUID
from verdicts.ledger import LEDGER_TABLE

API = {"apiClientId": GUID}
PRIVATE = {"privateNetworking": True, "deploymentSources": "203.0.113.7, 198.51.100.0/24"}


@cache
def deployed(**changes: Any) -> Deployment:
    """The deployment with the defaults, but for what a test says otherwise."""
    return deploy({**scenarios()[0], **changes})


def names(deployment: Deployment, kind: str) -> list[str]:
    return [resource.name for resource in deployment.of_type(kind)]


def body(deployment: Deployment, kind: str, name: str) -> dict[str, Any]:
    (found,) = [resource for resource in deployment.of_type(kind) if resource.name == name]
    return dict(found.body)


def below(deployment: Deployment, kind: str, account: str) -> set[str]:
    return {one.name for one in deployment.of_type(kind) if f"/storageAccounts/{account}/" in one.id}


OWN = {
    "Microsoft.Web/sites": "func-",
    "Microsoft.Web/serverfarms": "plan-",
    "Microsoft.Storage/storageAccounts": "st",
}


@pytest.mark.parametrize(("changes", "roles"), [({}, ["", "worker"]), (API, ["", "worker", "api"])])
def test_each_role_has_an_app_a_plan_and_a_storage_account_and_the_api_only_when_it_is_switched_on(
    changes: dict[str, str], roles: list[str]
) -> None:
    deployment = deployed(**changes)
    for kind, beginning in OWN.items():
        dash = "-" if beginning.endswith("-") else ""
        assert names(deployment, kind) == [f"{beginning}{role}{dash if role else ''}…" for role in roles]
    identities = names(deployment, "Microsoft.ManagedIdentity/userAssignedIdentities")
    assert identities == [f"id-{role or 'app'}-…" for role in roles] + ["id-alerts-…"]
    containers = deployment.of_type("Microsoft.Storage/storageAccounts/blobServices/containers")
    assert [one.name for one in containers].count("deployments") == len(roles)
    assert [one.id.split("/")[8] for one in containers if one.name == "exports"] == ["stworker…"]
    settings = [one.name for one in deployment.of_type("Microsoft.Web/sites/config")]
    assert settings.count("appsettings") == settings.count("authsettingsV2") == len(roles)


def test_an_api_that_is_switched_off_leaves_no_trace() -> None:
    for resource in deployed().resources:
        assert "api" not in resource.name.replace("apiVersion", ""), resource.id
    assert not any(deployed().outputs[name] for name in deployed().outputs if "API" in name)


def test_the_sign_in_stands_before_the_api_alone() -> None:
    """Also after an upgrade from the single app, before which it stood: nothing is left as it was."""
    is_on = {
        one.id.partition("/sites/")[2].partition("/")[0]: one.body["properties"]["platform"]["enabled"]
        for one in deployed(**API).of_type("Microsoft.Web/sites/config")
        if one.name == "authsettingsV2"
    }
    assert is_on == {"func-…": False, "func-worker-…": False, "func-api-…": True}


def test_each_app_has_its_role_in_its_tag_and_in_its_settings() -> None:
    deployment = deployed(**API)
    for site, settings in zip(
        deployment.of_type("Microsoft.Web/sites"),
        [one for one in deployment.of_type("Microsoft.Web/sites/config") if one.name == "appsettings"],
        strict=True,
    ):
        role = site.body["tags"]["azd-service-name"]
        assert settings.body["properties"]["APP_ROLE"] == role
        assert settings.id.startswith(site.id)
    assert [site.body["tags"]["azd-service-name"] for site in deployment.of_type("Microsoft.Web/sites")] == [
        "front",
        "worker",
        "api",
    ]


def test_each_app_runs_its_package_from_its_own_storage_account() -> None:
    for site in deployed(**API).of_type("Microsoft.Web/sites"):
        storage = site.body["properties"]["functionAppConfig"]["deployment"]["storage"]
        account = site.name.replace("func-", "st").replace("-", "")
        assert storage["value"] == f"https://{account}.blob.core.windows.net/deployments"


def test_the_queues_and_tables_of_the_worker_are_there_from_the_start_and_nobody_else_has_any() -> None:
    deployment = deployed(**API)
    queues = below(deployment, "Microsoft.Storage/storageAccounts/queueServices/queues", "stworker…")
    tables = below(deployment, "Microsoft.Storage/storageAccounts/tableServices/tables", "stworker…")
    assert queues == {NOTIFICATIONS_QUEUE, POISONED_NOTIFICATIONS_QUEUE, SHARDS_QUEUE}
    assert tables == {"applications", LEDGER_TABLE, PENDING_TABLE, RUNS_TABLE}
    for account in ("st…", "stapi…"):
        assert below(deployment, "Microsoft.Storage/storageAccounts/queueServices/queues", account) == set()
        assert below(deployment, "Microsoft.Storage/storageAccounts/tableServices/tables", account) == set()


def test_the_front_sends_to_the_workers_account() -> None:
    settings = [one for one in deployed().of_type("Microsoft.Web/sites/config") if one.name == "appsettings"]
    (front,) = [one.body["properties"] for one in settings if "/sites/func-…/" in one.id]
    assert front["NOTIFICATIONS__queueServiceUri"] == "https://stworker….queue.core.windows.net"
    assert front["AzureWebJobsStorage__blobServiceUri"] == "https://st….blob.core.windows.net"


@pytest.mark.parametrize("role", ["", "worker-", "api-"])
def test_the_admin_interface_of_every_app_is_isolated(role: str) -> None:
    properties = body(deployed(**API), "Microsoft.Web/sites", f"func-{role}…")["properties"]
    assert properties["functionsRuntimeAdminIsolationEnabled"] is True
    assert properties["httpsOnly"] is True


@pytest.mark.parametrize("changes", [API, {**API, **PRIVATE}])
@pytest.mark.parametrize(("role", "action"), [("", "Allow"), ("worker-", "Deny"), ("api-", "Allow")])
def test_nobody_is_let_in_to_the_app_that_answers_nobody(changes: dict[str, Any], role: str, action: str) -> None:
    site = body(deployed(**changes), "Microsoft.Web/sites", f"func-{role}…")["properties"]["siteConfig"]
    assert site["ipSecurityRestrictionsDefaultAction"] == action


@pytest.mark.parametrize("role", ["", "worker-", "api-"])
def test_in_private_mode_only_the_named_addresses_reach_a_deployment_site(role: str) -> None:
    site = body(deployed(**API, **PRIVATE), "Microsoft.Web/sites", f"func-{role}…")["properties"]["siteConfig"]
    assert site["scmIpSecurityRestrictionsDefaultAction"] == "Deny"
    assert site["scmIpSecurityRestrictionsUseMain"] is False
    rules = [(rule["action"], rule["ipAddress"]) for rule in site["scmIpSecurityRestrictions"]]
    assert rules == [("Allow", "203.0.113.7/32"), ("Allow", "198.51.100.0/24")]
    site = body(deployed(**API), "Microsoft.Web/sites", f"func-{role}…")["properties"]["siteConfig"]
    assert (site["scmIpSecurityRestrictionsDefaultAction"], site["scmIpSecurityRestrictions"]) == ("Allow", [])


def test_in_private_mode_each_service_that_is_used_has_an_endpoint_and_no_account_is_public() -> None:
    deployment = deployed(**API, **PRIVATE)
    assert set(names(deployment, "Microsoft.Network/privateEndpoints")) == {
        "pep-…-blob",
        "pep-…-worker-blob",
        "pep-…-worker-queue",
        "pep-…-worker-table",
        "pep-…-api-blob",
        "pep-…-vault",
        "pep-…-monitor",
    }
    for account in deployment.of_type("Microsoft.Storage/storageAccounts"):
        assert account.body["properties"]["publicNetworkAccess"] == "Disabled"
    targets = {
        one.body["properties"]["privateLinkServiceConnections"][0]["properties"]["privateLinkServiceId"].rpartition(
            "/"
        )[2]
        for one in deployment.of_type("Microsoft.Network/privateEndpoints")
    }
    assert targets == {"st…", "stworker…", "stapi…", "kv-…", "ampls-…"}


def outbound(group: Resource) -> list[str]:
    rules = [rule["properties"] for rule in group.body["properties"]["securityRules"]]
    return [rule["destinationAddressPrefix"] for rule in rules if rule["direction"] == "Outbound"]


def test_each_app_has_a_subnet_and_only_the_workers_reaches_the_resource_manager() -> None:
    deployment = deployed(**API, **PRIVATE)
    (network,) = deployment.of_type("Microsoft.Network/virtualNetworks")
    subnets = {one["name"]: one["properties"] for one in network.body["properties"]["subnets"]}
    assert set(subnets) == {"app", "worker", "api", "endpoints"}
    for site, subnet in (("func-…", "app"), ("func-worker-…", "worker"), ("func-api-…", "api")):
        used = body(deployment, "Microsoft.Web/sites", site)["properties"]["virtualNetworkSubnetId"]
        assert used.endswith(f"/virtualNetworks/vnet-…/subnets/{subnet}")
        assert subnets[subnet]["networkSecurityGroup"]["id"].endswith(f"/nsg-…-{subnet}")
    groups = {one.name: outbound(one) for one in deployment.of_type("Microsoft.Network/networkSecurityGroups")}
    front = ["10.90.0.64/26", "AzureActiveDirectory", "*"]
    assert groups == {
        "nsg-…-app": front,
        "nsg-…-api": front,
        "nsg-…-worker": [*front[:2], "AzureResourceManager", "*"],
        "nsg-…-endpoints": ["*"],
    }


def test_no_two_role_assignments_have_the_same_name() -> None:
    """Azure takes one for an identity, a role and a resource; two of a name would fail the deployment."""
    assignments = deployed(**API, credentialKind="secret").of_type("Microsoft.Authorization/roleAssignments")
    assert len({one.name for one in assignments}) == len(assignments) == 15


@pytest.mark.parametrize(
    ("output", "client", "identity"),
    [("FEDERATED_CREDENTIAL_COMMAND", GUID, "id-worker-…"), ("API_FEDERATED_CREDENTIAL_COMMAND", GUID, "id-api-…")],
)
def test_the_template_puts_out_the_commands_that_the_hooks_print(output: str, client: str, identity: str) -> None:
    """One registration trusts the worker, the other the api; nobody trusts the front."""
    command = deployed(**API, publisherClientId=GUID).outputs[output]
    credential = Credential(
        "compliance-collector-production",
        "https://login.microsoftonline.com/00000000-0000-0000-0000-00000000000b/v2.0",
        f"{{{identity}.properties.principalId}}",
        "api://AzureADTokenExchange",
    )
    assert command == create_command(client, credential)


@pytest.mark.parametrize("kind", ["certificate", "secret"])
def test_with_a_credential_nothing_is_to_be_trusted(kind: str) -> None:
    assert deployed(credentialKind=kind).outputs["FEDERATED_CREDENTIAL_COMMAND"] == ""


def test_alerts_link_to_the_page_of_the_api_and_to_none_without_it() -> None:
    def pages(deployment: Deployment) -> set[str]:
        rules = deployment.of_type("Microsoft.Insights/scheduledQueryRules")
        links = [rule.body["properties"]["actions"]["customProperties"] for rule in rules]
        return {one.get("OperationsPage", "").partition("/.auth")[0] for one in links}

    assert pages(deployed(**API)) == {"https://{func-api-….properties.defaultHostName}"}
    assert pages(deployed()) == {""}


def test_with_a_probe_the_rules_that_tell_of_violations_are_evaluated_every_five_minutes() -> None:
    def frequencies(deployment: Deployment) -> dict[str, str]:
        rules = deployment.of_type("Microsoft.Insights/scheduledQueryRules")
        return {rule.name: rule.body["properties"]["evaluationFrequency"] for rule in rules}

    usual, probed = frequencies(deployed()), frequencies(deployed(probeSchedule="0 */5 * * * *"))

    changed = {name: (usual[name], probed[name]) for name in usual if usual[name] != probed[name]}
    assert usual.keys() == probed.keys()
    assert {name.split("production-")[-1] for name in changed} == {"application-noncompliant", "fleet-in-trouble"}
    assert set(changed.values()) == {("PT15M", "PT5M")}


def test_the_probes_schedule_reaches_the_worker_and_is_empty_by_default() -> None:
    def schedules(deployment: Deployment) -> list[str]:
        settings = [one.body["properties"] for one in deployment.of_type("Microsoft.Web/sites/config")]
        return [one["PROBE_SCHEDULE"] for one in settings if "PROBE_SCHEDULE" in one]

    assert schedules(deployed()) == [""]
    assert schedules(deployed(probeSchedule="0 */5 * * * *")) == ["0 */5 * * * *"]


def asked(deployment: Deployment, rule: str) -> str:
    """The query of an alert rule, with what the deployment puts into it."""
    rules = deployment.of_type("Microsoft.Insights/scheduledQueryRules")
    (query,) = [
        one.body["properties"]["criteria"]["allOf"][0]["query"] for one in rules if one.name.endswith(f"-{rule}")
    ]
    return str(query)


def test_each_app_may_touch_what_is_its_own_without_an_alert() -> None:
    of_vault = asked(deployed(**API), "vault-read-by-stranger")
    assert 'Object_id =~ "{id-app-….properties.principalId}" and Named =~ "notification-signature"' in of_vault
    assert 'Object_id =~ "{id-worker-….properties.principalId}" and Named =~ "publisher-credential"' in of_vault
    of_storage = asked(deployed(**API), "storage-written-by-stranger")
    for account, identity in (("st…", "app"), ("stworker…", "worker"), ("stapi…", "api")):
        own = f'AccountName =~ "{account}" and RequesterObjectId =~ "{{id-{identity}-….properties.principalId}}"'
        assert own in of_storage, own
    assert 'Container =~ "notifications"' in of_storage


@pytest.mark.parametrize("rule", ["storage-written-by-stranger", "code-published", "front-refusals"])
def test_rules_about_apps_name_those_that_are_deployed(rule: str) -> None:
    with_api, without = asked(deployed(**API), rule), asked(deployed(), rule)
    for placeholder in ("{frontAccount}", "{workerAccount}", "{apiAccount}", "{frontApp}"):
        assert placeholder not in with_api + without
    assert "stapi" not in without
    assert ("stapi" in with_api) == (rule != "front-refusals")


def test_the_tables_of_the_worker_are_logged_and_the_queue_too() -> None:
    settings = deployed().of_type("Microsoft.Insights/diagnosticSettings")
    logged = {one.scope.id.partition("/storageAccounts/")[2] for one in settings if one.scope}
    assert {"stworker…/tableServices/default", "stworker…/queueServices/default", "st…/blobServices/default"} <= logged
    assert "st…/tableServices/default" not in logged


def test_the_weekly_digest_can_be_switched_off_and_nothing_else_with_it() -> None:
    def disabled(deployment: Deployment) -> list[str]:
        rules = deployment.of_type("Microsoft.Insights/scheduledQueryRules")
        return [rule.name.split("production-")[-1] for rule in rules if not rule.body["properties"]["enabled"]]

    assert disabled(deployed()) == []
    assert disabled(deployed(weeklyDigest=False)) == ["weekly-digest"]


def test_azure_monitor_signs_in_to_protected_webhooks_and_not_to_others() -> None:
    protected = {
        "serviceUri": "https://tickets.contoso.com/alerts",
        "objectId": GUID,
        "identifierUri": "api://tickets.contoso.com",
        "tenantId": GUID,
    }
    chat = "https://chat.contoso.com/?sig=a"
    settings = {"alertWebhookUris": chat, "alertSecureWebhooks": [protected]}
    deployment = deploy({**scenarios()[0], **settings})

    [group] = deployment.of_type("Microsoft.Insights/actionGroups")
    common = {"useCommonAlertSchema": True}
    assert group.body["properties"]["webhookReceivers"] == [
        {"name": "webhook-0", "serviceUri": chat, **common},
        {"name": "secure-webhook-0", **protected, "useAadAuth": True, **common},
    ]
