"""Rows of the platform's access logs, and who stands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.observation import PLACEHOLDERS
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import read_security_rules
from tests.queries.fleet import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sandbox.workspace.workspace import Workspace

FRONT = "aaaaaaaa-0000-0000-0000-000000000001"
WORKER = "aaaaaaaa-0000-0000-0000-000000000002"
API = "aaaaaaaa-0000-0000-0000-000000000003"
STRANGER = "99999999-0000-0000-0000-000000000000"
AZ = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
ADDRESS = "203.0.113.7"

PUT_IN = PLACEHOLDERS | {"{frontPrincipalId}": FRONT, "{workerPrincipalId}": WORKER, "{apiPrincipalId}": API}


def told(
    workspace: Workspace,
    rule: str,
    deliver: Callable[[Mapping[str, Any]], None] = lambda _: None,
    at: datetime = NOW,
) -> list[dict[str, str]]:
    """The dimensions of each alert of a security rule, which is evaluated once, with nothing fired before."""
    rules = [one for one in read_security_rules(PUT_IN) if one.name == rule]
    return [dict(one.dimensions) for one in AlertEvaluator(rules, workspace, deliver).evaluate(at)]


def vault_call(workspace: Workspace, object_id: str, operation: str = "SecretGet", **columns: Any) -> None:
    """A call of the vault, as the table of key vaults has it."""
    row = {
        "TimeGenerated": NOW.isoformat(),
        "OperationName": operation,
        "HttpStatusCode": 200,
        "Identity": {"claim": {"oid": object_id, "appid": AZ}},
        "CallerIpAddress": ADDRESS,
        "Id": "https://kv.vault.azure.net/secrets/publisher-credential/0123456789abcdef",
    }
    workspace.insert("AZKVAuditLogs", [row | columns])


def vault_call_in_the_old_table(workspace: Workspace, object_id: str, operation: str, **columns: Any) -> None:
    """The same, as the table that all services share has it."""
    row = {
        "TimeGenerated": NOW.isoformat(),
        "ResourceProvider": "MICROSOFT.KEYVAULT",
        "OperationName": operation,
        "httpStatusCode_d": 200,
        "identity_claim_oid_g": object_id,
        "identity_claim_appid_g": AZ,
        "CallerIPAddress": ADDRESS,
        "id_s": "https://kv.vault.azure.net/secrets/notification-signature",
        "requestUri_s": "https://kv.vault.azure.net/secrets/notification-signature?api-version=7.4",
    }
    workspace.insert("AzureDiagnostics", [row | columns])


def storage_call(workspace: Workspace, place: str, object_id: str, operation: str, **columns: Any) -> None:
    """A call of a storage account; the place is account.service/path, and the service is blob, queue or table."""
    host, _, path = place.partition("/")
    account, service = host.split(".")
    row = {
        "TimeGenerated": NOW.isoformat(),
        "AccountName": account,
        "AuthenticationType": "OAuth",
        "CallerIpAddress": f"{ADDRESS}:51234",
        "Category": "StorageDelete" if operation.startswith("Delete") else "StorageWrite",
        "OperationName": operation,
        "RequesterAppId": AZ,
        "RequesterObjectId": object_id,
        "StatusCode": "204",
        "Uri": f"https://{host}.core.windows.net:443/{path}",
    }
    workspace.insert(f"Storage{service.capitalize()}Logs", [row | columns])
