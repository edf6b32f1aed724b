"""Clients of the storage account: opened as the settings say, and called with our own retries.

An answer is judged before the SDK reads it, by the SDK's `raw_response_hook`: an absence or a success is only what
storage itself says. By itself the SDK takes any 404 to a delete for a success, and breaks off with all kinds of
exceptions at what a gateway answers.
"""

import math
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from azure.core.rest import AsyncHttpResponse

from publisher.configuration.resource_settings import Storage
from publisher.credentials import own_identity_credential
from publisher.errors.answers import as_failure, failure_of_response
from publisher.errors.kinds import AzureFailure, MalformedAnswer, NotFound, TransientFailure
from publisher.retry import Patience, with_retries
from publisher.transport import Closing, Transport

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.data.tables.aio import TableClient
    from azure.storage.blob.aio import ContainerClient
    from azure.storage.queue.aio import QueueClient

_Client = TypeVar("_Client", "TableClient", "QueueClient", "ContainerClient")
_Answer = TypeVar("_Answer")
_CALL_SECONDS: Final = 60.0
_ABSENCES: Final = frozenset(
    {"TableNotFound", "ResourceNotFound", "EntityNotFound", "QueueNotFound", "ContainerNotFound", "BlobNotFound"}
)
_OF_STORAGE: Final = ("x-ms-request-id", "x-ms-version", "x-ms-error-code")
"""Headers of which every answer of storage has one ("Query Entities", "Put Message", "Status and error codes" of its
REST reference). Who takes them away takes the continuation of a list away, too."""

_IS_ANSWERED: Final = ContextVar("is_answered", default=False)
"""Whether the call under way has got an answer: what the SDK then raises is about the answer."""


class StorageClient(Closing, Generic[_Client]):
    """One table, queue or container. Making it asks nothing of the account.

    Args:
        kind: the SDK's client.
        storage: the account; a connection string is used when there is one, else a managed identity.
        service_uri: the address of the table, queue or blob service, for the managed identity.
        name: the table's, queue's or container's name.
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
        options |= {
            "transport": Transport(connections=32),
            "retry_total": 0,
            "raw_response_hook": self._judge,
            "auto_request_id": False,  # nobody here looks for it, and it takes time to make one
        }
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

    def _check(self, answer: AsyncHttpResponse) -> None:
        """Raise MalformedAnswer for a 2xx of storage that lacks what the SDK does without; for subclasses."""

    def _judge(self, response: Any) -> None:
        """Raise the failure that an answer tells of, before the SDK reads it; see `raw_response_hook` of the SDKs."""
        _IS_ANSWERED.set(True)
        answer: AsyncHttpResponse = response.http_response
        is_storages = any(name in answer.headers for name in _OF_STORAGE)
        if not 200 <= answer.status_code < 300:  # noqa: PLR2004
            raise _refusal(answer, is_storages=is_storages)
        if not is_storages:
            raise malformed("the answer is not storage's, but of a gateway or proxy on the way", answer)
        self._check(answer)

    async def _repeated(self, call: Callable[[], Awaitable[_Answer]], deadline: float = math.inf) -> _Answer:
        """Return what a call returns, after retries until `deadline` or for a minute; failures begin with `what`."""

        async def attempt() -> _Answer:
            _IS_ANSWERED.set(False)
            try:
                return await call()
            except AzureFailure:
                raise
            except Exception as error:
                # Not told with their cause, which may quote the answer.
                if _IS_ANSWERED.get():
                    raise malformed("the answer is not what storage answers with") from None
                # At an answer that broke off, the SDK breaks off over its own failure, which has no response.
                failure = as_failure(error.__context__) if error.__context__ and not as_failure(error) else None
                if failure is not None:
                    raise failure from None
                raise

        try:
            return await with_retries(
                attempt,
                deadline=min(deadline, self._patience.deadline, time.monotonic() + _CALL_SECONDS),
                attempts=self._patience.attempts,
                sleep=self._patience.sleep,
            )
        except AzureFailure as failure:
            failure.prefixed(self._what)
            failure.is_of_storage = True
            raise


def malformed(message: str, answer: AsyncHttpResponse | None = None) -> MalformedAnswer:
    """Return the failure of an answer that storage does not give."""
    return MalformedAnswer(message, code="MalformedAnswer", status=answer.status_code if answer else None)


def _refusal(answer: AsyncHttpResponse, *, is_storages: bool) -> AzureFailure:
    """Return the failure that an answer other than 2xx tells of; an absence only for one of storage's own codes."""
    failure = failure_of_response(answer)
    if isinstance(failure, NotFound) and not (is_storages and failure.code in _ABSENCES):
        return TransientFailure(str(failure), code=failure.code, status=failure.status)
    return failure
