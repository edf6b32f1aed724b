"""``restore --list``: which exports there are, and whether they can be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from operations.report import Cell, Listing, Report
from verdicts.exports.manifest import KINDS, Manifest, UnusableExport

if TYPE_CHECKING:
    from operations.report import Console
    from verdicts.exports.store import ExportStore


async def list_exports(exports: ExportStore, console: Console) -> Report:
    """List every export, the latest first, each read and checked as before it is restored."""
    whole, begun = await exports.names()
    found: list[tuple[str, Manifest | None, str]] = []
    with console.busy("checking the exports") as say:
        for number, name in enumerate(reversed(whole), start=1):
            say(f"checking the exports: {number} of {len(whole)}")
            found.append((name, *await _checked(exports, name)))
    found += [(name, None, "it was never finished: it has no manifest") for name in reversed(begun)]
    rows: list[tuple[Cell | str, ...]] = [
        (
            name,
            manifest.ended_at if manifest else "",
            *(str(manifest.tables[kind].rows) if manifest else "" for kind in KINDS),
            Cell(problem or "holds", "bad" if problem else "good"),
        )
        for name, manifest, problem in found
    ]
    bad = sum(bool(problem) for _, _, problem in found)
    return Report(
        ok=bool(found) and not bad,
        document={"exports": [_document(*one) for one in found]},
        listings=(Listing("", ("Export", "Made at", *KINDS, "Check"), rows),) if rows else (),
        notes=() if rows else ("There is no export yet.",),
        error=f"{bad} of {len(found)} cannot be restored" if bad else None,
    )


async def _checked(exports: ExportStore, name: str) -> tuple[Manifest | None, str]:
    manifest = None
    try:
        manifest = await exports.manifest(name)
        for file in (await exports.fetched(manifest)).values():
            file.close()
    except UnusableExport as error:
        return manifest, str(error)
    return manifest, ""


def _document(name: str, manifest: Manifest | None, problem: str) -> dict[str, Any]:
    return {
        "export": name,
        "made_at": manifest.ended_at if manifest else None,
        "version": manifest.version if manifest else None,
        "rows": {kind: manifest.tables[kind].rows for kind in KINDS} if manifest else None,
        "holds": not problem,
        "problem": problem,
    }
