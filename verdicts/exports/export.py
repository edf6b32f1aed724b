"""Copies every row of registry, ledger and what waits into Blob storage, once a day.

It is a copy of rows, not of a moment: they are read one after the other while others may write them. Each row is whole
and as it was when it was read. `collectionruns` is not copied: it holds the shards of runs under way.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from publisher.errors.kinds import NotFound
from publisher.retry import USUAL_PATIENCE, Patience
from publisher.table import TABLE_MISSING, Row, Table
from publisher.texts import iso_milliseconds
from registry.notifications.pending_table import PENDING_TABLE
from registry.rows import is_tombstone
from verdicts.exports.lines import line_of
from verdicts.exports.loss import check_ledger, check_registry
from verdicts.exports.manifest import KINDS, LEDGER, REGISTRY, SCHEMA, ExportedTable, Manifest
from verdicts.exports.missing import Keys, check_rows
from verdicts.ledger import LEDGER_TABLE
from verdicts.stored.control_rows import CONTROL_PARTITION, LATEST_RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from publisher.configuration.resource_settings import Storage
    from verdicts.exports.store import ExportStore

_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class _Copy:
    """The lines of one table in a temporary file, and what the manifest says of them."""

    file: IO[bytes]
    said: ExportedTable
    has_record: bool
    keys: Keys


def tables_of(storage: Storage, registry_table: str, *, patience: Patience = USUAL_PATIENCE) -> dict[str, Table]:
    """Return the tables that are exported, by kind; making them asks nothing of the account. The caller closes them."""
    names = (registry_table, PENDING_TABLE, LEDGER_TABLE)
    return {
        kind: Table(storage, name, what=f"table {name}", patience=patience)
        for kind, name in zip(KINDS, names, strict=True)
    }


def is_record_of_run(row: Row) -> bool:
    """Tell whether a row of the ledger's table is its record of the latest run."""
    return (row.partition_key, row.row_key) == (CONTROL_PARTITION, LATEST_RUN)


async def export(
    exports: ExportStore,
    storage: Storage,
    registry_table: str,
    *,
    name: str,
    version: str,
    clock: Callable[[], datetime],
    takes_loss: bool = False,
    patience: Patience = USUAL_PATIENCE,
) -> Manifest:
    """Export every table under a name, and return the manifest, which is stored last.

    `takes_loss`: also when rows were lost since the latest export, which is then no longer what is compared with.

    Raises:
        RowsLost: rows were lost since the latest export. Nothing is stored: a copy of what is left is no copy.
        UnusableExport: the latest export cannot be compared with; a person has to look at it.
        UnexportableRow: a row has a value that could not be restored.
        AzureFailure: something could not be read or stored; the export is then none.
    """
    before = None if takes_loss else await exports.latest()
    began = clock()
    async with AsyncExitStack() as stack:
        tables = tables_of(storage, registry_table, patience=patience)
        for table in tables.values():
            stack.push_async_exit(table)
        copies = {kind: await _copied(kind, table, stack) for kind, table in tables.items()}
        if before is not None:
            check_registry(before, copies[REGISTRY].said.rows)
            check_ledger(before, copies[LEDGER].said.living, has_record=copies[LEDGER].has_record)
            await check_rows(exports, before, copies[REGISTRY].keys, copies[LEDGER].keys)
        for kind, copy in copies.items():
            copy.file.seek(0)
            await exports.write_table(name, kind, copy.file)
        manifest = Manifest(SCHEMA, name, version, iso_milliseconds(began), iso_milliseconds(clock()), _said(copies))
        await exports.write_manifest(manifest)
    return manifest


def _said(copies: Mapping[str, _Copy]) -> dict[str, ExportedTable]:
    return {kind: copy.said for kind, copy in copies.items()}


async def _copied(kind: str, table: Table, stack: AsyncExitStack) -> _Copy:
    """Write a table's rows into a temporary file, page by page; a table that does not exist has none."""
    file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack is its context
    rows = living = 0
    has_record, keys = False, Keys()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:
        try:
            async for row in table.rows():
                packed.write(line_of(row))
                rows += 1
                keys.note(row, is_registry=kind == REGISTRY)
                is_record = kind == LEDGER and is_record_of_run(row)
                has_record = has_record or is_record
                living += not (is_record or (kind == REGISTRY and is_tombstone(row)))
        except NotFound as error:
            if error.code != TABLE_MISSING:
                raise
    said = ExportedTable(table.name, rows, living, file.tell(), _sha256(file))
    return _Copy(file, said, has_record, keys)


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(1024 * 1024):
        digest.update(piece)
    return digest.hexdigest()
