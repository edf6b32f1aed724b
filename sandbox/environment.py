"""The product's settings for a running sandbox: the same names an operator sets in Azure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
from sandbox.world.plans import OFFERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.address_book import AddressBook
    from sandbox.azure.azurite import StorageAccount


WORKSPACE_ID: Final = "7e57ab1e-0000-4000-8000-000000000008"
RULE_ID: Final = "dcr-7e57ab1e000040008000000000000009"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a running sandbox is to be found."""

    urls: Mapping[Service, str]
    blob_url: str
    certificate_authority: Path
    account: StorageAccount
    identity_storage: bool
    book: AddressBook


def settings(place: Place, sign_in: Mapping[str, str], *, system_assigned: bool = False) -> dict[str, str]:
    """Every setting by name; `sign_in` is what `sign_in_settings` returns, and see `Sandbox.environment_with`."""
    found = {
        "APP_ROLE": "local",
        "OFFERS": OFFERS,
        "AZURE_AUTHORITY_HOST": place.urls[Service.ENTRA_ID],
        "AZURE_RESOURCE_MANAGER_ENDPOINT": place.urls[Service.RESOURCE_MANAGER],
        "IDENTITY_ENDPOINT": place.urls[Service.MANAGED_IDENTITY] + IDENTITY_PATH,
        "IDENTITY_HEADER": place.book.identity_header,
        "AZURE_TENANT_ID": SERVICE_PRINCIPAL.tenant_id,
        "AZURE_CLIENT_ID": SERVICE_PRINCIPAL.client_id,
        "DATA_COLLECTION_ENDPOINT": place.urls[Service.LOGS_INGESTION],
        "DATA_COLLECTION_IMMUTABLE_ID": RULE_ID,
        "LOG_ANALYTICS_ENDPOINT": place.urls[Service.LOG_ANALYTICS],
        "LOG_ANALYTICS_WORKSPACE_ID": WORKSPACE_ID,
        "API_CLIENT_ID": API_CLIENT_ID,
        "API_ALLOWED_CLIENTS": AGENT.client_id,
        "NOTIFICATION_SIGNATURE": place.book.notification_signature,
        "TABLE_NAME": "applications",
        "COLLECTION_SCHEDULE": "0 0 * * * *",
        "SSL_CERT_FILE": str(place.certificate_authority),
    }
    if not system_assigned:
        found["MANAGED_IDENTITY_CLIENT_ID"] = USER_ASSIGNED.client_id
    return {**found, **sign_in} | _storage(place, system_assigned=system_assigned)


def is_plain(service: Service, *, identity_storage: bool) -> bool:
    """Tell whether a service speaks HTTP without TLS: the managed identity's endpoint as in Azure, and the emulator."""
    is_storage = service in {Service.TABLES, Service.QUEUES}
    return service is Service.MANAGED_IDENTITY or (is_storage and not identity_storage)


def sign_in_settings(directory: Directory, how: str) -> dict[str, str]:
    """The settings with which the service principal signs in; see `Sandbox.environment_with`."""
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
        text = ";".join(f"{name}={value}" for name, value in connection.items())
        return {"AzureWebJobsStorage": text, "NOTIFICATIONS": text}
    found = {
        "AzureWebJobsStorage__tableServiceUri": tables,
        "AzureWebJobsStorage__queueServiceUri": queues,
        "AzureWebJobsStorage__blobServiceUri": blobs,
        "AzureWebJobsStorage__credential": "managedidentity",
        "NOTIFICATIONS__queueServiceUri": queues,
    }
    if not system_assigned:
        found["AzureWebJobsStorage__clientId"] = USER_ASSIGNED.client_id
    return found
