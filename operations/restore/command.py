"""``restore``: say what an export would bring back, bring it back, or list the exports."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from operations.decision import Decision, make_sure
from operations.report import BadUsage, Cell, Listing, Refused, Report
from operations.restore.anew import begin_anew
from operations.restore.comparison import Comparison, compare
from operations.restore.exports import list_exports
from operations.restore.writing import Written, write
from publisher.errors.kinds import AzureFailure
from verdicts.exports.export import tables_of
from verdicts.exports.manifest import KINDS, Manifest, UnusableExport
from verdicts.exports.store import ExportStore, NoExport

if TYPE_CHECKING:
    import argparse

    from operations.report import Console
    from operations.workplace import Workplace
    from publisher.settings import ReconcileSettings

LATEST: Final = "latest"
RESTORED: Final = "Restored"
_COLUMNS: Final = ("Table", "In the export", "Missing now", "Same", "Differ, newer now", "Differ, newer in the export")
_AFTER: Final = (
    "Nothing was closed by this: what was open in the export is open until a read closes it, and what opened since "
    "opens again with the next collection. What operators did since the export (accept, remove, name, snooze) is to be "
    "done again; the table of events has it. Next: `python -m operations reconcile`, then `discover --check`, `list`."
)


@dataclass(frozen=True, slots=True)
class _Work:
    """One restoring: the export, its tables against those that stand, and what was written."""

    manifest: Manifest
    compared: tuple[Comparison, ...]
    written: dict[str, Written]

    def document(self, *, acted: bool) -> dict[str, Any]:
        """The outcome in JSON."""
        tables = [one.document | self.written[one.kind].document for one in self.compared]
        return {
            "export": self.manifest.name,
            "made_at": self.manifest.ended_at,
            "version": self.manifest.version,
            "acted": acted,
            "tables": tables,
        }


async def restore(
    workplace: Workplace, settings: ReconcileSettings, options: argparse.Namespace, console: Console
) -> Report:
    """Do what the options say; nothing is written before all of an export was checked."""
    async with ExportStore(settings.storage) as exports:
        if options.list:
            return await list_exports(exports, console)
        if options.begin_anew:
            return await begin_anew(workplace, exports, settings, options, console)
        if options.yes and not options.reason:
            raise BadUsage("--reason is missing: why is it restored?")
        async with AsyncExitStack() as stack:
            try:
                work = await _compared(exports, settings, options, console, stack)
            except UnusableExport as error:
                words = f"export {options.export}: {error}. Nothing is changed. See `restore --list`"
                return Report(ok=False, document={"export": options.export}, error=words)
            return await _restore(workplace, work, options, console)


async def _compared(
    exports: ExportStore,
    settings: ReconcileSettings,
    options: argparse.Namespace,
    console: Console,
    stack: AsyncExitStack,
) -> _Work:
    """Return the work to do, with all of the export fetched and checked, whichever tables are restored."""
    with console.busy("reading the export") as say:
        manifest = await _chosen(exports, options.export)
        files = await exports.fetched(manifest)
        for file in files.values():
            stack.enter_context(file)
        tables = tables_of(settings.storage, settings.table_name)
        for table in tables.values():
            stack.push_async_exit(table)
        wanted = [kind for kind in KINDS if kind in (options.table or KINDS)]
        compared = [await compare(kind, tables[kind], files[kind], say) for kind in wanted]
    return _Work(manifest, tuple(compared), {kind: Written() for kind in wanted})


async def _chosen(exports: ExportStore, name: str) -> Manifest:
    if name != LATEST:
        return await exports.manifest(name)
    latest = await exports.latest()
    if latest is None:
        raise NoExport("there is none yet")
    return latest


async def _restore(workplace: Workplace, work: _Work, options: argparse.Namespace, console: Console) -> Report:
    count = sum(one.missing + (one.differing if options.overwrite else one.nameless) for one in work.compared)
    listing = _listing(work)
    if not count:
        note = f"Nothing to restore from export {work.manifest.name}."
        left = sum(one.differing for one in work.compared)
        notes = (note, f"{left} rows differ; --overwrite takes those of the export.") if left else (note,)
        return Report(ok=True, document=work.document(acted=False), listings=(listing,), notes=notes)
    if options.dry_run or not options.reason or not (options.yes or console.can_ask):
        nameless = sum(one.nameless for one in work.compared)
        notes = ("Nothing is changed. With --reason, and --yes or on a terminal, this is done.",)
        named = (f"{nameless} rows lack the customer's name, and get it back.",) if nameless else ()
        return Report(ok=False, document=work.document(acted=False), listings=(listing,), notes=(*named, *notes))
    console.show_listing(listing)
    decision = Decision.of(options)
    make_sure(f"Write {count} rows from export {work.manifest.name}?", decision, options, console)
    return await _written(workplace, work, decision, options, console)


async def _written(
    workplace: Workplace, work: _Work, decision: Decision, options: argparse.Namespace, console: Console
) -> Report:
    """Write, and tell of it also when it breaks off half-way."""
    error: str | None = None
    with console.busy("writing") as say:
        try:
            for one in work.compared:
                await write(one, work.written[one.kind], overwrite=options.overwrite, say=say, warn=console.say)
        except (AzureFailure, Refused) as failure:
            code = f"{failure.code}: " if isinstance(failure, AzureFailure) else ""
            error = f"{code}{failure}. What was written stays: run the command again"
    done = ", ".join(
        f"{kind}: {one.added} added, {one.overwritten} overwritten, {one.named} named"
        for kind, one in work.written.items()
    )
    event = workplace.plan_event("", "", RESTORED, decision)
    reason = f"{decision.reason} (export {work.manifest.name}; {done})"
    untold = await workplace.tell([replace(event, reason=reason)])
    meanwhile = sum(one.changed_meanwhile for one in work.written.values())
    notes = [f"{done}."]
    if meanwhile:
        notes.append(f"{meanwhile} rows were written by somebody else meanwhile, and left alone.")
    return Report(
        ok=error is None and untold is None,
        document=work.document(acted=True),
        notes=(*notes, _AFTER),
        error=error or untold,
    )


def _listing(work: _Work) -> Listing:
    rows = [
        (
            one.table.name,
            str(one.rows),
            Cell(str(one.missing), "bad" if one.missing else ""),
            str(one.same),
            Cell(str(one.newer_here), "doubtful" if one.newer_here else ""),
            Cell(str(one.newer_in_export), "doubtful" if one.newer_in_export else ""),
            str(one.only_here),
        )
        for one in work.compared
    ]
    title = f"Export {work.manifest.name}, made {work.manifest.ended_at} by version {work.manifest.version}"
    return Listing(title, (*_COLUMNS, "Only now (never deleted)"), rows)
