"""Writes the rows of an export that are missing, and on demand those that differ, each under its ETag."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from operations.report import Refused
from operations.restore.comparison import digest_of, lacks_name_of
from publisher.errors.kinds import AzureFailure
from publisher.table import Row, RowChanged
from verdicts.exports.export import is_record_of_run
from verdicts.exports.manifest import LEDGER
from verdicts.exports.store import rows_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.restore.comparison import Comparison
    from publisher.table import Table

_AT_ONCE: Final = 16
_BEING_DELETED: Final = "TableBeingDeleted"
_FIRST_WAIT_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 10.0
_WAITS: Final = 35
"""Over five minutes; the Table service needs about 40 seconds to delete a table, and longer for a large one."""


@dataclass(slots=True)
class Written:
    """What was done to one table. `named` got nothing but the customer's name back.

    `changed_meanwhile` were written by others since the comparison, and left alone.
    """

    added: int = 0
    overwritten: int = 0
    named: int = 0
    changed_meanwhile: int = 0

    @property
    def document(self) -> dict[str, Any]:
        """The same in JSON."""
        return {
            "added": self.added,
            "overwritten": self.overwritten,
            "named": self.named,
            "changed_meanwhile": self.changed_meanwhile,
        }


async def write(
    compared: Comparison, written: Written, *, overwrite: bool, say: Callable[[str], None], warn: Callable[[str], None]
) -> None:
    """Write what is missing, names too, or, with `overwrite`, differs; count it in `written`, also when it breaks off.

    The ledger's record of the latest run goes last: until it is there, no collection takes the ledger for whole.

    Raises:
        AzureFailure: a row could not be written. What was written stays, and the command can be run again.
        Refused: the table was being deleted for longer than anybody waits.
    """
    if not compared.missing and not (compared.differing if overwrite else compared.nameless):
        return
    await _make_table(compared.table, warn)
    last: Row | None = None
    rows = rows_in(compared.file, compared.kind)
    while batch := list(islice(rows, _AT_ONCE)):
        record = next((row for row in batch if compared.kind == LEDGER and is_record_of_run(row)), None)
        last = record or last
        await _write_all([row for row in batch if row is not record], compared, written, overwrite=overwrite)
        done = written.added + written.overwritten + written.named
        say(f"writing table {compared.table.name}: {done} rows")
    if last is not None:
        await _write_all([last], compared, written, overwrite=overwrite)


async def _write_all(rows: list[Row], compared: Comparison, written: Written, *, overwrite: bool) -> None:
    outcomes = await asyncio.gather(
        *(_write_one(row, compared, written, overwrite=overwrite) for row in rows), return_exceptions=True
    )
    # Only once all of them have ended: what is counted is then what was done.
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


async def _write_one(row: Row, compared: Comparison, written: Written, *, overwrite: bool) -> None:
    before = compared.standing.get((row.partition_key, row.row_key))
    try:
        if before is None:
            await compared.table.insert(row.partition_key, row.row_key, row.properties)
            written.added += 1
        elif overwrite and before.digest != digest_of(row):
            standing = Row(row.partition_key, row.row_key, before.etag, {})
            await compared.table.replace(standing, row.properties)
            written.overwritten += 1
        elif before.digest != digest_of(row) and lacks_name_of(before, row):
            there = await compared.table.get(row.partition_key, row.row_key)
            if there is None or there.etag != before.etag:
                written.changed_meanwhile += 1
                return
            name = row.properties["customer_name"]
            await compared.table.replace(there, {**there.properties, "customer_name": name})
            written.named += 1
    except RowChanged:
        written.changed_meanwhile += 1


async def _make_table(table: Table, warn: Callable[[str], None]) -> None:
    """Make the table unless it exists, and wait while one of this name is being deleted."""
    wait = _FIRST_WAIT_SECONDS
    for number in range(_WAITS):
        try:
            await table.create()
        except AzureFailure as failure:
            if failure.code != _BEING_DELETED:
                raise
            if number == 0:
                warn(f"Azure is still deleting the old table {table.name}, which takes a minute: waiting for that ...")
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
        else:
            return
    raise Refused(f"Azure is still deleting the old table {table.name}: run the command again later")
