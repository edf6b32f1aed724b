"""The product's settings for a running sandbox: the same names an operator sets in Azure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.azure.identity.directory import (
    AGENT,
    API_CLIENT_ID,
    CERTIFICATE_PASSWORD,
    SERVICE_PRINCIPAL,
    USER_ASSIGNED,
    Directory,
)
from sandbox.azure.identity.managed_identity import PATH as IDENTITY_PATH
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.azure.azurite import StorageAccount


@dataclass(frozen=True, slots=True)
class Place:
    """Where a running sandbox is to be found."""

    urls: Mapping[Service, str]
    blob_url: str
    certificate_authority: Path
    account: StorageAccount
    identity_storage: bool
    rule_id: str
    workspace_id: str
    notification_signature: str


def settings(place: Place, directory: Directory, sign_in: str, *, system_assigned: bool) -> dict[str, str]:
    """Every setting by name; see `Sandbox.environment_with`."""
    found = {
        "AZURE_AUTHORITY_HOST": place.urls[Service.ENTRA_ID],
        "AZURE_RESOURCE_MANAGER_ENDPOINT": place.urls[Service.RESOURCE_MANAGER],
        "IDENTITY_ENDPOINT": place.urls[Service.MANAGED_IDENTITY] + IDENTITY_PATH,
        "IDENTITY_HEADER": directory.identity_header,
        "AZURE_TENANT_ID": SERVICE_PRINCIPAL.tenant_id,
        "AZURE_CLIENT_ID": SERVICE_PRINCIPAL.client_id,
        "DATA_COLLECTION_ENDPOINT": place.urls[Service.LOGS_INGESTION],
        "DATA_COLLECTION_IMMUTABLE_ID": place.rule_id,
        "LOG_ANALYTICS_ENDPOINT": place.urls[Service.LOG_ANALYTICS],
        "LOG_ANALYTICS_WORKSPACE_ID": place.workspace_id,
        "API_CLIENT_ID": API_CLIENT_ID,
        "API_ALLOWED_CLIENTS": AGENT.client_id,
        "NOTIFICATION_SIGNATURE": place.notification_signature,
        "TABLE_NAME": "applications",
        "COLLECTION_SCHEDULE": "0 0 * * * *",
        "SSL_CERT_FILE": str(place.certificate_authority),
    }
    if not system_assigned:
        found["MANAGED_IDENTITY_CLIENT_ID"] = USER_ASSIGNED.client_id
    return found | _sign_in(directory, sign_in) | _storage(place, system_assigned=system_assigned)


def _sign_in(directory: Directory, how: str) -> dict[str, str]:
    if how == "secret":
        return {"AZURE_CLIENT_SECRET": directory.client_secret}
    if how == "certificate":
        return {"AZURE_CLIENT_CERTIFICATE_PATH": str(directory.certificate().path)}
    if how == "protected certificate":
        return {
            "AZURE_CLIENT_CERTIFICATE_PATH": str(directory.certificate(CERTIFICATE_PASSWORD).path),
            "AZURE_CLIENT_CERTIFICATE_PASSWORD": CERTIFICATE_PASSWORD,
        }
    if how == "federation":
        return {"PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID": USER_ASSIGNED.client_id}
    raise ValueError(f"unknown way to sign in: {how}")


def _storage(place: Place, *, system_assigned: bool) -> dict[str, str]:
    tables = f"{place.urls[Service.TABLES]}/{place.account.name}"
    queues = f"{place.urls[Service.QUEUES]}/{place.account.name}"
    blobs = f"{place.blob_url}/{place.account.name}"
    if not place.identity_storage:
        connection = {
            "DefaultEndpointsProtocol": "http",
            "AccountName": place.account.name,
            "AccountKey": place.account.key,
            "BlobEndpoint": blobs,
            "QueueEndpoint": queues,
            "TableEndpoint": tables,
        }
        return {"AzureWebJobsStorage": ";".join(f"{name}={value}" for name, value in connection.items())}
    found = {
        "AzureWebJobsStorage__tableServiceUri": tables,
        "AzureWebJobsStorage__queueServiceUri": queues,
        "AzureWebJobsStorage__blobServiceUri": blobs,
        "AzureWebJobsStorage__credential": "managedidentity",
    }
    if not system_assigned:
        found["AzureWebJobsStorage__clientId"] = USER_ASSIGNED.client_id
    return found
