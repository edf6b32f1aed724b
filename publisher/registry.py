"""The registry of managed applications, in Table storage.

Every write is guarded by an ETag. An application has one row: under its own key, or, when the older public sample
wrote it, under that sample's key, where it is read, refreshed and deleted in place. A row whose application was
deleted stays as a tombstone, so that late notifications find out about it.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient

from publisher.credentials import own_identity_credential
from publisher.errors import AzureFailure, NotFound, RequestRefused
from publisher.registry_rows import (
    ExpectedAssignment,
    MalformedRow,
    ManagedApplication,
    Row,
    UnreadableRow,
    application_of,
    identity_of,
    malformed,
    properties_of,
    time_text,
    tombstone_properties,
)
from publisher.resource_ids import ROW_KEY_PREFIX, ApplicationId
from publisher.retry import DEFAULT_ATTEMPTS, with_retries
from publisher.storage_settings import Storage
from publisher.transport import Transport

__all__ = ["ExpectedAssignment", "MalformedRow", "ManagedApplication", "Registry", "Row", "RowChanged"]

_LOGGER = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
_CALL_SECONDS: Final = 60.0
_AFTER_PREFIX: Final = chr(ord(ROW_KEY_PREFIX) + 1)
_FOREIGN_KEYS: Final = "PartitionKey eq @partition and ( RowKey lt @first or RowKey ge @after )"


class RowChanged(Exception):  # noqa: N818 - named for what happened
    """Somebody else wrote the row since it was read: read it again and decide again."""


class Registry:
    """The registry. An asynchronous context manager.

    Methods raise the AzureFailures of `publisher.errors`. A table that does not exist is an empty registry, because
    the first write creates it; a table that cannot be read is a failure.
    """

    def __init__(self, table: TableClient, credential: AsyncTokenCredential | None, attempts: int) -> None:
        self._table = table
        self._credential = credential
        self._attempts = attempts

    @classmethod
    def open(
        cls,
        storage: Storage,
        table_name: str,
        own_identity_client_id: str | None,
        *,
        attempts: int = DEFAULT_ATTEMPTS,
    ) -> Self:
        """Return the registry in a storage account; nothing is asked of the account yet."""
        options: dict[str, Any] = {"transport": Transport(connections=32), "retry_total": 0}
        if storage.connection_string:
            table = TableClient.from_connection_string(storage.connection_string, table_name, **options)
            return cls(table, None, attempts)
        credential = own_identity_credential(storage.identity_client_id or own_identity_client_id)
        endpoint = storage.table_service_uri or ""
        return cls(TableClient(endpoint, table_name, credential=credential, **options), credential, attempts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._table.close()
        if self._credential is not None:
            await self._credential.close()

    async def applications(self, only: ApplicationId | None = None) -> AsyncIterator[ManagedApplication | MalformedRow]:
        """Yield every active application once, as the table is read; rows that cannot be collected as MalformedRow.

        With `only`, at most that application.
        """
        async for row in self._one(only) if only else self._each_once():
            if row.is_tombstone:
                continue
            try:
                yield application_of(row)
            except UnreadableRow as error:
                yield malformed(row, str(error))

    async def find(self, application_id: ApplicationId) -> Row | None:
        """Return the application's row, tombstone or not, under its own key or the older sample's."""
        own = await self._get(application_id.partition_key, application_id.row_key)
        if own is not None:
            return own
        subscription_id = application_id.subscription_id
        for partition in dict.fromkeys((subscription_id.lower(), subscription_id, subscription_id.upper())):
            async for row in self._query(_FOREIGN_KEYS, partition=partition):
                if _is_about(row, application_id):
                    return row
        return None

    async def save(self, application: ManagedApplication, replacing: Row | None) -> None:
        """Store a living application in the place of `replacing`, the row that `find` returned; raise RowChanged."""
        identity = application.application_id
        properties = properties_of(application, replacing)
        if replacing is not None:
            await self._replace(replacing, properties)
            return
        keys = {"PartitionKey": identity.partition_key, "RowKey": identity.row_key}
        try:
            await self._guarded(lambda: self._table.create_entity(properties | keys))
        except NotFound:
            await self._create_table()
            await self._guarded(lambda: self._table.create_entity(properties | keys))

    async def tombstone(self, row: Row, *, event_time: datetime | None, now: datetime) -> None:
        """Leave a tombstone in the place of a row; raise RowChanged."""
        await self._replace(row, tombstone_properties(row, event_time, now))

    async def note_lost_access(self, row: Row, *, now: datetime) -> None:
        """Record on a row, once, since when ARM refuses us the application; raise RowChanged."""
        if "access_lost_at" not in row.properties:
            await self._replace(row, {**row.properties, "access_lost_at": time_text(now)})

    async def _replace(self, row: Row, properties: Mapping[str, Any]) -> None:
        entity = {**properties, "PartitionKey": row.partition_key, "RowKey": row.row_key}
        await self._guarded(
            lambda: self._table.update_entity(
                entity, mode=UpdateMode.REPLACE, etag=row.etag, match_condition=MatchConditions.IfNotModified
            )
        )

    async def _guarded(self, write: Callable[[], Awaitable[_Answer]]) -> _Answer:
        try:
            return await self._repeated(write)
        except RequestRefused as error:
            if error.code in {"EntityAlreadyExists", "UpdateConditionNotSatisfied"} or error.status == 412:  # noqa: PLR2004
                raise RowChanged from error
            raise
        except NotFound as error:
            if error.code == "TableNotFound":
                raise
            raise RowChanged from error

    async def _create_table(self) -> None:
        try:
            await self._repeated(self._table.create_table)
        except RequestRefused as error:
            if error.code != "TableAlreadyExists":
                raise
        else:
            _LOGGER.info("the registry table %s was created", self._table.table_name)

    async def _get(self, partition_key: str, row_key: str) -> Row | None:
        try:
            return _row(await self._repeated(lambda: self._table.get_entity(partition_key, row_key)))
        except NotFound:
            return None

    async def _one(self, application_id: ApplicationId) -> AsyncIterator[Row]:
        row = await self.find(application_id)
        if row is not None:
            yield row

    async def _each_once(self) -> AsyncIterator[Row]:
        """Yield every row, but of several rows for one application only the one that `find` returns.

        Rows under foreign keys wait until their partition is through; no more than one partition's are held.
        """
        partition = ""
        known = set[ApplicationId]()
        waiting: dict[ApplicationId, Row] = {}
        async for row in self._query():
            if row.partition_key != partition:
                async for older in self._not_known(waiting, known):
                    yield older
                partition, known, waiting = row.partition_key, set(), {}
            try:
                identity = identity_of(row)
            except UnreadableRow:
                yield row
                continue
            if row.row_key.startswith(ROW_KEY_PREFIX):
                known.add(identity)
                yield row
            else:
                waiting.setdefault(identity, row)
        async for older in self._not_known(waiting, known):
            yield older

    async def _not_known(self, waiting: Mapping[ApplicationId, Row], known: set[ApplicationId]) -> AsyncIterator[Row]:
        for identity, row in waiting.items():
            if identity in known:
                continue
            if row.partition_key != identity.partition_key:  # the same application may also be where it belongs
                found = await self.find(identity)
                if found is not None and (found.partition_key, found.row_key) != (row.partition_key, row.row_key):
                    continue
            yield row

    async def _query(self, filter_: str = "", *, partition: str = "") -> AsyncIterator[Row]:
        if filter_:
            parameters = {"partition": partition, "first": ROW_KEY_PREFIX, "after": _AFTER_PREFIX}
            pages = self._table.query_entities(filter_, parameters=parameters).by_page()
        else:
            pages = self._table.list_entities().by_page()
        while True:
            try:
                page = await self._repeated(lambda: anext(pages, None))
            except NotFound as error:
                if error.code != "TableNotFound":
                    raise
                _LOGGER.warning(
                    "there is no registry table %s yet: no application is registered", self._table.table_name
                )
                return
            if page is None:
                return
            async for entity in page:
                yield _row(entity)

    async def _repeated(self, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        try:
            return await with_retries(call, deadline=time.monotonic() + _CALL_SECONDS, attempts=self._attempts)
        except AzureFailure as failure:
            failure.prefixed("registry table")
            raise


def _row(entity: TableEntity) -> Row:
    properties = {name: value for name, value in entity.items() if name not in {"PartitionKey", "RowKey"}}
    return Row(entity["PartitionKey"], entity["RowKey"], str(entity.metadata["etag"] or ""), properties)


def _is_about(row: Row, application_id: ApplicationId) -> bool:
    try:
        return identity_of(row) == application_id
    except UnreadableRow:
        return False
