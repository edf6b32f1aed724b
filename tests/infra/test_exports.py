"""What the template does so that exports outlive a mistake: versions, soft deletion, an end, and locks on demand."""

from __future__ import annotations

from typing import Any

import pytest

from checks.templates.deployment import Deployment
from tests.infra.test_apps import deployed

ACCOUNT = "Microsoft.Storage/storageAccounts"
LOCK = "Microsoft.Authorization/locks"


def properties_of(deployment: Deployment, kind: str, account: str) -> dict[str, Any]:
    [found] = [one for one in deployment.of_type(kind) if f"/storageAccounts/{account}/" in one.id]
    properties: dict[str, Any] = found.body["properties"]
    return properties


def test_what_is_deleted_or_overwritten_in_the_workers_account_can_be_brought_back_and_not_purged() -> None:
    blobs = properties_of(deployed(exportRetentionInDays=14), f"{ACCOUNT}/blobServices", "stworker…")

    assert blobs["isVersioningEnabled"] is True
    assert blobs["deleteRetentionPolicy"] == {"enabled": True, "days": 14, "allowPermanentDelete": False}
    assert blobs["containerDeleteRetentionPolicy"] == {"enabled": True, "days": 14}


def test_accounts_without_a_registry_keep_no_versions_of_what_their_host_writes() -> None:
    assert properties_of(deployed(), f"{ACCOUNT}/blobServices", "st…") == {}


def test_exports_and_the_versions_of_every_blob_end() -> None:
    policy = properties_of(deployed(), f"{ACCOUNT}/managementPolicies", "stworker…")["policy"]

    exports, versions = (rule["definition"] for rule in policy["rules"])
    assert exports["filters"] == {"blobTypes": ["blockBlob"], "prefixMatch": ["exports/"]}
    assert exports["actions"] == {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 35}}}
    assert versions["filters"] == {"blobTypes": ["blockBlob"]}
    assert versions["actions"] == {"version": {"delete": {"daysAfterCreationGreaterThan": 35}}}
    assert all(rule["enabled"] for rule in policy["rules"])


@pytest.mark.parametrize("is_wanted", [False, True])
def test_locks_are_there_on_demand_alone(is_wanted: bool) -> None:
    """Who may deploy may not always write locks."""
    locks = deployed(deleteLocks=is_wanted).of_type(LOCK)

    scopes = sorted(one.id.partition("/providers/Microsoft.Authorization/")[0].split("/")[-2] for one in locks)
    assert scopes == (["storageAccounts", "vaults", "workspaces"] if is_wanted else [])
    assert {one.body["properties"]["level"] for one in locks} == ({"CanNotDelete"} if is_wanted else set())
