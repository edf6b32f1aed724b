"""The names of the sandbox's servers, for addresses, latency, outages and the request log."""

from __future__ import annotations

from enum import StrEnum


class Service(StrEnum):
    """One server of the sandbox, with an address of its own; it can be slow or offline by itself."""

    ENTRA_ID = "entra-id"
    MANAGED_IDENTITY = "managed-identity"
    RESOURCE_MANAGER = "resource-manager"
    LOGS_INGESTION = "logs-ingestion"
    LOG_ANALYTICS = "log-analytics"
    TABLES = "tables"
    QUEUES = "queues"
    BLOBS = "blobs"

    @property
    def singular(self) -> str:
        """A storage service's name in settings, e.g. "Blob"."""
        return self.value.removesuffix("s").capitalize()
