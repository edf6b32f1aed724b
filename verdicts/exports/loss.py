"""Whether registry or ledger were lost since the latest export: an empty table is no fleet without customers.

Nothing in storage remembers a table that was deleted, so the latest export is what is compared with. A registry keeps
the tombstone of whoever leaves, and never has fewer rows than it had applications. The ledger has the record of the
latest run from the first completed run on; without that record it must have what it had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from publisher.errors.kinds import RequestRefused
from publisher.retry import USUAL_PATIENCE, Patience
from verdicts.exports.manifest import LEDGER, REGISTRY, UnusableExport
from verdicts.stored.control_rows import LATEST_RUN

if TYPE_CHECKING:
    from publisher.configuration.resource_settings import Storage
    from verdicts.control import Control
    from verdicts.exports.manifest import Manifest
    from verdicts.ledger import Ledger

NEXT: Final = (
    "`python -m operations restore` says what it would bring back (docs/operations.md, Restore registry and ledger)"
)


class RowsLost(RequestRefused):
    """Registry or ledger lack what the latest export has, and nobody took it out; the message says what to do."""


def check_registry(before: Manifest, rows: int) -> None:
    """Raise RowsLost when the registry has fewer rows, tombstones included, than it had applications."""
    had = before.tables[REGISTRY].living
    if rows < had:
        raise rows_lost("registry", f"{rows} rows", before, had=f"{had} applications")


def check_ledger(before: Manifest, rows: int, *, has_record: bool) -> None:
    """Raise RowsLost when the ledger has no record of a run, and fewer rows besides than it had."""
    had = before.tables[LEDGER].living
    if not has_record and rows < had:
        raise rows_lost("ledger", f"{rows} rows and no record of a run", before, had=f"{had} rows")


async def check_ledger_is_there(
    storage: Storage, ledger: Ledger, control: Control, *, patience: Patience = USUAL_PATIENCE
) -> None:
    """Raise RowsLost when the ledger was lost: then nothing may be concluded from what it does not remember.

    It asks for exports only where the ledger has no record of a run, as in a new installation, so that an outage of
    Blob storage stops nobody else.

    Raises:
        RowsLost: the ledger was lost, or its latest export cannot be read, so that nobody knows.
        AzureFailure: ledger or exports cannot be read.
    """
    if control.latest_run is not None or control.unreadable_at(LATEST_RUN) is not None or not storage.has_blobs:
        return
    from verdicts.exports.store import ExportStore  # noqa: PLC0415 - the SDK's client takes its time

    try:
        async with ExportStore(storage, patience=patience) as exports:
            before = await exports.latest()
    except UnusableExport as error:
        raise RowsLost(
            f"the ledger has no record of a run, and whether it was lost cannot be told: of the latest export, {error}",
            code="RowsLost",
        ) from error
    if before is not None:
        check_ledger(before, await ledger.count(), has_record=False)


def rows_lost(what: str, has: str, before: Manifest, *, had: str = "") -> RowsLost:
    """Return the failure that says what registry or ledger has now, and what the export before has."""
    had = had or f"{before.tables[REGISTRY if what == 'registry' else LEDGER].rows} rows"
    return RowsLost(
        f"rows of the {what} were lost: it has {has}, and the export {before.name} has {had}. Nothing is "
        f"concluded from that. {NEXT}",
        code="RowsLost",
    )
