"""Table storage, as far as this program needs it: rows in, rows out, every write guarded by an ETag."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient

from publisher.credentials import own_identity_credential
from publisher.errors import AzureFailure, MalformedAnswer, NotFound, RequestRefused, TransientFailure
from publisher.retry import DEFAULT_ATTEMPTS, Sleep, with_retries
from publisher.storage_settings import Storage
from publisher.transport import Transport

_LOGGER = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
_CALL_SECONDS: Final = 60.0
_WHOLE_ROWS_IN_A_PAGE: Final = 200
_MISSING_TABLE: Final = "TableNotFound"
_ABSENCES: Final = frozenset({_MISSING_TABLE, "ResourceNotFound", "EntityNotFound"})
_STUMBLES: Final = (AttributeError, KeyError, TypeError, ValueError)
_LOST_RACES: Final = frozenset({"EntityAlreadyExists", "UpdateConditionNotSatisfied"})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call to the table may take: a minute, but not beyond `deadline` (seconds of `time.monotonic`).

    `attempts` is how often it is made when it fails for a reason that may pass, `sleep` waits in between.
    """

    attempts: int = DEFAULT_ATTEMPTS
    deadline: float = math.inf
    sleep: Sleep = asyncio.sleep


USUAL_PATIENCE: Final = Patience()


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The partitions from `first` on and before `before`; by default all of them."""

    first: str = ""
    before: str | None = None


EVERYTHING: Final = KeyRange()


@dataclass(frozen=True, slots=True)
class Row:
    """A stored row with its ETag: what a guarded write replaces. `properties` has no keys."""

    partition_key: str
    row_key: str
    etag: str
    properties: Mapping[str, Any]


class RowChanged(Exception):  # noqa: N818 - named for what happened
    """Somebody else wrote the row since it was read: read it again and decide again."""


class Table:
    """One table. Methods raise the AzureFailures of `publisher.errors`, and RowChanged.

    The first insert creates a table that does not exist; until then it has no row to `get`, and nothing to list.
    """

    def __init__(
        self, client: TableClient, credential: AsyncTokenCredential | None, patience: Patience, what: str
    ) -> None:
        self._client = client
        self._credential = credential
        self._patience = patience
        self._what = what

    @classmethod
    def open(
        cls,
        storage: Storage,
        name: str,
        own_identity_client_id: str | None,
        patience: Patience,
        *,
        what: str = "registry table",
    ) -> Self:
        """Return the table of that name in a storage account; nothing is asked of the account yet.

        `what` is what failures call the table.
        """
        options: dict[str, Any] = {"transport": Transport(connections=32), "retry_total": 0}
        if storage.connection_string:
            client = TableClient.from_connection_string(storage.connection_string, name, **options)
            return cls(client, None, patience, what)
        credential = own_identity_credential(storage.identity_client_id or own_identity_client_id)
        endpoint = storage.table_service_uri or ""
        return cls(TableClient(endpoint, name, credential=credential, **options), credential, patience, what)

    async def close(self) -> None:
        """Close the connections to storage, and to the identity endpoint."""
        await self._client.close()
        if self._credential is not None:
            await self._credential.close()

    async def get(self, partition_key: str, row_key: str) -> Row | None:
        """Return the row with these keys, or None."""
        try:
            return _row(await self._repeated(_sensible(lambda: self._client.get_entity(partition_key, row_key))))
        except NotFound:
            return None

    async def rows(self, within: KeyRange = EVERYTHING, *, columns: list[str] | None = None) -> AsyncIterator[Row]:
        """Yield every row, page by page; NotFound when there is no table: a misspelt name is no empty registry.

        `columns` are those to ask for, the keys among them; all by default.
        """
        # Whole rows come in smaller pages than Azure's thousand: the SDK needs ten megabytes for such a page.
        size = None if columns else _WHOLE_ROWS_IN_A_PAGE
        if within == EVERYTHING:
            pages = self._client.list_entities(select=columns, results_per_page=size).by_page()
        else:
            query = "PartitionKey ge @first" + (" and PartitionKey lt @before" if within.before is not None else "")
            parameters = {"first": within.first, "before": within.before or ""}
            pages = self._client.query_entities(
                query, parameters=parameters, select=columns, results_per_page=size
            ).by_page()
        try:
            async for row in self._pages(pages):
                yield row
        except NotFound as error:
            if error.code != _MISSING_TABLE:
                raise
            raise NotFound(
                f"there is no {self._what} {self._client.table_name}: check TABLE_NAME; "
                "the deployment creates the table, or else the first notification",
                code=error.code,
                status=error.status,
            ) from error

    async def matching(self, query: str, *, columns: list[str] | None = None, **parameters: str) -> AsyncIterator[Row]:
        """Yield the rows that match an OData query, in which a parameter stands as a word of its own: `@name`.

        `columns` are those to ask for, the keys among them; all by default.
        """
        pages = self._client.query_entities(query, parameters=parameters, select=columns).by_page()
        try:
            async for row in self._pages(pages):
                yield row
        except NotFound as error:
            if error.code != _MISSING_TABLE:
                raise

    async def insert(self, partition_key: str, row_key: str, properties: Mapping[str, Any]) -> None:
        """Store a new row; raise RowChanged when there is one with these keys."""
        entity = {**properties, "PartitionKey": partition_key, "RowKey": row_key}
        try:
            await self._guarded(lambda: self._client.create_entity(entity))
        except NotFound as error:
            if error.code != _MISSING_TABLE:
                raise
            await self._create()
            try:
                await self._guarded(lambda: self._client.create_entity(entity))
            except NotFound as again:
                raise TransientFailure(str(again), code=again.code, status=again.status) from again

    async def replace(self, row: Row, properties: Mapping[str, Any]) -> None:
        """Give a row other properties; raise RowChanged when it is not what it was, or gone."""
        entity = {**properties, "PartitionKey": row.partition_key, "RowKey": row.row_key}
        try:
            await self._guarded(
                lambda: self._client.update_entity(
                    entity, mode=UpdateMode.REPLACE, etag=row.etag, match_condition=MatchConditions.IfNotModified
                )
            )
        except NotFound as error:
            raise RowChanged from error

    async def delete(self, row: Row) -> None:
        """Remove a row, whatever became of it since it was read."""
        await self._repeated(lambda: self._client.delete_entity(row.partition_key, row.row_key))

    async def _guarded(self, write: Callable[[], Awaitable[_Answer]]) -> _Answer:
        try:
            # Of a write, other exceptions would be about what we gave it.
            return await self._repeated(_sensible(write, (AttributeError,)))
        except RequestRefused as error:
            if error.code in _LOST_RACES:
                raise RowChanged from error
            raise

    async def _create(self) -> None:
        try:
            await self._repeated(self._client.create_table)
        except RequestRefused as error:
            if error.code != "TableAlreadyExists":
                raise
        else:
            _LOGGER.info("the %s %s was created", self._what, self._client.table_name)

    async def _pages(self, pages: AsyncIterator[AsyncIterator[TableEntity]]) -> AsyncIterator[Row]:
        seen = set[str]()
        while (page := await self._repeated(_sensible(lambda: anext(pages, None)))) is not None:
            continuation = repr(getattr(pages, "continuation_token", None))  # AsyncPageIterator's, see azure-core
            if continuation in seen:
                raise MalformedAnswer(f"{self._what}: the next page is one already read", code="RepeatedContinuation")
            seen.add(continuation)
            async for entity in page:
                yield _row(entity)

    async def _repeated(self, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        try:
            return await with_retries(
                call,
                deadline=min(self._patience.deadline, time.monotonic() + _CALL_SECONDS),
                attempts=self._patience.attempts,
                sleep=self._patience.sleep,
            )
        except AzureFailure as failure:
            failure.prefixed(self._what)
            if isinstance(failure, NotFound) and failure.code not in _ABSENCES:
                # Anything between us and storage can answer 404; only storage's own word says that nothing is there.
                raise TransientFailure(str(failure), code=failure.code, status=failure.status) from failure
            raise


def _sensible(
    call: Callable[[], Awaitable[_Answer]], stumbles: tuple[type[Exception], ...] = _STUMBLES
) -> Callable[[], Awaitable[_Answer]]:
    """Return a call that raises MalformedAnswer where the SDK trips over an answer that no table would give."""

    async def attempt() -> _Answer:
        try:
            return await call()
        except stumbles as error:
            raise MalformedAnswer(
                "the answer is not what Table storage answers with", code="MalformedAnswer"
            ) from error

    return attempt


def _row(entity: TableEntity) -> Row:
    properties = {name: value for name, value in entity.items() if name not in {"PartitionKey", "RowKey"}}
    return Row(entity["PartitionKey"], entity["RowKey"], str(entity.metadata["etag"] or ""), properties)
