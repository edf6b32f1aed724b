"""Who uses what is somebody else's is told: with the name, what was done, and from which address."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from sandbox.alerts.receiver import AlertReceiver, post_to
from sandbox.azure.site import Site
from sandbox.workspace.workspace import Workspace
from tests.infra.observation import strangers
from tests.infra.observation.strangers import ADDRESS, API, AZ, FRONT, STRANGER, WORKER, storage_call, told, vault_call
from tests.queries.fleet import NOW

VAULT = "vault-read-by-stranger"
STORAGE = "storage-written-by-stranger"
PACKAGE = "code-published"
SIGNATURE = "https://kv.vault.azure.net/secrets/notification-signature/0123456789abcdef"
REGISTRY = "stworker.table/applications(PartitionKey='a',RowKey='b')"


def test_the_vaults_alert_that_a_receiver_gets_says_who_did_what_with_which_secret_and_from_where(
    workspace: Workspace,
) -> None:
    vault_call(workspace, STRANGER, Identity={"claim": {"oid": STRANGER, "appid": AZ, "upn": "eve@contoso.com"}})
    receiver = AlertReceiver()
    with Site(receiver.add_routes) as site:
        told(workspace, VAULT, post_to(f"{site.url}/alerts"))
    [payload] = receiver.payloads
    [criterion] = payload["data"]["alertContext"]["condition"]["allOf"]
    assert {one["name"]: one["value"] for one in criterion["dimensions"]} == {
        "Who": "eve@contoso.com",
        "Client_id": AZ,
        "Operation": "SecretGet",
        "Secret": "publisher-credential",
        "Outcome": "done",
        "From": ADDRESS,
    }
    assert payload["data"]["essentials"]["severity"] == "Sev1"


def test_each_app_gets_its_own_secret_and_nobody_is_told(workspace: Workspace) -> None:
    vault_call(workspace, FRONT, Id=SIGNATURE)
    vault_call(workspace, WORKER)
    vault_call(workspace, WORKER, HttpStatusCode=403)
    strangers.vault_call_in_the_old_table(workspace, FRONT.upper(), "SecretGet")
    assert told(workspace, VAULT) == []


@pytest.mark.parametrize(
    ("object_id", "operation", "secret"),
    [
        (FRONT, "SecretGet", "publisher-credential"),
        (WORKER, "SecretList", "publisher-credential"),
        (WORKER, "SecretSet", "publisher-credential"),
        (API, "SecretGet", "publisher-credential"),
        *(
            (STRANGER, f"Secret{what}", "publisher-credential")
            for what in ("List", "Set", "Update", "Backup", "Delete", "Purge", "Recover", "Restore", "GetDeleted")
        ),
    ],
)
def test_a_secret_of_somebody_else_and_whatever_else_is_done_with_it_is_told(
    workspace: Workspace, object_id: str, operation: str, secret: str
) -> None:
    vault_call(workspace, object_id, operation)
    [alert] = told(workspace, VAULT)
    assert (alert["Who"], alert["Operation"], alert["Secret"]) == (object_id, operation, secret)


def test_an_app_that_is_refused_the_secret_of_another_is_told_and_a_passer_by_is_not(workspace: Workspace) -> None:
    vault_call(workspace, STRANGER, HttpStatusCode=403)
    assert told(workspace, VAULT) == []
    vault_call(workspace, FRONT, HttpStatusCode=403)
    [alert] = told(workspace, VAULT)
    assert (alert["Who"], alert["Secret"], alert["Outcome"]) == (FRONT, "publisher-credential", "refused")


def test_the_vaults_log_is_read_in_whichever_of_the_two_tables_it_arrives(workspace: Workspace) -> None:
    strangers.vault_call_in_the_old_table(workspace, STRANGER, "SecretDelete")
    vault_call(workspace, STRANGER, "SecretList", Id="https://kv.vault.azure.net/secrets")
    alerts = {one["Operation"]: one for one in told(workspace, VAULT)}
    assert alerts["SecretDelete"] == {
        "Who": STRANGER,
        "Client_id": AZ,
        "Operation": "SecretDelete",
        "Secret": "notification-signature",
        "Outcome": "done",
        "From": ADDRESS,
    }
    assert alerts["SecretList"]["Secret"] == "every secret's name"


@pytest.mark.parametrize("written", [{"claim": {"oid": WORKER}}, {"claim": json.dumps({"oid": WORKER})}])
def test_claims_are_read_whether_they_are_an_object_or_its_text(workspace: Workspace, written: Any) -> None:
    for identity in (written, json.dumps(written)):
        vault_call(workspace, WORKER, Identity=identity)
    assert told(workspace, VAULT) == []
    vault_call(workspace, WORKER, "SecretSet", Identity=json.dumps(written))
    assert [one["Who"] for one in told(workspace, VAULT)] == [WORKER]


def test_an_address_of_a_secret_is_read_in_any_casing(workspace: Workspace) -> None:
    vault_call(workspace, WORKER, "secretGet", Id="https://kv.vault.azure.net/Secrets/Publisher-Credential/1")
    assert told(workspace, VAULT) == []
    vault_call(workspace, STRANGER, Id="", RequestUri="https://kv.vault.azure.net/SECRETS/publisher-credential?api=1")
    assert [one["Secret"] for one in told(workspace, VAULT)] == ["publisher-credential"]


@pytest.mark.parametrize(
    ("operation", "path", "secret"),
    [
        ("SecretRestore", "secrets/restore", "not told by the log"),
        ("SecretBackup", "secrets/publisher-credential/backup", "publisher-credential"),
        ("SecretPurge", "deletedsecrets/publisher-credential", "publisher-credential"),
        ("SecretListDeleted", "deletedsecrets", "every secret's name"),
    ],
)
def test_without_an_id_the_request_tells_which_secret_it_was(
    workspace: Workspace, operation: str, path: str, secret: str
) -> None:
    vault_call(workspace, STRANGER, operation, Id="", RequestUri=f"https://kv.vault.azure.net/{path}?api-version=7.4")
    assert [one["Secret"] for one in told(workspace, VAULT)] == [secret]


def test_other_services_in_the_shared_table_and_notices_of_the_vault_itself_are_nobodys_doing(
    workspace: Workspace,
) -> None:
    strangers.vault_call_in_the_old_table(workspace, STRANGER, "SecretGet", ResourceProvider="MICROSOFT.OTHER")
    strangers.vault_call_in_the_old_table(workspace, "", "SecretNearExpiryEventGridNotification")
    vault_call(workspace, STRANGER, "VaultGet")
    # The deployment writes secrets through Azure Resource Manager, which the activity log tells.
    vault_call(workspace, STRANGER, "SecretResourcePut")
    assert told(workspace, VAULT) == []


def test_a_call_whose_answer_the_log_does_not_say_counts_as_one_that_was_answered(workspace: Workspace) -> None:
    vault_call(workspace, STRANGER, HttpStatusCode=None)
    storage_call(workspace, REGISTRY, STRANGER, "MergeEntity", StatusCode="")
    assert len(told(workspace, VAULT)) == len(told(workspace, STORAGE)) == 1


def test_the_log_of_a_call_that_arrives_an_hour_late_is_still_told(workspace: Workspace) -> None:
    vault_call(workspace, STRANGER, TimeGenerated=(NOW - timedelta(minutes=75)).isoformat())
    assert len(told(workspace, VAULT)) == 1


def test_each_app_writes_to_its_own_account_and_nobody_is_told(workspace: Workspace) -> None:
    storage_call(workspace, REGISTRY, WORKER, "MergeEntity")
    storage_call(workspace, "stworker.queue/notifications/messages", WORKER, "DeleteMessage")
    storage_call(workspace, "stworker.queue/notifications/messages", FRONT, "PutMessage")
    storage_call(workspace, "stfront.blob/azure-webjobs-hosts/locks/x", FRONT, "AcquireBlobLease")
    storage_call(workspace, "stapi.blob/azure-webjobs-secrets/x/host.json", API.upper(), "PutBlob")
    assert told(workspace, STORAGE) == []


@pytest.mark.parametrize(
    ("call", "operation", "place"),
    [
        (REGISTRY, "MergeEntity", "stworker.table.core.windows.net/applications"),
        ("stworker.table/verdicts(PartitionKey='a')", "DeleteEntity", "stworker.table.core.windows.net/verdicts"),
        ("stworker.table/$batch", "EntityGroupTransaction", "stworker.table.core.windows.net/$batch"),
        ("stworker.queue/collection-shards", "DeleteQueue", "stworker.queue.core.windows.net/collection-shards"),
        ("stfront.blob/deployments/package.zip", "PutBlob", "stfront.blob.core.windows.net/deployments"),
        ("stapi.blob/azure-webjobs-secrets/h", "PutBlob", "stapi.blob.core.windows.net/azure-webjobs-secrets"),
    ],
)
def test_a_write_by_somebody_else_says_who_where_what_and_from_which_address(
    workspace: Workspace, call: str, operation: str, place: str
) -> None:
    storage_call(workspace, call, STRANGER, operation)
    assert told(workspace, STORAGE) == [
        {
            "Who": STRANGER,
            "Client_id": AZ,
            "Authentication": "OAuth",
            "Place": place,
            "Operation": operation,
            "From": ADDRESS,
        }
    ]


def test_the_front_may_send_notifications_and_do_nothing_else_in_the_workers_account(workspace: Workspace) -> None:
    storage_call(workspace, "stworker.queue/notifications/messages", FRONT, "ClearMessages")
    storage_call(workspace, "stworker.queue/collection-shards/messages", FRONT, "PutMessage")
    storage_call(workspace, "stworker.table/notifications(a)", FRONT, "PutMessage")
    places = {(one["Operation"], one["Place"]) for one in told(workspace, STORAGE)}
    assert len(places) == 3


def test_an_identity_of_ours_is_a_stranger_in_the_account_of_another_app(workspace: Workspace) -> None:
    storage_call(workspace, "stfront.blob/deployments/released-package.zip", WORKER, "PutBlob")
    storage_call(workspace, "stworker.blob/deployments/released-package.zip", API, "PutBlob")
    assert {one["Who"] for one in told(workspace, STORAGE)} == {WORKER, API}


@pytest.mark.parametrize("authentication", ["AccountKey", "SAS"])
def test_whoever_comes_with_a_key_or_a_signed_address_is_a_stranger_everywhere(
    workspace: Workspace, authentication: str
) -> None:
    storage_call(workspace, REGISTRY, "", "MergeEntity", AuthenticationType=authentication)
    [alert] = told(workspace, STORAGE)
    assert (alert["Who"], alert["Authentication"]) == ("nobody: by a key or a signed address", authentication)


@pytest.mark.parametrize(
    ("recorded", "address"),
    [
        ("203.0.113.7:443", "203.0.113.7"),
        ("10.0.0.4", "10.0.0.4"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::1", "::1"),
    ],
)
def test_addresses_are_told_without_their_ports_so_that_one_caller_is_one_alert(
    workspace: Workspace, recorded: str, address: str
) -> None:
    storage_call(workspace, REGISTRY, STRANGER, "MergeEntity", CallerIpAddress=recorded)
    assert [one["From"] for one in told(workspace, STORAGE)] == [address]


def test_reads_and_what_storage_refused_alert_nobody(workspace: Workspace) -> None:
    storage_call(workspace, REGISTRY, STRANGER, "MergeEntity", StatusCode="403")
    storage_call(workspace, REGISTRY, STRANGER, "QueryEntities", Category="StorageRead")
    assert told(workspace, STORAGE) == []


def test_publishing_is_told_although_it_looks_like_the_app_itself(workspace: Workspace) -> None:
    for _ in range(3):
        storage_call(workspace, "stworker.blob/deployments/released-package.zip", WORKER, "PutBlock")
    storage_call(workspace, "stworker.blob/azure-webjobs-hosts/locks/x", WORKER, "PutBlob")
    assert told(workspace, STORAGE) == []
    assert told(workspace, "code-published") == [
        {
            "App": "worker",
            "Who": "the worker's identity",
            "Client_id": AZ,
            "Place": "stworker.blob.core.windows.net/deployments",
            "From": ADDRESS,
        }
    ]


@pytest.mark.parametrize("container", ["%64eployments", "/deployments", "DEPLOYMENTS"])
def test_publishing_is_told_however_the_container_is_written(workspace: Workspace, container: str) -> None:
    storage_call(workspace, f"stworker.blob/{container}/released-package.zip", WORKER, "PutBlob")
    [alert] = told(workspace, "code-published")
    assert (alert["App"], alert["Who"]) == ("worker", "the worker's identity")


def test_a_package_that_a_person_wrote_is_told_with_the_persons_name(workspace: Workspace) -> None:
    path = "stapi.blob/deployments/released-package.zip"
    storage_call(workspace, path, STRANGER, "PutBlob", RequesterUpn="eve@contoso.com")
    [alert] = told(workspace, "code-published")
    assert (alert["App"], alert["Who"]) == ("api", "eve@contoso.com")


EXPORT = "stworker.blob/exports/2026-11-27/manifest.json"
OLD_PACKAGE = "stworker.blob/deployments/released-package.zip"
LIFECYCLE = {
    "AuthenticationType": "TrustedAccessSas",
    "UserAgentHeader": "xAzure/1.0 AzureStorage/1.0 ObjectLifeCycleScanner/0.50",
    "RequesterAppId": "",
}


def test_what_azure_deletes_because_of_its_age_alerts_nobody(workspace: Workspace) -> None:
    """By the account's own rules; a stranger can take the name of what does it, and not the way in."""
    for place in (EXPORT, OLD_PACKAGE):
        storage_call(workspace, place, "", "DeleteBlob", **LIFECYCLE)
    assert told(workspace, STORAGE) == told(workspace, PACKAGE) == []
    for place in (EXPORT, OLD_PACKAGE):
        storage_call(workspace, place, "", "DeleteBlob", **LIFECYCLE | {"AuthenticationType": "SAS"})
    assert [len(told(workspace, rule)) for rule in (STORAGE, PACKAGE)] == [2, 1]


def test_a_deleted_export_is_told_whoever_did_it_and_a_written_one_is_not(workspace: Workspace) -> None:
    storage_call(workspace, EXPORT, WORKER, "PutBlob")
    storage_call(workspace, "stworker.blob/azure-webjobs-hosts/locks/a", WORKER, "DeleteBlob")
    assert told(workspace, STORAGE) == []
    storage_call(workspace, EXPORT, WORKER, "DeleteBlob")
    storage_call(workspace, "stworker.blob/exports", WORKER, "DeleteContainer")
    assert {(one["Who"], one["Operation"]) for one in told(workspace, STORAGE)} == {
        (WORKER, "DeleteBlob"),
        (WORKER, "DeleteContainer"),
    }
