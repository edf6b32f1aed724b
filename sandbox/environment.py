"""The product's settings for a running sandbox: the same names an operator sets in Azure, for each role its own."""

from __future__ import annotations

from dataclasses import dataclass, field
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
from sandbox.azure.storage import STORAGE
from sandbox.roles import IDENTITIES, Role, accounts_of
from sandbox.services import Service
from sandbox.world.plans import OFFERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.address_book import AddressBook
    from sandbox.azure.azurite import StorageAccount


WORKSPACE_ID: Final = "7e57ab1e-0000-4000-8000-000000000008"
RULE_ID: Final = "dcr-7e57ab1e000040008000000000000009"
AUDIT_RULE_ID: Final = "dcr-7e57ab1e000040008000000000000014"
"""The api's own rule, which takes audit rows alone."""
_HOST_STORAGE: Final = "AzureWebJobsStorage"
_NOTIFICATIONS: Final = "NOTIFICATIONS"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a running sandbox is to be found.

    `account` is the number of the storage accounts; `key_urls` is where storage can be asked with keys, without TLS.
    """

    urls: Mapping[Service, str]
    certificate_authority: Path
    account: int
    identity_storage: bool
    book: AddressBook
    key_urls: Mapping[Service, str] = field(default_factory=dict)


def settings(
    place: Place, role: Role, sign_in: Mapping[str, str], *, system_assigned: bool = False, host_key: bool = False
) -> dict[str, str]:
    """Every setting of a role by name.

    Args:
        place: the sandbox.
        role: whose settings.
        sign_in: what `sign_in_settings` returns; only who acts as the publisher's service principal gets it.
        system_assigned: leaves out the client id of the user-assigned identity.
        host_key: the app's own storage by its key, where the sandbox would want a token.
    """
    own = {
        "APP_ROLE": role.value,
        "AZURE_AUTHORITY_HOST": place.urls[Service.ENTRA_ID],
        "AZURE_RESOURCE_MANAGER_ENDPOINT": place.urls[Service.RESOURCE_MANAGER],
        "IDENTITY_ENDPOINT": place.urls[Service.MANAGED_IDENTITY] + IDENTITY_PATH,
        "IDENTITY_HEADER": place.book.identity_headers[role],
        "SSL_CERT_FILE": str(place.certificate_authority),
    }
    identity = None if system_assigned else IDENTITIES[role].client_id
    if identity:
        own["MANAGED_IDENTITY_CLIENT_ID"] = identity
    found = own | _storage_settings(place, role, identity, host_key=host_key)
    if role in {Role.FRONT, Role.LOCAL}:
        found["NOTIFICATION_SIGNATURE"] = place.book.notification_signature
    if role in {Role.WORKER, Role.LOCAL}:
        found |= _of_the_worker(place) | dict(sign_in)
    if role in {Role.API, Role.LOCAL}:
        found |= _of_the_api(place)
    return found


def _of_the_worker(place: Place) -> dict[str, str]:
    return {
        "AZURE_TENANT_ID": SERVICE_PRINCIPAL.tenant_id,
        "AZURE_CLIENT_ID": SERVICE_PRINCIPAL.client_id,
        "DATA_COLLECTION_ENDPOINT": place.urls[Service.LOGS_INGESTION],
        "DATA_COLLECTION_IMMUTABLE_ID": RULE_ID,
        "TABLE_NAME": "applications",
        "COLLECTION_SCHEDULE": "0 0 * * * *",
        "OFFERS": OFFERS,
    }


def _of_the_api(place: Place) -> dict[str, str]:
    return {
        "AZURE_TENANT_ID": SERVICE_PRINCIPAL.tenant_id,
        "API_CLIENT_ID": API_CLIENT_ID,
        "API_ALLOWED_CLIENTS": AGENT.client_id,
        "DATA_COLLECTION_ENDPOINT": place.urls[Service.LOGS_INGESTION],
        "AUDIT_IMMUTABLE_ID": AUDIT_RULE_ID,
        "LOG_ANALYTICS_ENDPOINT": place.urls[Service.LOG_ANALYTICS],
        "LOG_ANALYTICS_WORKSPACE_ID": WORKSPACE_ID,
    }


def is_plain(service: Service, *, identity_storage: bool) -> bool:
    """Tell whether a service speaks HTTP without TLS: the managed identity's endpoint as in Azure, and the emulator."""
    return service is Service.MANAGED_IDENTITY or (service in STORAGE and not identity_storage)


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


def _storage_settings(place: Place, role: Role, identity: str | None, *, host_key: bool) -> dict[str, str]:
    """Return the connections to the role's own account, and for who takes notifications in, to the worker's queues."""
    accounts = accounts_of(place.account)
    own, worker = accounts[role], accounts[Role.WORKER]
    is_sender = role in {Role.FRONT, Role.LOCAL}
    if not place.identity_storage:
        sending = _by_key(_NOTIFICATIONS, worker, place.urls) if is_sender else {}
        return _by_key(_HOST_STORAGE, own, place.urls) | sending
    services = STORAGE if role in {Role.WORKER, Role.LOCAL} else (Service.BLOBS,)
    own_services = {service: f"{place.urls[service]}/{own.name}" for service in services}
    queues = {Service.QUEUES: f"{place.urls[Service.QUEUES]}/{worker.name}"}
    host = (
        _by_key(_HOST_STORAGE, own, place.key_urls) if host_key else _by_identity(_HOST_STORAGE, own_services, identity)
    )
    return host | (_by_identity(_NOTIFICATIONS, queues, identity) if is_sender else {})


def _by_key(name: str, account: StorageAccount, urls: Mapping[Service, str]) -> dict[str, str]:
    """Return the setting of a connection to an account with its key."""
    parts = {"DefaultEndpointsProtocol": "http", "AccountName": account.name, "AccountKey": account.key}
    parts |= {f"{service.singular}Endpoint": f"{urls[service]}/{account.name}" for service in STORAGE}
    return {name: ";".join(f"{part}={value}" for part, value in parts.items())}


def _by_identity(name: str, addresses: Mapping[Service, str], client_id: str | None) -> dict[str, str]:
    """Return the settings of a connection to these services of an account with the app's own identity."""
    found = {f"{name}__{service.singular.lower()}ServiceUri": address for service, address in addresses.items()}
    found[f"{name}__credential"] = "managedidentity"
    return found | ({f"{name}__clientId": client_id} if client_id else {})
