"""Table storage as far as this program needs it: get, list, insert, replace and delete rows, guarded by ETags."""

import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.core.rest import AsyncHttpResponse
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient

from publisher.configuration.resource_settings import Storage
from publisher.errors.kinds import MalformedAnswer, NotFound, RequestRefused, TransientFailure
from publisher.lenient_json import NotJson, json_of
from publisher.retry import USUAL_PATIENCE, Patience
from publisher.storage import StorageClient, malformed

_LOGGER = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
_WHOLE_ROWS_IN_A_PAGE: Final = 200
TABLE_MISSING: Final = "TableNotFound"
"""The code of a failure that says that there is no such table."""

_KEYS: Final = ("PartitionKey", "RowKey")
_ETAG: Final = "odata.etag"
_UNSENDABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ufffd]")
_LOST_RACES: Final = frozenset({"EntityAlreadyExists", "UpdateConditionNotSatisfied"})


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The partitions from `first` on and before `before`; by default all of them."""

    first: str = ""
    before: str | None = None


EVERYTHING: Final = KeyRange()


@dataclass(frozen=True, slots=True)
class Row:
    """A stored row with its ETag, which `replace` compares. `properties` is without the two keys.

    `written_at` is when storage took it, None where nobody asked for that.
    """

    partition_key: str
    row_key: str
    etag: str
    properties: Mapping[str, Any]
    written_at: datetime | None = field(default=None, compare=False)


class RowChanged(Exception):  # noqa: N818 - named for what happened
    """Somebody else wrote the row since it was read: read it again and decide again."""


class Table(StorageClient[TableClient]):
    """One table; `what` is what failures call it. Methods raise the AzureFailures of `publisher.errors`.

    The first insert creates a table that does not exist. Until then `get` and `matching` find nothing, and `rows`
    raises NotFound.
    """

    def __init__(self, storage: Storage, name: str, *, what: str, patience: Patience = USUAL_PATIENCE) -> None:
        super().__init__(TableClient, storage, storage.table_service_uri, name, patience=patience, what=what)

    @property
    def name(self) -> str:
        """Its name in the account."""
        return self._client.table_name

    async def get(self, partition_key: str, row_key: str) -> Row | None:
        """Return the row with these keys, or None."""

        async def attempt() -> Row:
            row = _row(await self._client.get_entity(partition_key, row_key))
            if (row.partition_key, row.row_key) != (partition_key, row_key):
                raise malformed("the answer is another row than the one asked for")
            return row

        try:
            return await self._repeated(attempt)
        except NotFound:
            return None

    async def rows(
        self, within: KeyRange = EVERYTHING, *, columns: list[str] | None = None, page_size: int | None = None
    ) -> AsyncIterator[Row]:
        """Yield every row, page by page; raise NotFound when there is no table: a misspelt name is not an empty table.

        `columns` are those to ask for, the keys among them; all by default. `page_size` is how many rows a page has.
        """
        # Whole rows come in smaller pages than Azure's thousand: the SDK needs ten megabytes for such a page.
        size = page_size or (None if columns else _WHOLE_ROWS_IN_A_PAGE)
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
            if error.code != TABLE_MISSING:
                raise
            raise NotFound(
                f"there is no {self._what} {self._client.table_name}: check TABLE_NAME; "
                "the deployment creates the table, or else the first notification. One that was deleted is restored by "
                "`python -m operations restore`",
                code=error.code,
                status=error.status,
            ) from error

    async def matching(self, query: str, *, columns: list[str] | None = None, **parameters: str) -> AsyncIterator[Row]:
        """Yield the rows that match an OData query, in which `@name` stands for the parameter `name`.

        `columns` are those to ask for, the keys among them; all by default.
        """
        pages = self._client.query_entities(query, parameters=parameters, select=columns).by_page()
        try:
            async for row in self._pages(pages):
                yield row
        except NotFound as error:
            if error.code != TABLE_MISSING:
                raise

    async def insert(self, partition_key: str, row_key: str, properties: Mapping[str, Any]) -> Row:
        """Store a new row and return it; raise RowChanged when there is one with these keys."""
        entity = {**properties, "PartitionKey": partition_key, "RowKey": row_key}
        try:
            answer = await self._guarded(lambda: self._client.create_entity(entity))
        except NotFound as error:
            if error.code != TABLE_MISSING:
                raise
            await self.create()
            try:
                answer = await self._guarded(lambda: self._client.create_entity(entity))
            except NotFound as again:
                raise TransientFailure(str(again), code=again.code, status=again.status) from again
        return Row(partition_key, row_key, _etag(answer), properties)

    async def replace(self, row: Row, properties: Mapping[str, Any]) -> Row:
        """Give a row other properties and return it; raise RowChanged when it was changed or deleted meanwhile."""
        entity = {**properties, "PartitionKey": row.partition_key, "RowKey": row.row_key}
        condition = _unchanged(row)
        try:
            answer = await self._guarded(
                lambda: self._client.update_entity(entity, mode=UpdateMode.REPLACE, **condition)
            )
        except NotFound as error:
            raise RowChanged from error
        return Row(row.partition_key, row.row_key, _etag(answer), properties)

    async def delete(self, row: Row) -> None:
        """Delete a row that may be gone already, also when it was changed since it was read."""
        await self._delete(row)

    async def delete_unchanged(self, row: Row) -> None:
        """Delete a row that may be gone already; raise RowChanged when it was changed since it was read."""
        await self._delete(row, **_unchanged(row))

    async def _delete(self, row: Row, **condition: Any) -> None:
        with contextlib.suppress(NotFound):
            await self._guarded(lambda: self._client.delete_entity(row.partition_key, row.row_key, **condition))

    async def _guarded(self, write: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Return what a write under an ETag returns; raise RowChanged when the ETag is out of date."""
        try:
            return await self._repeated(write)
        except RequestRefused as error:
            if error.code in _LOST_RACES:
                raise RowChanged from error
            raise

    async def create(self) -> None:
        """Create the table, unless it exists; one that is being deleted raises RequestRefused (TableBeingDeleted)."""
        try:
            await self._repeated(self._client.create_table)
        except RequestRefused as error:
            if error.code != "TableAlreadyExists":
                raise
        else:
            _LOGGER.info("the %s %s was created", self._what, self._client.table_name)

    async def _pages(self, pages: AsyncIterator[AsyncIterator[TableEntity]]) -> AsyncIterator[Row]:
        """Yield the rows of all pages, each read with retries; raise MalformedAnswer when a page comes twice."""
        seen = set[str]()
        while (page := await self._repeated(lambda: anext(pages, None))) is not None:
            continuation = repr(getattr(pages, "continuation_token", None))  # AsyncPageIterator's, see azure-core
            if continuation in seen:
                raise MalformedAnswer(f"{self._what}: the next page is one already read", code="RepeatedContinuation")
            seen.add(continuation)
            async for entity in page:
                yield _row(entity)

    def _check(self, answer: AsyncHttpResponse) -> None:
        """Raise MalformedAnswer for an answer to a read that is no row, or no list of rows, with their keys."""
        if answer.request.method != "GET":
            return
        try:
            content = json_of(answer.content)
        except NotJson:
            raise malformed("the answer is not JSON", answer) from None
        is_query = urlsplit(answer.request.url).path.endswith("()")
        rows = content.get("value") if is_query and isinstance(content, dict) else [content]
        if not isinstance(rows, list):
            raise malformed("the answer has no list of rows", answer)
        if not all(isinstance(row, dict) and all(_is_key(row.get(key)) for key in _KEYS) for row in rows):
            raise malformed("the answer has a row without its keys", answer)
        if any(isinstance(value, dict | list) for row in rows for value in row.values()):
            raise malformed("the answer has a row with a value that no table stores", answer)
        if not all(_is_key(row.get(_ETAG) or "") for row in rows) or not _is_key(answer.headers.get("ETag") or ""):
            raise malformed("the answer has a row whose ETag cannot be sent", answer)


def _is_key(value: object) -> bool:
    """Tell whether a value is text that can be sent again: whole characters, none of them a control character."""
    return isinstance(value, str) and not _UNSENDABLE.search(value)


def _unchanged(row: Row) -> dict[str, Any]:
    """Return what the SDK needs to compare a row's ETag; raise RowChanged for one whose ETag nobody told us."""
    if not row.etag:
        raise RowChanged
    return {"etag": row.etag, "match_condition": MatchConditions.IfNotModified}


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer.get("etag") or "")


def _row(entity: TableEntity) -> Row:
    properties = {name: value for name, value in entity.items() if name not in _KEYS}
    etag, written_at = str(entity.metadata["etag"] or ""), entity.metadata["timestamp"]
    return Row(entity["PartitionKey"], entity["RowKey"], etag, properties, written_at)
