"""What codes of a service mean, in a form that the doctor and a test of docs/operations.md read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Service(StrEnum):
    """Who refuses a call."""

    SIGN_IN = "Entra ID, to the publisher's service principal"
    OWN_IDENTITY = "The token endpoint of managed identities"
    STORAGE = "Storage"
    STORAGE_BY_IDENTITY = "Storage, to a managed identity"
    STORAGE_BY_KEY = "Storage, to a connection string"
    RESOURCE_MANAGER = "Azure Resource Manager"
    INGESTION = "Data collection endpoint"
    WORKSPACE = "Log Analytics workspace"
    ANY = "Any of them"


@dataclass(frozen=True, slots=True)
class Cause:
    """What codes of a service mean: error codes, numbers of AADSTS, HTTP statuses, or one of the words below.

    `{role}`, `{settings}` and `{identity}` in the next step are filled in by operations.doctor.causes.table.
    """

    service: Service
    codes: tuple[str, ...]
    cause: str
    next_step: str


def cause_of(service: Service, codes: str, cause: str, next_step: str) -> Cause:
    """Return the cause of codes that are separated by commas."""
    return Cause(service, tuple(codes.split(", ")), cause, next_step)


NO_HOST: Final = "no such host"
BAD_CERTIFICATE: Final = "untrusted certificate"
NO_CONNECTION: Final = "no connection"
NETWORK_DENIED: Final = "network denied"
NO_IDENTITY: Final = "no identity"
THROTTLED: Final = "429"
SERVER_ERROR: Final = "5xx"
MALFORMED: Final = "malformed answer"

ONE_CLOUD: Final = "AZURE_AUTHORITY_HOST, AZURE_RESOURCE_MANAGER_ENDPOINT and MONITOR_AUDIENCE have to be of one cloud"
SET_THE_CLOCK: Final = "set the clock of the machine"
