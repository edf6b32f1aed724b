"""The worker's storage as a person of the publisher sees it, who has roles there: the registry, and what waits."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self

from azure.core.credentials import AccessToken
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient, UpdateMode
from azure.storage.queue import QueueServiceClient

from sandbox.azure.identity.directory import OPERATOR, STORAGE_AUDIENCE
from sandbox.azure.identity.tokens import DEFAULT_LIFETIME_SECONDS
from sandbox.azure.template_queues import NOTIFICATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.azure.identity.tokens import TokenIssuer
    from sandbox.world.customers import Customer

_PENDING: Final = "pending"


class WorkerStorage:
    """Opens the tables and queues that the worker's settings name; a context manager.

    Args:
        settings: the worker's.
        issuer: makes the operator's tokens.
    """

    def __init__(self, settings: Mapping[str, str], issuer: TokenIssuer) -> None:
        options: dict[str, Any] = {"credential": _Operator(issuer), "connection_verify": settings["SSL_CERT_FILE"]}
        self._registry = settings["TABLE_NAME"]
        self._tables = TableServiceClient(settings["AzureWebJobsStorage__tableServiceUri"], **options)
        self._queues = QueueServiceClient(settings["AzureWebJobsStorage__queueServiceUri"], **options)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._tables)
        self._stack.enter_context(self._queues)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def messages(self) -> int:
        """Return how many notifications the worker has not yet taken."""
        return self._queues.get_queue_client(NOTIFICATIONS).get_queue_properties().approximate_message_count or 0

    def something_is_due(self, now: dt.datetime) -> bool:
        """Tell whether an application waits that ARM is to be asked about by now."""
        return any(dt.datetime.fromisoformat(row["due_at"]) <= now for row in self._rows(_PENDING))

    def registry_rows(self) -> list[dict[str, Any]]:
        """Return every row of the registry as it is stored; none when there is no table yet."""
        return self._rows(self._registry)

    def name_customer(self, customer: Customer) -> None:
        """Set a customer's name in the registry, where the customer is registered."""
        table = self._tables.get_table_client(self._registry)
        for row in self.registry_rows():
            if row["subscription_id"] == customer.subscription_id:
                keys = {"PartitionKey": row["PartitionKey"], "RowKey": row["RowKey"]}
                table.update_entity(keys | {"customer_name": customer.name}, mode=UpdateMode.MERGE)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        try:
            return [dict(entity) for entity in self._tables.get_table_client(table).list_entities()]
        except ResourceNotFoundError:
            return []


class _Operator:
    """The operator's sign-in."""

    def __init__(self, issuer: TokenIssuer) -> None:
        self._issuer = issuer

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        now = int(dt.datetime.now(dt.UTC).timestamp())
        return AccessToken(self._issuer.issue(OPERATOR, STORAGE_AUDIENCE), now + DEFAULT_LIFETIME_SECONDS)
