"""The table of who can reach what, and that nothing wider gets past the check, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.reach import comparison, table
from checks.reach.__main__ import main
from checks.reach.rights import rights
from checks.reach.scenarios import scenarios
from checks.templates.deployment import deploy
from tests.infra.test_templates import replace

ASSIGNMENT = """
resource surplus 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(identity.id, 'surplus')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b24988ac-6180-42a0-ab88-20f7382dd24c')
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}
"""
SENDER = "modules/queue_sender.bicep"
VAULT = "modules/key_vault.bicep"
SITE = "modules/function_app.bicep"
READER = "modules/tables_reader.bicep"


def test_no_template_gives_anybody_more_than_is_allowed_and_the_document_says_so() -> None:
    assert comparison.problems() == []
    assert list(table.problems()) == []
    assert main([]) == 0


def test_front_and_api_reach_what_the_house_rules_say_and_nothing_else() -> None:
    """Written down a second time, by hand: the list of rights must not drift together with the templates."""
    found, _ = rights(deploy({**scenarios()[0], "apiClientId": "x", "credentialKind": "secret"}))
    front = {(right.scope, right.role_id[:8]) for right in found if right.identity == "id-app-…"}
    assert front == {
        ("Microsoft.Storage/storageAccounts/st…", "b7e6dc6d"),
        ("Microsoft.Storage/storageAccounts/stworker…/queueServices/default/queues/notifications", "c6a89b2d"),
        ("Microsoft.KeyVault/vaults/kv-…/secrets/notification-signature", "4633458b"),
        ("Microsoft.Insights/components/appi-…", "3913510d"),
    }
    api = {(right.scope, right.role_id[:8], bool(right.condition)) for right in found if right.identity == "id-api-…"}
    assert api == {
        ("Microsoft.Storage/storageAccounts/stapi…", "b7e6dc6d", False),
        ("Microsoft.OperationalInsights/workspaces/log-…", "3b03c2da", True),
        ("Microsoft.Insights/dataCollectionRules/dcr-api-…", "3913510d", False),
        ("Microsoft.Insights/components/appi-…", "3913510d", False),
    }
    worker = {right.scope for right in found if right.identity == "id-worker-…"}
    assert worker == {
        "Microsoft.Storage/storageAccounts/stworker…",
        "Microsoft.Insights/dataCollectionRules/dcr-…",
        "Microsoft.KeyVault/vaults/kv-…/secrets/publisher-credential",
        "Microsoft.Insights/components/appi-…",
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        pytest.param(
            "modules/identity.bicep", "@description('Object id of the identity.')",
            f"{ASSIGNMENT}\n@description('Object id of the identity.')",
            "gets a role on the resource group or more", id="a role on the resource group",
        ),
        pytest.param(
            SENDER, "  scope: queue\n", "  scope: account\n",
            "id-app-… gets c6a89b2d-59bc-44d0-9896-0f6e12d7b80a on Microsoft.Storage/storageAccounts/stworker…,",
            id="every queue instead of one",
        ),
        pytest.param(
            SENDER, "'Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender.id",
            "'Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor.id",
            "id-app-… gets 974c5e8b", id="another role",
        ),
        pytest.param(
            VAULT, "  scope: signature\n", "  scope: vault\n",
            "id-app-… gets 4633458b-17de-408a-b874-0445c86b69e6 on Microsoft.KeyVault/vaults/kv-…,",
            id="the whole vault",
        ),
        pytest.param(
            VAULT, "= if (credentialKind != 'federated') {", "= {",
            "not only, or not always, when: credential", id="without its condition",
        ),
        pytest.param(
            READER, "    condition: '((${readsNoData}) OR (${isOurs}))'\n    conditionVersion: '2.0'\n", "",
            "id-api-… gets 3b03c2da-16b3-4a49-8834-0f8130efdd3b on Microsoft.OperationalInsights/workspaces/log-…,",
            id="every table",
        ),
        pytest.param(
            READER, "var isOurs = '", "var isOurs = '${isTable} \\'AppTraces\\' OR ",
            "on the condition ((!(ActionMatches", id="one table more",
        ),
        pytest.param(
            "main.bicep", "    identityName: api.identity\n", "    identityName: front.identity\n",
            "id-app-… gets 3b03c2da", id="somebody else",
        ),
        pytest.param(
            "modules/monitoring.bicep", "    workerIdentityName: workerIdentityName\n",
            "    workerIdentityName: appIdentityNames[0]\n",
            "id-app-… gets 3913510d-42f4-4e42-8a64-420c390055eb on Microsoft.Insights/dataCollectionRules/dcr-…",
            id="somebody else, through a list",
        ),
        pytest.param(
            SENDER, "    principalId: identity.properties.principalId\n", "    principalId: accountName\n",
            "which is no identity of the installation", id="a principal that nobody knows",
        ),
        pytest.param(
            SENDER, "roles.storageQueueDataMessageSender.id)\n    principalId", "accountName)\n    principalId",
            "is no role definition by its id", id="a role that nobody knows",
        ),
        pytest.param(
            SENDER, "  name: guid(queue.id,", "  name: pickZones(queue.id,",
            "the function pickZones is not known; what cannot be computed cannot be judged", id="a function",
        ),
        pytest.param(
            SENDER, "= {\n  scope: queue", "= if (queue.properties.metadata == accountName) {\n  scope: queue",
            "known during the deployment only; what cannot be computed", id="a condition that only Azure knows",
        ),
        pytest.param(
            SENDER, "resource sender ", "param extra bool = false\n\nresource sender ", "", id="a parameter alone",
        ),
        pytest.param(
            SENDER, "@2022-04-01' = {\n  scope: queue", "@2022-04-01' = if (length(accountName) > 5) {\n  scope: queue",
            "the function length is not known", id="a condition with an unknown function",
        ),
        pytest.param(
            SITE, "      '${identity.id}': {}\n",
            "      '${identity.id}': {}\n      '${replace(identity.id, 'id-app-', 'id-worker-')}': {}\n",
            "Microsoft.Web/sites func-… runs as id-worker-…", id="an app with two identities",
        ),
        pytest.param(
            SITE, "    keyVaultReferenceIdentity: identity.id\n",
            "    keyVaultReferenceIdentity: replace(identity.id, 'id-app-', 'id-worker-')\n",
            "reads secrets and its package as", id="secrets read as somebody else",
        ),
        pytest.param(
            SITE, "    type: 'UserAssigned'\n    userAss", "    type: 'SystemAssigned, UserAssigned'\n    userAss",
            "runs as an identity (SystemAssigned, UserAssigned)", id="an identity that no template names",
        ),
        pytest.param(
            "modules/storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true",
            "has keys, which need no role", id="keys of an account",
        ),
        pytest.param(
            VAULT, "enableRbacAuthorization: true", "enableRbacAuthorization: false",
            "has access policies, which need no role", id="access policies",
        ),
        pytest.param(
            "main.bicep", "  queues: []\n}\nvar worker", "  queues: [\n    'more'\n  ]\n}\nvar worker",
            "id-app-… gets 974c5e8b", id="what a variable brings",
        ),
        pytest.param(
            "modules/identity.bicep", "@description('Object id of the identity.')",
            "resource trust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {\n"
            "  parent: identity\n  name: 'x'\n}\n\n@description('Object id of the identity.')",
            "may give rights that are not looked at here", id="an identity that others can take",
        ),
        pytest.param(
            SENDER, "resource sender ",
            "resource run 'Microsoft.Resources/deploymentScripts@2023-08-01' = {\n  name: 'x'\n}\n\nresource sender ",
            "Microsoft.Resources/deploymentScripts may give rights", id="a script",
        ),
        pytest.param(
            SENDER, "resource sender ",
            "resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {\n  name: 'x'\n}\n\nresource sender ",
            "Microsoft.Authorization/roleDefinitions may give rights", id="a role of our own",
        ),
        pytest.param(
            "modules/data_collection.bicep", "roles.monitoringMetricsPublisher.id)\n    principalId",
            "roles.logAnalyticsReader.id)\n    principalId",
            "no template gives id-worker-… the role Monitoring Metrics Publisher on Microsoft.Insights/dataCollection",
            id="a right that is listed and gone",
        ),
    ],
)  # fmt: skip
def test_whatever_is_wider_or_not_understood_is_told(
    infrastructure: Path, file: str, old: str, new: str, complaint: str
) -> None:
    replace(infrastructure / file, old, new)
    found = comparison.problems(infrastructure)
    assert any(complaint in problem for problem in found) if complaint else found == [], found


def test_a_role_assignment_that_waits_for_a_parameter_is_told(infrastructure: Path) -> None:
    template = infrastructure / "modules" / "identity.bicep"
    text = template.read_text()
    waiting = ASSIGNMENT.replace("= {\n  name", "= if (later) {\n  name", 1)
    template.write_text(f"{text}\n@description('x')\nparam later bool = false\n{waiting}")
    (problem,) = comparison.problems(infrastructure)
    assert problem.endswith("surplus is a role assignment that no parameters make")


def test_a_role_assignment_in_a_file_that_nobody_names_is_told(infrastructure: Path) -> None:
    (infrastructure / "modules" / "forgotten.bicep").write_text(f"param identity object\n{ASSIGNMENT}")
    (problem,) = comparison.problems(infrastructure)
    assert problem == "forgotten.bicep:3: surplus is a role assignment that no parameters make"


def test_a_role_assignment_in_a_template_of_json_is_told(infrastructure: Path) -> None:
    (infrastructure / "modules" / "other.json").write_text('{"type": "Microsoft.Authorization/roleAssignments"}')
    (problem,) = comparison.problems(infrastructure)
    assert problem.startswith("other.json: ")


def test_a_file_that_is_no_bicep_is_told_with_its_line(infrastructure: Path) -> None:
    replace(infrastructure / SENDER, "resource sender ", "resource sender sender ")
    (problem,) = comparison.problems(infrastructure)
    assert problem.startswith("queue_sender.bicep:")
    assert problem.endswith("what cannot be computed cannot be judged")


@pytest.mark.parametrize("change", [("| **front** |", "| **the front** |"), (table.END, "")])
def test_a_document_with_another_table_or_none_is_told(tmp_path: Path, change: tuple[str, str]) -> None:
    document = tmp_path / "security.md"
    document.write_text(table.DOCUMENT.read_text().replace(*change, 1))
    (problem,) = table.problems(document)
    assert problem.startswith("security.md has ")
    document.write_text(table.written(table.DOCUMENT.read_text()))
    assert list(table.problems(document)) == []
