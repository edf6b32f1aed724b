"""The registry of managed applications, in Table storage.

An application has one row: under its own key, or under the older public sample's key when that sample wrote it; such a
row is read, refreshed and deleted in place. The row of a deleted application stays as a tombstone, so that a late
notification does not register it again.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import ROW_KEY_PREFIX, ApplicationId
from publisher.retry import USUAL_PATIENCE, Patience
from publisher.table import EVERYTHING, KeyRange, Row, RowChanged, Table
from publisher.transport import Closing
from registry.managed_application import MalformedRow, ManagedApplication, Removal, Removed
from registry.rows import (
    UnreadableRow,
    application_of,
    identity_of,
    is_tombstone,
    malformed,
    properties_of,
    time_text,
)
from registry.tombstones import (
    is_operators,
    removal_in,
    removed_in,
    removed_properties,
    tombstone_properties,
)

if TYPE_CHECKING:
    from publisher.settings import IntakeSettings, PublicationSettings, SharedSettings

_AFTER_PREFIX: Final = chr(ord(ROW_KEY_PREFIX) + 1)
_NO_ETAG: Final = "W/\"datetime'2000-01-01T00%3A00%3A00.0000000Z'\""
_DELETED_SINCE: Final = "status eq 'deleted' and deleted_at ge @since"
_DELETED_BEFORE: Final = "status eq 'deleted' and deleted_at lt @before"
_FOREIGN_KEYS: Final = "PartitionKey eq @partition and ( RowKey lt @first or RowKey ge @after )"


class Registry(Closing):
    """The registry. An asynchronous context manager; making it asks nothing of the storage account.

    Methods raise the AzureFailures of `publisher.errors`, and RowChanged where they write. The first registration
    creates a table that does not exist; until then `applications` and `partitions` raise NotFound.
    """

    def __init__(
        self, settings: "SharedSettings | PublicationSettings | IntakeSettings", *, patience: Patience = USUAL_PATIENCE
    ) -> None:
        self._table = Table(settings.storage, settings.table_name, what="registry table", patience=patience)

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()

    async def applications(
        self, only: ApplicationId | None = None, *, within: KeyRange = EVERYTHING
    ) -> AsyncIterator[ManagedApplication | MalformedRow]:
        """Yield every active application once, while the table is read; rows that cannot be collected as MalformedRow.

        With `only`, at most that application; with `within`, those whose rows are in a range of partitions.
        """
        async for _, application in self._read(self._one(only) if only else self._each_once(within)):
            yield application

    async def active(
        self, *, within: KeyRange = EVERYTHING
    ) -> AsyncIterator[tuple[str, ManagedApplication | MalformedRow]]:
        """Yield the same as `applications`, each with the partition key of its row, in the table's order."""
        async for pair in self._read(self._each_once(within)):
            yield pair

    async def partitions(self) -> AsyncIterator[tuple[str, int]]:
        """Yield the key of every partition, in the table's order, and how many active rows it has."""
        current, count = "", 0
        async for row in self._table.rows(columns=["PartitionKey", "RowKey", "status"]):
            if row.partition_key != current:
                if count:
                    yield current, count
                current, count = row.partition_key, 0
            count += not is_tombstone(row)
        if count:
            yield current, count

    async def find(self, application_id: ApplicationId) -> Row | None:
        """Return the application's row, tombstone or not, under its own key or the older sample's."""
        own = await self._table.get(application_id.partition_key, application_id.row_key)
        if own is not None:
            return own
        subscription_id = application_id.subscription_id
        for partition in dict.fromkeys((subscription_id.lower(), subscription_id, subscription_id.upper())):
            rows = self._table.matching(_FOREIGN_KEYS, partition=partition, first=ROW_KEY_PREFIX, after=_AFTER_PREFIX)
            async for row in rows:
                if _is_about(row, application_id):
                    return row
        return None

    async def save(self, application: ManagedApplication, replacing: Row | None) -> None:
        """Store a living application in the place of `replacing`, the row that `find` returned; raise RowChanged."""
        identity = application.application_id
        properties = properties_of(application, replacing)
        if replacing is None:
            await self._table.insert(identity.partition_key, identity.row_key, properties)
        else:
            await self._table.replace(replacing, properties)

    async def removal_of(self, application_id: ApplicationId) -> Removal | None:
        """Return how an application was taken out of the registry; None when it is there, or never was."""
        row = await self.find(application_id)
        return None if row is None else removal_in(row)

    async def remove(
        self, application_id: ApplicationId, row: Row | None, removal: Removal, *, event_time: datetime | None = None
    ) -> None:
        """Leave a tombstone in the place of `row`, the row that `find` returned; raise RowChanged."""
        if row is None:
            properties = removed_properties(application_id, removal)
            await self._table.insert(application_id.partition_key, application_id.row_key, properties)
        else:
            await self._table.replace(row, tombstone_properties(row, event_time, removal))

    async def deleted(self, *, since: datetime) -> AsyncIterator[ApplicationId]:
        """Yield the applications whose tombstone was written since then, except those that an operator removed."""
        async for row in self._table.matching(_DELETED_SINCE, since=time_text(since)):
            if is_tombstone(row) and not is_operators(row):
                with suppress(UnreadableRow):
                    yield identity_of(row)

    async def erase_tombstones(self, *, before: datetime) -> int:
        """Erase the tombstones that were written before, where Azure confirmed the deletion; return how many.

        One that an operator made stays, because it keeps the application out; and so does an unconfirmed one.
        """
        erased = 0
        async for row in self._table.matching(_DELETED_BEFORE, before=time_text(before)):
            removal = removal_in(row)
            if removal is None or not removal.confirmed or is_operators(row):
                continue
            with suppress(RowChanged):
                await self._table.delete_unchanged(row)
                erased += 1
        return erased

    async def known(self) -> AsyncIterator[ManagedApplication | MalformedRow | Removed]:
        """Yield every application that has a row once, removed ones included; rows that cannot be read as MalformedRow.

        A tombstone that names no application is left out.
        """
        async for row in self._each_once(EVERYTHING):
            if is_tombstone(row):
                if (removed := removed_in(row)) is not None:
                    yield removed
            else:
                yield _active(row)

    async def note_lost_access(self, row: Row, *, now: datetime) -> None:
        """Record on a row, once, since when ARM denies us the application; raise RowChanged."""
        if "access_lost_at" not in row.properties:
            await self._table.replace(row, {**row.properties, "access_lost_at": time_text(now)})

    async def name_customer(self, row: Row, name: str) -> None:
        """Store what the operator calls the customer, "" for no name; a refresh keeps it. Raise RowChanged."""
        properties = {key: value for key, value in row.properties.items() if key != "customer_name"}
        await self._table.replace(row, properties | ({"customer_name": name} if name else {}))

    async def check_writable(self) -> None:
        """Raise the AzureFailure that a write would raise. Writes nothing: the row to replace does not exist."""
        nobody = Row("doctor", f"{ROW_KEY_PREFIX}doctor", _NO_ETAG, {})
        with suppress(RowChanged):
            await self._table.replace(nobody, {})

    @staticmethod
    async def _read(rows: AsyncIterator[Row]) -> AsyncIterator[tuple[str, ManagedApplication | MalformedRow]]:
        async for row in rows:
            if is_tombstone(row):
                continue
            yield row.partition_key, _active(row)

    async def _one(self, application_id: ApplicationId) -> AsyncIterator[Row]:
        row = await self.find(application_id)
        if row is not None:
            yield row

    async def _each_once(self, within: KeyRange) -> AsyncIterator[Row]:
        """Yield every row; when an application has several, only the one that `find` returns.

        Rows under the older sample's keys are held until their partition has been read.
        """
        partition = ""
        known = set[str]()
        waiting: dict[ApplicationId, Row] = {}
        async for row in self._table.rows(within):
            if row.partition_key != partition:
                async for older in self._not_known(waiting, known):
                    yield older
                partition, known, waiting = row.partition_key, set(), {}
            if row.row_key.startswith(ROW_KEY_PREFIX):
                known.add(row.row_key)
                yield row
                continue
            try:
                waiting.setdefault(identity_of(row), row)
            except UnreadableRow:
                yield row
        async for older in self._not_known(waiting, known):
            yield older

    async def _not_known(self, waiting: Mapping[ApplicationId, Row], known: set[str]) -> AsyncIterator[Row]:
        """Yield the rows whose application has no row under its own key; `known` has the row keys of those."""
        for identity, row in waiting.items():
            if row.partition_key == identity.partition_key and identity.row_key in known:
                continue
            if row.partition_key != identity.partition_key:  # the same application may also be where it belongs
                found = await self.find(identity)
                if found is not None and (found.partition_key, found.row_key) != (row.partition_key, row.row_key):
                    continue
            yield row


def _active(row: Row) -> ManagedApplication | MalformedRow:
    try:
        return application_of(row)
    except UnreadableRow as error:
        return malformed(row, str(error))


def _is_about(row: Row, application_id: ApplicationId) -> bool:
    try:
        return identity_of(row) == application_id
    except UnreadableRow:
        return False
