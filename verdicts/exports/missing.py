"""Which rows of the latest export are gone: a newcomer's row does not stand for one that was lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from publisher.texts import moment_in
from registry.rows import UnreadableRow, identity_of, is_tombstone, registered_at_of
from verdicts.exports.loss import rows_lost
from verdicts.exports.manifest import LEDGER, REGISTRY
from verdicts.exports.remembered import is_remembered, key_of
from verdicts.exports.store import rows_in
from verdicts.stored.control_rows import CONTROL_PARTITION, control_of

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.table import Row
    from verdicts.exports.manifest import Manifest
    from verdicts.exports.store import ExportStore


@dataclass(slots=True)
class Keys:
    """The keys of a table's rows, and of the applications that its active rows are about; a number for each."""

    rows: set[int] = field(default_factory=set)
    active: dict[int, datetime | None] = field(default_factory=dict)
    """Of the registry, by the application's own keys: when it was registered anew after a confirmed removal."""

    def note(self, row: Row, *, is_registry: bool) -> None:
        """Note one row."""
        self.rows.add(key_of(row.partition_key, row.row_key))
        if is_registry and not is_tombstone(row):
            try:
                identity = identity_of(row)
                registered_at = registered_at_of(row)
            except UnreadableRow:
                return
            self.active[key_of(identity.partition_key, identity.row_key)] = registered_at


async def check_rows(exports: ExportStore, before: Manifest, registry: Keys, ledger: Keys) -> None:
    """Raise RowsLost when a row of the export is gone that does not go by itself.

    An application's row of the registry becomes a tombstone, and goes three months later. The ledger forgets whoever
    has left; so what it lacks was lost when the registry has the application, unless that was deployed anew since. A
    declared baseline is replaced by another one, and never ends.

    Raises:
        RowsLost: the message names the first such row.
        UnusableExport: the export cannot be compared with.
        AzureFailure: it cannot be read.
    """
    with (
        await exports.fetched_table(before, REGISTRY) as registered,
        await exports.fetched_table(before, LEDGER) as remembered,
    ):
        lost = await asyncio.to_thread(_gone_from_registry, registered, registry)
        _raise_for(lost, "registry", before)
        lost = await asyncio.to_thread(_gone_from_ledger, remembered, registry, ledger, moment_in(before.ended_at))
        _raise_for(lost, "ledger", before)


def _raise_for(lost: list[str], what: str, before: Manifest) -> None:
    if lost:
        raise rows_lost(what, f"{len(lost)} rows fewer of those, the first of them {lost[0][:300]}", before)


def _gone_from_registry(file: IO[bytes], registry: Keys) -> list[str]:
    return [
        f"{row.partition_key}/{row.row_key}"
        for row in rows_in(file, REGISTRY)
        if key_of(row.partition_key, row.row_key) not in registry.rows and not is_tombstone(row)
    ]


def _gone_from_ledger(file: IO[bytes], registry: Keys, ledger: Keys, made_at: datetime | None) -> list[str]:
    lost = []
    for row in rows_in(file, LEDGER):
        key = key_of(row.partition_key, row.row_key)
        if key in ledger.rows:
            continue
        if row.partition_key == CONTROL_PARTITION:
            if control_of([row]).declared:
                lost.append(f"{row.partition_key}/{row.row_key}")
            continue
        if key not in registry.active:
            continue
        registered_at = registry.active[key]
        is_newer = registered_at is not None and made_at is not None and registered_at > made_at
        if not is_newer and is_remembered(row):
            lost.append(f"{row.partition_key}/{row.row_key}")
    return lost
