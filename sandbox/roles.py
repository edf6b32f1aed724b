"""The three apps that the product is deployed as: the identity of each, and what that may do.

It is what infra/ deploys. `LOCAL` is no app: it stands for all of them in one process, for tests of one part, with an
identity that may do what any of the three may.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sandbox.azure.azurite import StorageAccount, account
from sandbox.azure.identity.directory import (
    AGENT,
    API_IDENTITY,
    FRONT_IDENTITY,
    LOCAL_IDENTITY,
    OPERATOR,
    SYSTEM_ASSIGNED,
    USER_ASSIGNED,
)
from sandbox.azure.identity.managed_identity import AppIdentities
from sandbox.azure.rights import Assignment, StorageRole
from sandbox.azure.template_queues import NOTIFICATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.azure.identity.tokens import Principal


class Role(StrEnum):
    """An app's APP_ROLE."""

    FRONT = "front"
    WORKER = "worker"
    API = "api"
    LOCAL = "local"


APPS: Final = (Role.FRONT, Role.WORKER, Role.API)
"""The roles that are an app of their own."""

IDENTITIES: Final[Mapping[Role, Principal]] = {
    Role.FRONT: FRONT_IDENTITY,
    Role.WORKER: USER_ASSIGNED,
    Role.API: API_IDENTITY,
    Role.LOCAL: LOCAL_IDENTITY,
}
"""The user-assigned identity of each."""

MAY_INGEST: Final = frozenset({USER_ASSIGNED.object_id, LOCAL_IDENTITY.object_id, SYSTEM_ASSIGNED.object_id})
"""Who has Monitoring Metrics Publisher on the data collection rule: the worker alone, of the three apps."""

MAY_WRITE_AUDIT_ROWS: Final = frozenset({API_IDENTITY.object_id, LOCAL_IDENTITY.object_id, SYSTEM_ASSIGNED.object_id})
"""Who has it on the rule for the api's audit rows: the api alone; the worker's own rule has a stream."""

AUDIT_TABLE: Final = "ManagedApplicationAudit_CL"

READS_EVERY_TABLE: Final = frozenset({OPERATOR.object_id})
"""Who may read the audit table, too: the operator. Of the apps nobody may."""

MAY_QUERY: Final = frozenset(
    {API_IDENTITY.object_id, LOCAL_IDENTITY.object_id, SYSTEM_ASSIGNED.object_id, OPERATOR.object_id}
)
"""Who may read the workspace: the api alone, of the three apps, and the operator."""


def app_identities(headers: Mapping[str, str]) -> dict[str, AppIdentities]:
    """Return what the managed identity endpoint gives to each app, by the header that it knows the app by."""
    apps = {headers[role]: AppIdentities((IDENTITIES[role],)) for role in APPS}
    return apps | {headers[Role.LOCAL]: AppIdentities((LOCAL_IDENTITY, USER_ASSIGNED, AGENT), SYSTEM_ASSIGNED)}


def accounts_of(number: int) -> dict[Role, StorageAccount]:
    """Return the storage account of each role; all of them are others for another number."""
    worker = account(number)
    return {
        Role.FRONT: account(number, Role.FRONT),
        Role.WORKER: worker,
        Role.API: account(number, Role.API),
        Role.LOCAL: worker,
    }


def storage_rights(number: int) -> Iterator[Assignment]:
    """Return the role assignments in those accounts."""
    of_role = accounts_of(number)
    worker = of_role[Role.WORKER].name
    for role in APPS:
        yield Assignment(IDENTITIES[role], StorageRole.BLOB_DATA_OWNER, of_role[role].name)
    yield Assignment(FRONT_IDENTITY, StorageRole.QUEUE_DATA_MESSAGE_SENDER, worker, NOTIFICATIONS)
    for principal in (USER_ASSIGNED, LOCAL_IDENTITY, SYSTEM_ASSIGNED):
        for role_in_storage in (StorageRole.QUEUE_DATA_CONTRIBUTOR, StorageRole.TABLE_DATA_CONTRIBUTOR):
            yield Assignment(principal, role_in_storage, worker)
    for principal in (LOCAL_IDENTITY, SYSTEM_ASSIGNED):
        yield Assignment(principal, StorageRole.BLOB_DATA_OWNER, worker)
    for role_in_storage in (StorageRole.QUEUE_DATA_CONTRIBUTOR, StorageRole.TABLE_DATA_CONTRIBUTOR):
        yield Assignment(OPERATOR, role_in_storage, worker)
