"""Clients of the storage account: opened as the settings say, and called with our own retries."""

import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from publisher.configuration.resource_settings import Storage
from publisher.credentials import own_identity_credential
from publisher.errors.kinds import AzureFailure
from publisher.retry import Patience, with_retries
from publisher.transport import Closing, Transport

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.data.tables.aio import TableClient
    from azure.storage.queue.aio import QueueClient

_Client = TypeVar("_Client", "TableClient", "QueueClient")
_Answer = TypeVar("_Answer")
_CALL_SECONDS: Final = 60.0


class StorageClient(Closing, Generic[_Client]):
    """One table or queue. Making it asks nothing of the account.

    Args:
        kind: the SDK's client.
        storage: the account; a connection string is used when there is one, else a managed identity.
        service_uri: the address of the table or queue service, for the managed identity.
        name: the table's or queue's name.
        patience: how often and how long a call is repeated.
        what: begins the message of every failure.
        options: further options of the SDK's client.
    """

    def __init__(
        self,
        kind: type[_Client],
        storage: Storage,
        service_uri: str | None,
        name: str,
        *,
        patience: Patience,
        what: str,
        **options: Any,
    ) -> None:
        self._patience = patience
        self._what = what
        self._credential: AsyncTokenCredential | None = None
        options |= {"transport": Transport(connections=32), "retry_total": 0}
        if storage.connection_string:
            self._client: _Client = kind.from_connection_string(storage.connection_string, name, **options)
        else:
            self._credential = own_identity_credential(storage.identity_client_id)
            self._client = kind(service_uri or "", name, credential=self._credential, **options)

    async def close(self) -> None:
        """Close the connections to storage, and to the identity endpoint."""
        await self._client.close()
        if self._credential is not None:
            await self._credential.close()

    async def _repeated(self, call: Callable[[], Awaitable[_Answer]], deadline: float = math.inf) -> _Answer:
        """Return what a call returns, after retries until `deadline` or for a minute; failures begin with `what`."""
        try:
            return await with_retries(
                call,
                deadline=min(deadline, self._patience.deadline, time.monotonic() + _CALL_SECONDS),
                attempts=self._patience.attempts,
                sleep=self._patience.sleep,
            )
        except AzureFailure as failure:
            failure.prefixed(self._what)
            failure.is_of_storage = True
            raise
