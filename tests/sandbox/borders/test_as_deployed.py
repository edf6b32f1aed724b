"""The sandbox gives each app the rights that the templates give it, and no others."""

from __future__ import annotations

from checks.reach.comparison import allowed
from sandbox.azure.rights import StorageRole
from sandbox.roles import (
    APPS,
    IDENTITIES,
    MAY_INGEST,
    MAY_QUERY,
    MAY_WRITE_AUDIT_ROWS,
    Role,
    accounts_of,
    storage_rights,
)

IDENTITY_NAMES = {"id-app-…": Role.FRONT, "id-worker-…": Role.WORKER, "id-api-…": Role.API}
ACCOUNT_NAMES = {"st…": Role.FRONT, "stworker…": Role.WORKER, "stapi…": Role.API}
STORAGE = "Microsoft.Storage/storageAccounts/"
QUEUES = "/queueServices/default/queues/"
NUMBER = 7

Right = tuple[Role, str, Role, str]
"""Whose, the role's name, in whose account, and in which queue of it ("": in all of it)."""


def name_of(role: StorageRole) -> str:
    return f"Storage {role.name.replace('_', ' ').title()}"


def deployed_in_storage() -> set[Right]:
    found = set()
    for one in allowed():
        if one.right.scope.startswith(STORAGE):
            account, _, queue = one.right.scope.removeprefix(STORAGE).partition(QUEUES)
            found.add((IDENTITY_NAMES[one.right.identity], one.role_name, ACCOUNT_NAMES[account], queue))
    return found


def deployed_elsewhere(role_name: str, scope: str) -> set[Role]:
    return {
        IDENTITY_NAMES[one.right.identity]
        for one in allowed()
        if one.role_name == role_name and one.right.scope.startswith(scope)
    }


def test_each_app_has_the_rights_in_storage_that_the_templates_give_it() -> None:
    apps = {IDENTITIES[role].object_id: role for role in APPS}
    accounts = {accounts_of(NUMBER)[role].name: role for role in APPS}
    played = {
        (apps[one.principal.object_id], name_of(one.role), accounts[one.account], one.queue or "")
        for one in storage_rights(NUMBER)
        if one.principal.object_id in apps
    }
    assert played == deployed_in_storage()


def test_the_apps_that_write_rows_and_query_them_are_those_of_the_templates() -> None:
    for members, rule in ((MAY_INGEST, "dcr-…"), (MAY_WRITE_AUDIT_ROWS, "dcr-api-…")):
        assert {role for role in APPS if IDENTITIES[role].object_id in members} == deployed_elsewhere(
            "Monitoring Metrics Publisher", f"Microsoft.Insights/dataCollectionRules/{rule}"
        )
    assert {role for role in APPS if IDENTITIES[role].object_id in MAY_QUERY} == deployed_elsewhere(
        "Log Analytics Data Reader", "Microsoft.OperationalInsights/workspaces/"
    )
