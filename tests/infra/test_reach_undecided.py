"""Rights that only some values of a parameter, or some cloud, would give, and ways in that need no role, are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.reach import comparison
from tests.infra.test_templates import replace

if TYPE_CHECKING:
    from pathlib import Path

READER = "modules/tables_reader.bicep"
STORAGE = "modules/storage.bicep"
SITE = "modules/function_app.bicep"
MAIN = "main.bicep"
CONDITION = "condition: '((${readsNoData}) OR (${isOurs}))'"
QUEUES = "  queues: []\n}\nvar worker"


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        pytest.param(
            STORAGE, "empty(app.queues) ? []", "empty(app.queues) && skuName != 'Standard_GRS' ? []",
            "appRole hangs on storageSku: not all of it is judged", id="one value of a parameter",
        ),
        pytest.param(
            MAIN, QUEUES, QUEUES.replace("[]", "additionalAlertEmails"),
            "appRole hangs on additionalAlertEmails", id="a list that is empty unless somebody says otherwise",
        ),
        pytest.param(
            READER, CONDITION, CONDITION.replace(": ", ": environment().name == 'AzureChinaCloud' ? '' : "),
            "reader hangs on environment()", id="one cloud",
        ),
        pytest.param(
            MAIN, "'modules/tables_reader.bicep' = if (hasApi)",
            "'modules/tables_reader.bicep' = if (hasApi && retentionInDays < 731)",
            "reader hangs on retentionInDays", id="the condition of a module",
        ),
        pytest.param(
            MAIN, "  name: 'api-reads-tables'\n  scope: group", "  name: 'api-reads-tables'\n  scope: resourceGroup('x')",
            "apiReadsTables is deployed elsewhere than into the resource group", id="a module in another group",
        ),
        pytest.param(
            STORAGE, "allowSharedKeyAccess: false", "allowSharedKeyAccess: skuName == 'Standard_GRS'",
            "account hangs on storageSku", id="keys for one value of a parameter",
        ),
        pytest.param(
            SITE, "    keyVaultReferenceIdentity: identity.id\n",
            "    keyVaultReferenceIdentity: empty(networkName) ? identity.id : empty(tags) ? '' : identity.id\n",
            "tags: not all of it is judged", id="the identity of an app",
        ),
        pytest.param(
            STORAGE, "allowBlobPublicAccess: false", "allowBlobPublicAccess: true",
            "lets somebody in without a role: allowBlobPublicAccess", id="anonymous blobs",
        ),
        pytest.param(
            STORAGE, "  name: deploymentContainerName\n",
            "  name: deploymentContainerName\n  properties: {\n    publicAccess: 'Blob'\n  }\n",
            "deployments lets somebody in without a role: publicAccess", id="an anonymous container",
        ),
        pytest.param(
            STORAGE, "allowSharedKeyAccess: false", "allowSharedKeyAccess: false\n    isSftpEnabled: true",
            "lets somebody in without a role: isSftpEnabled", id="local users of an account",
        ),
        pytest.param(
            "modules/workspace.bicep", "      disableLocalAuth: true\n", "",
            "lets somebody in without a role: features.disableLocalAuth", id="keys of the workspace",
        ),
        pytest.param(
            SITE, "    allow: false", "    allow: true",
            "ftp lets somebody in without a role: allow", id="a password",
        ),
        pytest.param(
            SITE, "  name: 'scm'\n", "  name: 'ftp'\n", "takes passwords, except for ftp", id="a password by default",
        ),
        pytest.param(
            READER, "resource reader ",
            "resource export 'Microsoft.OperationalInsights/workspaces/dataExports@2020-08-01' = {\n"
            "  parent: workspace\n  name: 'x'\n}\n\nresource reader ",
            "Microsoft.OperationalInsights/workspaces/dataExports may give rights that are not looked at here",
            id="a type that nobody has judged",
        ),
        pytest.param(
            STORAGE, "'Microsoft.Storage/storageAccounts@2023-05-01' = {",
            "'microsoft.storage/storageaccounts@2023-05-01' = {",
            "microsoft.storage/storageaccounts may give rights that are not looked at here", id="a type in other letters",
        ),
    ],
)  # fmt: skip
def test_what_only_some_installation_would_open_and_what_needs_no_role_is_told(
    infrastructure: Path, file: str, old: str, new: str, complaint: str
) -> None:
    replace(infrastructure / file, old, new)
    found = comparison.problems(infrastructure)
    assert any(complaint in problem for problem in found), found


def test_a_parameter_that_decides_about_a_right_is_told_through_every_module_it_passes(infrastructure: Path) -> None:
    main, reader = infrastructure / MAIN, infrastructure / READER
    replace(main, "var abbreviations", "param readsEverything bool = false\n\nvar abbreviations")
    replace(main, "    identityName: api.identity\n", "    identityName: api.identity\n    all: readsEverything\n")
    replace(reader, "var roles", "param all bool\nvar roles")
    replace(reader, CONDITION, CONDITION.replace(": ", ": all ? '' : "))
    (problem,) = comparison.problems(infrastructure)
    assert "reader hangs on readsEverything" in problem
