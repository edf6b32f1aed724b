"""What restoring a table would do: each row of the export against the row that stands now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from publisher.errors.kinds import AzureFailure
from publisher.table import TABLE_MISSING
from registry.rows import customer_name_of, is_tombstone
from verdicts.exports.lines import UnexportableRow, values_of
from verdicts.exports.manifest import REGISTRY
from verdicts.exports.store import rows_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from publisher.table import Row, Table

NO_TABLE: Final = frozenset({TABLE_MISSING, "TableBeingDeleted"})
_NAMED: Final = 10
_TOLD_EVERY: Final = 500


class Standing(NamedTuple):
    """A row that stands now, as far as it is compared: a digest of its values, its ETag, when it was written."""

    digest: int
    etag: str
    written_at: datetime | None
    is_nameless: bool
    """It is an active row of the registry in which no operator has named the customer."""


@dataclass(slots=True)
class Comparison:
    """One table of an export against the table that stands; `rows` are the export's.

    `missing` are not there now. `newer_here` and `newer_in_export` are there with other values, by when storage took
    each; `nameless` are those of them that lack the customer's name that the export has, as a row does that was lost
    and made again. `only_here` are not in the export; nothing is ever done about them. Names are of the first few.
    """

    kind: str
    table: Table
    file: IO[bytes]
    rows: int = 0
    missing: int = 0
    same: int = 0
    newer_here: int = 0
    newer_in_export: int = 0
    nameless: int = 0
    only_here: int = 0
    is_there: bool = True
    missing_names: list[str] = field(default_factory=list)
    differing_names: list[str] = field(default_factory=list)
    standing: dict[tuple[str, str], Standing] = field(default_factory=dict)

    @property
    def differing(self) -> int:
        """Rows that are in both with other values."""
        return self.newer_here + self.newer_in_export

    @property
    def document(self) -> dict[str, Any]:
        """The comparison in JSON."""
        return {
            "table": self.table.name,
            "kind": self.kind,
            "exists": self.is_there,
            "rows": self.rows,
            "missing": self.missing,
            "same": self.same,
            "newer_here": self.newer_here,
            "newer_in_export": self.newer_in_export,
            "nameless": self.nameless,
            "only_here": self.only_here,
            "missing_rows": self.missing_names,
            "differing_rows": self.differing_names,
        }


async def compare(kind: str, table: Table, file: IO[bytes], say: Callable[[str], None]) -> Comparison:
    """Compare; raise the AzureFailure when the table cannot be read. Of each row that stands a digest is kept."""
    found = Comparison(kind, table, file)
    await _note_standing(found, say)
    known = 0
    for row in rows_in(file, kind):
        found.rows += 1
        before = found.standing.get((row.partition_key, row.row_key))
        if before is None:
            found.missing += 1
            _note(found.missing_names, row)
            continue
        known += 1
        if before.digest == digest_of(row):
            found.same += 1
        else:
            _note(found.differing_names, row)
            found.nameless += lacks_name_of(before, row)
            is_newer = row.written_at is not None and before.written_at is not None
            if is_newer and row.written_at > before.written_at:  # type: ignore[operator]
                found.newer_in_export += 1
            else:
                found.newer_here += 1
    found.only_here = len(found.standing) - known
    return found


def lacks_name_of(standing: Standing, row: Row) -> bool:
    """Tell whether a row that stands lacks the customer's name that the export's row has."""
    return standing.is_nameless and not is_tombstone(row) and bool(customer_name_of(row))


def digest_of(row: Row) -> int:
    """Return a number that stands for the row's values and their types within this process."""
    try:
        return hash(tuple(values_of(row).items()))
    except UnexportableRow:
        return -1  # differs from whatever an export has


async def _note_standing(found: Comparison, say: Callable[[str], None]) -> None:
    try:
        async for row in found.table.rows():
            key = row.partition_key, row.row_key
            is_nameless = found.kind == REGISTRY and not is_tombstone(row) and not customer_name_of(row)
            found.standing[key] = Standing(digest_of(row), row.etag, row.written_at, is_nameless)
            if len(found.standing) % _TOLD_EVERY == 0:
                say(f"reading table {found.table.name}: {len(found.standing)} rows")
    except AzureFailure as failure:
        if failure.code not in NO_TABLE:
            raise
        found.is_there = False


def _note(names: list[str], row: Row) -> None:
    if len(names) < _NAMED:
        names.append(f"{row.partition_key}/{row.row_key}")
