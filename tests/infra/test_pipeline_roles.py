"""What the pipelines' identities may do: no more than the templates need."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checks.bicep_source import read_templates

PROJECT = Path(__file__).resolve().parent.parent.parent
PIPELINE = PROJECT / "infra" / "pipeline"
SECRETS = re.compile(
    r"list\w*/action|/keys?/|listKeys|sharedKeys|hostruntime|/query/|logs/|/search|getSecret|/token|publishxml|/functions/",
    re.IGNORECASE,
)


def actions(name: str) -> list[str]:
    document = json.loads((PIPELINE / name).read_text())
    assert set(document) == {"Name", "Description", "Actions", "AssignableScopes"}
    found: list[str] = document["Actions"]
    return found


def test_the_preview_reads_every_type_that_the_templates_declare_and_no_other() -> None:
    declared = {
        use.text.partition("@")[0] for file in read_templates(PROJECT / "infra").values() for use in file.resource_types
    } - {"Microsoft.Resources/resourceGroups"}
    read = {
        action.removesuffix("/read")
        for action in actions("preview_role.json")
        if not action.startswith("Microsoft.Resources/")
    }
    assert {name.lower() for name in read} == {name.lower() for name in declared}


def test_the_preview_changes_nothing_and_reads_no_secret() -> None:
    for action in actions("preview_role.json"):
        assert action.endswith(("/read", "deployments/whatIf/action", "deployments/validate/action")), action
        assert "*" not in action
        assert not SECRETS.search(action), action


@pytest.mark.parametrize(
    "action",
    [
        "Microsoft.Storage/storageAccounts/listKeys/action",
        "Microsoft.OperationalInsights/workspaces/sharedKeys/read",
        "Microsoft.OperationalInsights/workspaces/query/read",
        "Microsoft.OperationalInsights/workspaces/query/PolicyComplianceStates_CL/read",
        "Microsoft.Insights/logs/read",
        "Microsoft.Web/sites/hostruntime/host/_master/read",
        "Microsoft.Web/sites/functions/keys/read",
        "Microsoft.Web/sites/config/list/action",
    ],
)
def test_what_shows_a_key_or_a_customer_is_known_as_such(action: str) -> None:
    assert SECRETS.search(action)


FREE_NAMES = {
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.Storage/checknameavailability/read",
    "Microsoft.Web/checknameavailability/read",
}
"""What the check before a deployment asks of Azure at the subscription, to tell a name that is taken."""


def test_the_deployer_can_see_which_names_are_free() -> None:
    assert set(actions("deployment_role.json")) >= FREE_NAMES


def test_the_deployment_role_only_starts_and_follows_deployments() -> None:
    for action in actions("deployment_role.json"):
        assert "*" not in action
        assert action.startswith(("Microsoft.Resources/deployments/", "Microsoft.Resources/subscriptions/")) or (
            action in {"Microsoft.Web/geoRegions/Read", *FREE_NAMES}
        ), action
        assert action.startswith("Microsoft.Resources/deployments/") or action.lower().endswith("/read"), action


def test_the_deployer_may_assign_exactly_the_roles_of_the_product_to_service_principals() -> None:
    roles = json.loads((PROJECT / "infra" / "well_known_ids.json").read_text())["roles"].values()
    done = subprocess.run(
        [sys.executable, "-m", "infra.pipeline.role_condition"], cwd=PROJECT, capture_output=True, check=True, text=True
    )
    condition = done.stdout.strip()
    assert "\n" not in condition
    for source, action in (("@Request", "write"), ("@Resource", "delete")):
        pattern = (
            rf"\(\(!\(ActionMatches\{{'Microsoft\.Authorization/roleAssignments/{action}'\}}\)\) OR "
            rf"\({source}\[Microsoft\.Authorization/roleAssignments:RoleDefinitionId\] "
            r"ForAnyOfAnyValues:GuidEquals \{([0-9a-f, -]+)\} "
            rf"AND {source}\[Microsoft\.Authorization/roleAssignments:PrincipalType\] "
            r"ForAnyOfAnyValues:StringEqualsIgnoreCase \{'ServicePrincipal'\}\)\)"
        )
        (ids,) = re.findall(pattern, condition)
        assert set(ids.split(", ")) == {role["id"] for role in roles}
    assert condition.count(" AND ((!(ActionMatches") == 1


def test_the_templates_assign_no_role_outside_the_condition() -> None:
    """Every assignment takes its role from the table that the condition is made of, and goes to a service principal."""
    for path in (PROJECT / "infra").rglob("*.bicep"):
        text = path.read_text()
        count = len(re.findall(r"^resource .*'Microsoft\.Authorization/roleAssignments@", text, re.MULTILINE))
        assert text.count("principalType: 'ServicePrincipal'") == count, path.name
