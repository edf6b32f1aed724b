"""Where storage was called: how it is reached, by which settings, and with what role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.doctor.causes.cause import Service
from operations.doctor.causes.table import Where

if TYPE_CHECKING:
    from publisher.configuration.resource_settings import Storage


def tables_of(storage: Storage) -> Where:
    """Return the worker's tables."""
    return _account(storage, "AzureWebJobsStorage__accountName", "Storage Table Data Contributor")


def queues_of(storage: Storage) -> Where:
    """Return the worker's queues."""
    return _account(storage, "AzureWebJobsStorage__accountName", "Storage Queue Data Contributor")


def queue_of_front(storage: Storage) -> Where:
    """Return the queue that the front sends to."""
    return _account(storage, "NOTIFICATIONS__queueServiceUri", "Storage Queue Data Message Sender on this queue")


def _account(storage: Storage, settings: str, role: str) -> Where:
    by_key = storage.connection_string is not None
    return Where(Service.STORAGE_BY_KEY if by_key else Service.STORAGE_BY_IDENTITY, settings, role)
