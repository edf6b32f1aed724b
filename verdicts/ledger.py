"""The ledger in Table storage: one row for each application, under its keys in the registry, and the control rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from publisher.errors.kinds import NotFound, RequestRefused
from publisher.resource_ids import ApplicationId, InvalidResourceId
from publisher.retry import USUAL_PATIENCE, Patience
from publisher.table import EVERYTHING, TABLE_MISSING, KeyRange, Row, RowChanged, Table
from publisher.transport import Closing
from verdicts.stored.application_rows import UnreadableFacts, UnstorableFacts, facts_of, stored
from verdicts.stored.control_rows import (
    CONTROL_PARTITION,
    LATEST_RUN,
    control_of,
    declared_key,
    declared_properties,
    plan_settings_key,
    plan_settings_properties,
    run_properties,
    snooze_key,
    snooze_properties,
    started_at_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from typing import Any

    from publisher.settings import PublicationSettings, SharedSettings
    from verdicts.control import Control, RunRecord, Snooze, UnreadableControl
    from verdicts.facts import ApplicationFacts
    from verdicts.guard.declared import Declared
    from verdicts.plan_settings import PlanSettings

LEDGER_TABLE: Final = "verdicts"
ROWS_IN_A_PAGE: Final = 1000
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger, and the facts in it."""

    row: Row
    facts: ApplicationFacts


@dataclass(frozen=True, slots=True)
class UnreadableEntry:
    """A row of the ledger that cannot be read, or was lost: its application as far as it is known, and why."""

    row: Row
    application_id: str
    reason: str

    @property
    def is_missing(self) -> bool:
        """Whether there is no such row, although there was one: it was lost, or nobody can tell."""
        return not self.row.etag


