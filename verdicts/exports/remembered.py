"""Whether the ledger's row of an application was lost: the ledger has none, and the latest export has one.

What is not remembered is judged as if for the first time: its baseline would be learned from what somebody weakened
meanwhile, and what was open would end. So a row that was lost is told, and not taken for an application that is new.
"""

from __future__ import annotations

import asyncio
from typing import IO, TYPE_CHECKING, Final

from publisher.errors.kinds import AzureFailure
from publisher.retry import USUAL_PATIENCE, Patience
from publisher.table import EVERYTHING, KeyRange, Row
from publisher.texts import moment_in
from registry.managed_application import ManagedApplication
from verdicts.exports.manifest import LEDGER, UnusableExport
from verdicts.ledger import UnreadableEntry
from verdicts.outcome import Outcome
from verdicts.stored.application_rows import UnreadableFacts, facts_of
from verdicts.stored.control_rows import CONTROL_PARTITION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from publisher.configuration.resource_settings import Storage
    from registry.managed_application import MalformedRow
    from verdicts.joined import Pair

_LOST: Final = (
    "it is gone, and the latest export has it: `python -m operations restore --table verdicts` brings it back "
    "(docs/operations.md, Restore registry and ledger)"
)


class LostRows:
    """The ledger's rows in the latest export, which is read for the first application that the ledger does not know.

    Args:
        storage: where the exports are.
        within: the partitions that are asked about.
        patience: with the storage account.
    """

    def __init__(self, storage: Storage, *, within: KeyRange = EVERYTHING, patience: Patience = USUAL_PATIENCE) -> None:
        self._storage = storage
        self._within = within
        self._patience = patience
        self._known: frozenset[int] | None = None
        self._made_at: datetime | None = None
        self._problem = ""

    async def entry_of(self, application: ManagedApplication | MalformedRow) -> UnreadableEntry | None:
        """Return an entry without a row for an application whose row was lost, or may have been; None for a new one.

        Call it for one that the ledger has no row of. Raises nothing: what cannot be read is the reason in the entry.
        """
        identity = application.application_id
        if identity is None:
            return None
        if self._known is None:
            self._known = await self._read()
        keys = identity.partition_key, identity.row_key
        if self._problem:
            reason = f"there is none, and whether it was lost cannot be told from the exports: {self._problem}"
        elif key_of(*keys) in self._known and not self._is_newer(application):
            reason = _LOST
        else:
            return None
        return UnreadableEntry(Row(*keys, "", {}), str(identity), reason)

    async def noted(self, pairs: AsyncIterator[Pair]) -> AsyncIterator[Pair]:
        """Yield the pairs, those whose ledger row was lost with the entry that says so."""
        async for pair in pairs:
            if pair.application is not None and pair.entry is None:
                yield pair._replace(entry=await self.entry_of(pair.application))
            else:
                yield pair

    def _is_newer(self, application: ManagedApplication | MalformedRow) -> bool:
        """Tell whether the application was deployed anew since the export, after a removal that Azure confirmed."""
        registered_at = application.registered_at if isinstance(application, ManagedApplication) else None
        return registered_at is not None and self._made_at is not None and registered_at > self._made_at

    async def _read(self) -> frozenset[int]:
        if not self._storage.has_blobs:
            return frozenset()
        from verdicts.exports.store import ExportStore  # noqa: PLC0415 - the SDK's client takes its time

        try:
            async with ExportStore(self._storage, patience=self._patience) as exports:
                manifest = await exports.latest()
                if manifest is None:
                    return frozenset()
                self._made_at = moment_in(manifest.ended_at)
                with await exports.fetched_table(manifest, LEDGER) as file:
                    return await asyncio.to_thread(_keys_in, file, self._within)
        except AzureFailure as failure:
            self._problem = failure.code
        except UnusableExport as error:
            self._problem = str(error)
        return frozenset()


def key_of(partition_key: str, row_key: str) -> int:
    """Return a number that stands for a row's keys within this process."""
    return hash((partition_key, row_key))


def is_remembered(row: Row) -> bool:
    """Tell whether a row of the ledger is an application's that has not left: the others go by themselves."""
    if row.partition_key == CONTROL_PARTITION:
        return False
    try:
        departure = facts_of(row.properties).departure
    except UnreadableFacts:
        return True
    return departure is None or departure.outcome is not Outcome.LEFT


def _keys_in(file: IO[bytes], within: KeyRange) -> frozenset[int]:
    from verdicts.exports.store import rows_in  # noqa: PLC0415 - as above

    return frozenset(
        key_of(row.partition_key, row.row_key)
        for row in rows_in(file, LEDGER)
        if within.first <= row.partition_key
        and (within.before is None or row.partition_key < within.before)
        and is_remembered(row)
    )
