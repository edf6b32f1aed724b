"""``cost``: what a month costs, from what the product's tables took in, and what drives it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from compliance_api.settings import WorkspaceSettings
from compliance_api.workspace.workspace import Workspace
from operations.cost.drivers import drivers_of
from operations.cost.estimate import looked_at_from, span_of
from operations.cost.findings import Asked, Findings
from operations.cost.output import nothing_told, report_of
from operations.cost.questions import NotTold, Questions, TableIntake
from operations.doctor.workspace import TABLES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Mapping
    from typing import TypeVar

    from operations.doctor.checks import Check
    from operations.report import Console, Report

    _Answer = TypeVar("_Answer")


async def cost(variables: Mapping[str, str], options: argparse.Namespace, console: Console) -> Report:
    """Estimate a month from the last full days; raise SettingsError when settings are missing or wrong.

    The report is not `ok` when a table was not told, no row is there, or no full day is over.
    """
    questions = Questions(Workspace(WorkspaceSettings.from_environment(variables)))
    now = datetime.now(UTC)
    with console.busy("asking the workspace what came in"):
        return await _estimate(questions, options, now)


async def _estimate(questions: Questions, options: argparse.Namespace, now: datetime) -> Report:
    start = datetime.combine(looked_at_from(now, options.days), time(), UTC)
    asked = await asyncio.gather(*(_told(questions.intake(name, start, now)) for name in TABLES))
    intakes = [one for one in asked if isinstance(one, TableIntake)]
    refused = [one for one in asked if not isinstance(one, TableIntake)]
    span = span_of(intakes, now, options.days)
    if span is None:
        return nothing_told(refused, options.days)
    runs, drivers = await asyncio.gather(_told(questions.runs(span)), _told(drivers_of(questions, span)))
    asked_for = Asked(options.days, options.price_per_gigabyte)
    return report_of(Findings(asked_for, span, intakes, refused, runs, drivers))


async def _told(answer: Awaitable[_Answer]) -> _Answer | Check:
    try:
        return await answer
    except NotTold as failure:
        return failure.check
