"""``restore --begin-anew``: what stands now is the truth from now on, although rows were lost.

Collection and export compare with the latest export. So an export of what is left, made on a person's word, is what
ends their refusal; there is no other switch.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from operations.decision import Decision, make_sure
from operations.report import BadUsage, Report
from publisher.configuration.version import VERSION
from publisher.texts import moment_in
from verdicts.exports.export import export
from verdicts.exports.lines import UnexportableRow
from verdicts.exports.manifest import counts_text

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from operations.report import Console
    from operations.workplace import Workplace
    from publisher.settings import ReconcileSettings
    from verdicts.exports.store import ExportStore

BEGUN_ANEW: Final = "BegunAnew"
_WARNING: Final = (
    "Open alarms, acceptances, baselines and snoozes that are not in the ledger now are forgotten: what is violated "
    "opens again with the next collection, and baselines are learned from the assignments as they are now, also from "
    "weakened ones. Earlier exports stay."
)


async def _next_name(exports: ExportStore, now: datetime) -> str:
    """Return the name of an export that is the latest one from now on, also where this machine's clock is behind."""
    whole, _ = await exports.names()
    latest = moment_in(whole[-1]) if whole else None
    moment = now if latest is None else max(now, latest + timedelta(seconds=1))
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ")


async def begin_anew(
    workplace: Workplace,
    exports: ExportStore,
    settings: ReconcileSettings,
    options: argparse.Namespace,
    console: Console,
) -> Report:
    """Export what stands now, whatever was lost; an event says who wanted that, and why."""
    if not options.reason:
        raise BadUsage("--reason is missing: why is what was lost given up?")
    decision = Decision.of(options)
    console.say(_WARNING)
    make_sure("Take what the tables hold now for all there is?", decision, options, console)
    name = await _next_name(exports, workplace.now())
    with console.busy("exporting"):
        try:
            manifest = await export(
                exports,
                settings.storage,
                settings.table_name,
                name=name,
                version=VERSION,
                clock=workplace.now,
                takes_loss=True,
            )
        except UnexportableRow as error:
            return Report(ok=False, document={}, error=f"nothing is changed: {error}")
    counts = counts_text(manifest.tables)
    event = workplace.plan_event("", "", BEGUN_ANEW, decision)
    untold = await workplace.tell([replace(event, reason=f"{decision.reason} (export {name}; {counts})")])
    note = f"Export {name} has what stands now ({counts}), and is what the next collection compares with."
    return Report(ok=untold is None, document={"export": name}, notes=(note,), error=untold)
