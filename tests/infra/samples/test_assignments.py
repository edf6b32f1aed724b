"""What the sample assigns: each built-in definition exists, knows the parameters, and finds nothing to complain of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from checks.templates.deployment import Deployment
from checks.templates.functions import GROUP_ID, SUBSCRIPTION_ID, TENANT
from infra.hooks.package import PROJECT
from tests.infra.samples.sample import (
    EVERYTHING,
    PARTS,
    POLICIES,
    ROLES,
    TABLE,
    assigned,
    deployed,
    of_type,
    properties,
)

IDS = json.loads((PROJECT / "infra" / "well_known_ids.json").read_text())
BY_NAME = {policy["name"]: policy for policy in POLICIES}
STORAGE = "Microsoft.Storage/storageAccounts"
VAULT = "Microsoft.KeyVault/vaults"
WORKSPACE = "Microsoft.OperationalInsights/workspaces"
MONITOR_SCOPE = "Microsoft.Insights/privateLinkScopes"
AI = "Microsoft.CognitiveServices/accounts"
SITE = "Microsoft.Web/sites"
ARC_SCOPE = "Microsoft.HybridCompute/privateLinkScopes"


# The table


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["name"])
def test_a_parameter_is_one_that_the_built_in_knows_with_a_value_that_it_allows(policy: dict[str, Any]) -> None:
    known = policy["builtIn"]["parameters"]
    for name, given in policy["parameters"].items():
        assert name in known
        assert not known[name].get("deprecated", False)
        assert given["value"] in known[name].get("allowed", [given["value"]])
    assert all(entry["default"] in entry.get("allowed", [entry["default"]]) for entry in known.values())


def test_the_effect_is_given_and_one_without_an_identity_repairs_nothing() -> None:
    """Azure refuses modify and deployIfNotExists without an identity, and a default may change with the version."""
    for kind, effects in {"audits": {"Audit", "AuditIfNotExists"}, "repairs": {"Modify", "DeployIfNotExists"}}.items():
        for policy in TABLE[kind]:
            given = {name: one["value"] for name, one in policy["parameters"].items() if name.endswith("effect")}
            assert len(given) == 1, policy["name"]
            assert set(given.values()) <= effects, policy["name"]


def test_no_built_in_is_deprecated_or_a_preview() -> None:
    for policy in POLICIES:
        built_in = policy["builtIn"]
        assert not built_in["displayName"].startswith("[")
        assert re.fullmatch(r"\d+\.\d+\.\d+", built_in["version"]), policy["name"]


def test_every_built_in_is_in_the_table_of_known_ids_under_its_own_name_and_category() -> None:
    known = {entry["id"]: entry for entry in IDS["policies"].values()}
    for policy in POLICIES:
        built_in = policy["builtIn"]
        assert known[built_in["id"]]["name"] == built_in["displayName"]
        assert known[built_in["id"]]["source"].endswith(f"policyDefinitions/{built_in['category']}")
    assert len({policy["builtIn"]["id"] for policy in POLICIES}) == len(BY_NAME) == len(POLICIES)


def test_texts_and_names_are_within_azures_limits() -> None:
    for policy in POLICIES:
        assert len(policy["name"]) <= 64
        assert len(policy["displayName"]) <= 128
        assert 0 < len(policy["why"]) <= 512


def test_the_effect_is_set_where_the_rule_of_private_link_for_key_vault_reads_it() -> None:
    """Version 1.2 of that definition left `effect` behind, deprecated, and reads `audit_effect`."""
    assert BY_NAME["vault-private-link"]["parameters"] == {"audit_effect": {"value": "Audit"}}


# The assignments


def test_the_whole_table_is_assigned_word_by_word_when_every_part_is_deployed() -> None:
    found = assigned(deployed(**EVERYTHING))
    assert set(found) == set(BY_NAME)
    for name, body in found.items():
        policy = BY_NAME[name]
        definition = f"/providers/Microsoft.Authorization/policyDefinitions/{policy['builtIn']['id']}"
        assert body["properties"]["policyDefinitionId"] == definition
        assert body["properties"]["parameters"] == policy["parameters"]
        assert body["properties"]["displayName"] == policy["displayName"]


@pytest.mark.parametrize("chosen", list(product((True, False), repeat=len(PARTS))))
def test_a_part_that_is_left_out_takes_its_assignments_with_it(chosen: tuple[bool, ...]) -> None:
    """An assignment without a resource to judge would be told as not evaluated for ever."""
    parts = dict(zip(PARTS, chosen, strict=True))
    found = assigned(deployed(**parts))
    counts = {**parts, "base": True, "arcServers": parts["arcPrivateLink"] and parts["arcServers"]}
    assert set(found) == {policy["name"] for policy in POLICIES if counts[policy["part"]]}


def test_no_assignment_denies_or_leaves_anything_out() -> None:
    for name, body in assigned(deployed(**EVERYTHING)).items():
        values = [given["value"] for given in body["properties"]["parameters"].values()]
        assert not {"Deny", "deny", "Disabled", "disabled"} & set(values), name
        assert not {"notScopes", "resourceSelectors", "overrides"} & set(body["properties"]), name


def test_what_a_tester_breaks_is_audited_and_no_enforced_assignment_stands_in_the_way() -> None:
    found = assigned(deployed())
    assert found["secure-transfer"]["properties"]["policyDefinitionId"].endswith(
        IDS["policies"]["secureTransfer"]["id"]
    )
    assert found["secure-transfer"]["properties"]["parameters"] == {"effect": {"value": "Audit"}}
    for policy in TABLE["repairs"]:
        assert found[policy["name"]]["properties"]["enforcementMode"] == "DoNotEnforce"


# Repair


def test_an_assignment_that_repairs_has_an_identity_with_the_role_that_its_definition_asks_for() -> None:
    deployment = deployed()
    roles = of_type(deployment, ROLES)
    assert len(roles) == len(TABLE["repairs"]) == 1
    (policy,) = TABLE["repairs"]
    assert policy["role"] == IDS["otherRoles"]["storageAccountContributor"]["id"]
    assignment = assigned(deployment)[policy["name"]]
    assert assignment["identity"] == {"type": "SystemAssigned"}
    assert assignment["location"] == "westeurope"
    role = roles[0].body["properties"]
    assert role["roleDefinitionId"].startswith(f"{SUBSCRIPTION_ID}/providers/")
    assert role["roleDefinitionId"].endswith(f"/roleDefinitions/{policy['role']}")
    assert role["principalId"] == f"{{{policy['name']}.identity.principalId}}"
    assert role["principalType"] == "ServicePrincipal"


def test_no_identity_of_the_application_gets_more_than_its_work_needs() -> None:
    """The product's own rights are compared by checks/reach; these are the customer's resources."""
    deployment = deployed(**EVERYTHING)
    (account,) = of_type(deployment, STORAGE)
    given = {
        (
            role.body["properties"]["principalId"],
            role.body["properties"]["roleDefinitionId"].rpartition("/")[2],
            role.scope.id if role.scope is not None else GROUP_ID,
        )
        for role in of_type(deployment, ROLES)
    }
    assert given == {
        ("{func-….identity.principalId}", IDS["roles"]["storageBlobDataOwner"]["id"], account.id),
        ("{storage-no-anonymous.identity.principalId}", IDS["otherRoles"]["storageAccountContributor"]["id"], GROUP_ID),
    }


def test_a_role_says_where_its_identity_is_when_the_customer_is_in_another_tenant() -> None:
    """Azure refuses delegatedManagedIdentityResourceId within one tenant, and needs it across two."""
    across = of_type(deployed(**EVERYTHING, publisherTenantId="another"), ROLES)
    within = of_type(deployed(**EVERYTHING, publisherTenantId=TENANT), ROLES)
    told = {role.body["properties"]["delegatedManagedIdentityResourceId"] for role in across}
    repair = f"{GROUP_ID}/providers/Microsoft.Authorization/policyAssignments/storage-no-anonymous"
    assert told == {repair, f"{GROUP_ID}/providers/Microsoft.Web/sites/func-…"}
    assert {role.body["properties"]["delegatedManagedIdentityResourceId"] for role in within} == {None}


# Compliance from the first deployment on, by what the rule of each built-in asks


def endpoints_of(deployment: Deployment) -> set[str]:
    connections = (one["privateLinkServiceConnections"][0] for one in properties(deployment, PRIVATE_ENDPOINT))
    return {connection["properties"]["privateLinkServiceId"] for connection in connections}


PRIVATE_ENDPOINT = "Microsoft.Network/privateEndpoints"


def all_are(kind: str, **wanted: Any) -> Callable[[Deployment], bool]:
    def check(deployment: Deployment) -> bool:
        return all(one[name] == value for one in properties(deployment, kind) for name, value in wanted.items())

    return check


def have_endpoints(kind: str) -> Callable[[Deployment], bool]:
    return lambda deployment: {one.id for one in of_type(deployment, kind)} <= endpoints_of(deployment)


def in_network(deployment: Deployment) -> bool:
    (network,) = of_type(deployment, "Microsoft.Network/virtualNetworks")
    subnets = {f"{network.id}/subnets/{one['name']}" for one in network.body["properties"]["subnets"]}
    return all(one["virtualNetworkSubnetId"] in subnets for one in properties(deployment, SITE))


def is_logged(deployment: Deployment) -> bool:
    (vault,) = of_type(deployment, VAULT)
    settings = [one for one in of_type(deployment, "Microsoft.Insights/diagnosticSettings") if one.scope is not None]
    (of_vault,) = [one.body["properties"] for one in settings if one.scope is not None and one.scope.id == vault.id]
    return any(log["enabled"] for log in of_vault["logs"]) and "storageAccountId" not in of_vault


def scope_is_closed(deployment: Deployment) -> bool:
    modes = [one["accessModeSettings"] for one in properties(deployment, MONITOR_SCOPE)]
    return all(set(mode.values()) == {"PrivateOnly"} for mode in modes)


def subnets_are_private(deployment: Deployment) -> bool:
    networks = properties(deployment, "Microsoft.Network/virtualNetworks")
    return all(subnet["properties"]["defaultOutboundAccess"] is False for one in networks for subnet in one["subnets"])


COMPLIANT: dict[str, Callable[[Deployment], bool]] = {
    "secure-transfer": all_are(STORAGE, supportsHttpsTrafficOnly=True),
    "storage-no-public": all_are(STORAGE, publicNetworkAccess="Disabled"),
    "storage-private-link": have_endpoints(STORAGE),
    "storage-no-keys": all_are(STORAGE, allowSharedKeyAccess=False),
    "storage-no-anonymous": all_are(STORAGE, allowBlobPublicAccess=False),
    "vault-no-public": all_are(VAULT, publicNetworkAccess="Disabled"),
    "vault-private-link": have_endpoints(VAULT),
    "vault-rbac": all_are(VAULT, enableRbacAuthorization=True),
    "vault-purge-protection": all_are(VAULT, enablePurgeProtection=True, enableSoftDelete=True),
    "vault-logs": is_logged,
    "logs-no-public": all_are(
        WORKSPACE, publicNetworkAccessForIngestion="Disabled", publicNetworkAccessForQuery="Disabled"
    ),
    "logs-entra-only": lambda deployment: all(
        one["features"]["disableLocalAuth"] for one in properties(deployment, WORKSPACE)
    ),
    "monitor-private-only": scope_is_closed,
    "monitor-private-link": have_endpoints(MONITOR_SCOPE),
    "subnets-private": subnets_are_private,
    "ai-no-keys": all_are(AI, disableLocalAuth=True),
    "ai-network": all_are(AI, publicNetworkAccess="Disabled"),
    "ai-private-link": have_endpoints(AI),
    "ai-identity": lambda deployment: all(
        one.body["identity"]["type"] == "SystemAssigned" for one in of_type(deployment, AI)
    ),
    "apps-no-public": all_are(SITE, publicNetworkAccess="Disabled"),
    "functions-no-public": all_are(SITE, publicNetworkAccess="Disabled"),
    "apps-private-link": have_endpoints(SITE),
    "apps-in-network": in_network,
    "apps-route-all": all_are(SITE, outboundVnetRouting={"allTraffic": True}),
    "arc-scope-no-public": all_are(ARC_SCOPE, publicNetworkAccess="Disabled"),
    "arc-scope-private-link": have_endpoints(ARC_SCOPE),
}


@pytest.mark.parametrize("policy", [name for name in BY_NAME if name != "arc-servers-private-link"])
def test_the_resources_comply_from_the_first_deployment_on(policy: str) -> None:
    assert COMPLIANT[policy](deployed(**EVERYTHING))


def test_both_kinds_of_apps_are_there_to_be_judged() -> None:
    kinds = {one.body["kind"] for one in of_type(deployed(apps=True), SITE)}
    assert kinds == {"app,linux", "functionapp,linux"}
