"""The names of the Azure services that the sandbox plays; faults, latency and the request log use them."""

from __future__ import annotations

from enum import StrEnum


class Service(StrEnum):
    """One server of the sandbox: it has an address of its own and can be slow, broken or gone by itself."""

    ENTRA_ID = "entra-id"
    MANAGED_IDENTITY = "managed-identity"
    RESOURCE_MANAGER = "resource-manager"
    LOGS_INGESTION = "logs-ingestion"
    LOG_ANALYTICS = "log-analytics"
    TABLES = "tables"
    QUEUES = "queues"