class Ledger(Closing):
    """The ledger. An asynchronous context manager; making it asks nothing of the storage account.

    Methods raise the AzureFailures of `publisher.errors`, and RowChanged where they write. A table that does not exist
    is an empty ledger; the first write creates it.
    """

    def __init__(self, settings: SharedSettings | PublicationSettings, *, patience: Patience = USUAL_PATIENCE) -> None:
        self._table = Table(settings.storage, LEDGER_TABLE, what="ledger table", patience=patience)

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()

    async def control(self) -> Control:
        """Return the control rows, with one query; those that cannot be read are named."""
        rows = [row async for row in self._table.matching("PartitionKey eq @partition", partition=CONTROL_PARTITION)]
        return control_of(rows)

    async def entries(self, within: KeyRange = EVERYTHING) -> AsyncIterator[Entry | UnreadableEntry]:
        """Yield every application's row in a range of partitions, in the table's order."""
        before = CONTROL_PARTITION if within.before is None else min(within.before, CONTROL_PARTITION)
        try:
            async for row in self._table.rows(KeyRange(within.first, before), page_size=ROWS_IN_A_PAGE):
                yield _entry(row)
        except NotFound as error:
            if error.code != TABLE_MISSING:
                raise

    async def count(self) -> int:
        """Return how many rows there are, besides the record of the latest run."""
        rows = self._table.matching("PartitionKey ge @first", columns=["PartitionKey", "RowKey"], first="")
        return sum([(row.partition_key, row.row_key) != (CONTROL_PARTITION, LATEST_RUN) async for row in rows])

    async def find(self, application_id: ApplicationId) -> Entry | UnreadableEntry | None:
        """Return the row of one application, None when there is none."""
        return await self.at(application_id.partition_key, application_id.row_key)

    async def at(self, partition_key: str, row_key: str) -> Entry | UnreadableEntry | None:
        """Return the row with these keys, which need not be an application's; None when there is none."""
        row = await self._table.get(partition_key, row_key)
        return None if row is None else _entry(row)

    async def write(self, facts: ApplicationFacts, *, replacing: Entry | UnreadableEntry | None) -> Entry:
        """Store facts in the place of a row, or as a new one, and return what then stands.

        Raises:
            RowChanged: somebody else wrote the row since it was read, or made one where none was.
            RequestRefused: the facts cannot be stored in a form that could be read again.
        """
        try:
            # What rows are rendered from is what the table holds, with fewer open keys perhaps.
            properties, held = stored(facts)
        except UnstorableFacts as error:
            raise RequestRefused(f"ledger table: {error}", code="UnstorableFacts") from error
        identity = ApplicationId.parse(facts.application_id)
        if replacing is None:
            row = await self._table.insert(identity.partition_key, identity.row_key, properties)
        else:
            row = await self._table.replace(replacing.row, properties)
        return Entry(row, held)

    async def forget(self, entry: Entry | UnreadableEntry | UnreadableControl) -> None:
        """Delete a row; raise RowChanged when somebody wrote it since it was read."""
        await self._table.delete_unchanged(entry.row)

    async def note_run(self, record: RunRecord) -> None:
        """Remember the latest completed run; an older one changes nothing."""
        for _ in range(_TRIES):
            row = await self._table.get(CONTROL_PARTITION, LATEST_RUN)
            if row is not None and (known := started_at_of(row)) is not None and known >= record.started_at:
                return
            if await self._put(row, LATEST_RUN, run_properties(record)):
                return
        raise RowChanged

    async def declare(self, declared: Declared) -> None:
        """Store the declared baseline of a plan version, in the place of an earlier one."""
        await self._set(declared_key(declared.plan), declared_properties(declared))

    async def snooze(self, snooze: Snooze) -> None:
        """Store a snooze, in the place of an earlier one of the same plan version."""
        await self._set(snooze_key(snooze.plan_name, snooze.plan_version), snooze_properties(snooze))

    async def end_snooze(self, plan_name: str, plan_version: str) -> bool:
        """End the snooze of a plan version; return whether there was one."""
        return await self._end(snooze_key(plan_name, plan_version))

    async def settle(self, settings: PlanSettings) -> None:
        """Store the settings of a plan, in the place of earlier ones."""
        await self._set(plan_settings_key(settings.plan_name), plan_settings_properties(settings))

    async def end_settings(self, plan_name: str) -> bool:
        """Forget the settings of a plan; return whether there were any."""
        return await self._end(plan_settings_key(plan_name))

    async def _end(self, row_key: str) -> bool:
        row = await self._table.get(CONTROL_PARTITION, row_key)
        if row is not None:
            await self._table.delete(row)
        return row is not None

    async def _set(self, row_key: str, properties: Mapping[str, Any]) -> None:
        for _ in range(_TRIES):
            if await self._put(await self._table.get(CONTROL_PARTITION, row_key), row_key, properties):
                return
        raise RowChanged

    async def _put(self, row: Row | None, row_key: str, properties: Mapping[str, Any]) -> bool:
        """Write a control row; return False when somebody else wrote it meanwhile."""
        try:
            if row is None:
                await self._table.insert(CONTROL_PARTITION, row_key, properties)
            else:
                await self._table.replace(row, properties)
        except RowChanged:
            return False
        return True


def _entry(row: Row) -> Entry | UnreadableEntry:
    try:
        facts = facts_of(row.properties)
    except UnreadableFacts as error:
        return UnreadableEntry(row, _best_known_id(row), str(error)[:300])
    if not _has_keys_of(row, facts.application_id):
        reason = f"its facts are about another application than its keys: {facts.application_id[:200]}"
        return UnreadableEntry(row, _best_known_id(row), reason)
    return Entry(row, facts)


def _best_known_id(row: Row) -> str:
    """Return the id in a row when it fits the keys, else the id that the keys say, else the keys."""
    named = row.properties.get("application_id")
    if isinstance(named, str) and _has_keys_of(row, named):
        return named
    try:
        return str(ApplicationId.of_keys(row.partition_key, row.row_key))
    except InvalidResourceId:
        return f"{row.partition_key}/{row.row_key}"[:300]


def _has_keys_of(row: Row, application_id: str) -> bool:
    try:
        identity = ApplicationId.parse(application_id)
    except InvalidResourceId:
        return False
    return (row.partition_key, row.row_key) == (identity.partition_key, identity.row_key)
