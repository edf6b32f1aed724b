"""Runs a command and stores the rows that tell of it: who ran it, with which options, and what became of it.

What acts at a customer has a row when it begins, too, and does not begin without it.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from operations.arguments import BAD_USAGE
from operations.audit.outcome import ended
from operations.decision import signed_in
from operations.parsing.changes import Reach
from operations.report import Report
from publisher.audit.row import AuditRow
from publisher.audit.store import NotRecorded, leave_in_log, record
from publisher.environment import SettingsError
from publisher.settings import ReconcileSettings
from registry.clients import shared_logs_endpoint

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Mapping

    from publisher.logs_endpoint import LogsEndpoint

_SECONDS: Final = 30.0


async def audited(
    run: Callable[[], Awaitable[Report]], options: argparse.Namespace, words: str, variables: Mapping[str, str]
) -> Report:
    """Run a command, store its row when it changes something, and return the report, which says so if that failed.

    `words` is the command line. Raises SettingsError for settings without which nothing can be stored, or done.
    """
    reach = options.changes.made_by(options)
    if reach is Reach.NOTHING:
        return (await ended(run)).report
    settings = ReconcileSettings.from_environment(variables)
    async with shared_logs_endpoint(settings) as endpoint:
        trail = _Trail(endpoint, settings.audit_stream, _row(options, words))
        if reach is Reach.CUSTOMERS and (why := await trail.store(trail.row)):
            error = f"not begun: the audit row of its beginning was not stored ({why})"
            return Report(ok=False, document={}, error=error)
        try:
            found = await ended(run)
        except SettingsError as error:
            reason = "; ".join(error.problems)
            await trail.store(trail.ended(outcome="refused", exit_status=BAD_USAGE, reason=reason))
            raise
        report = found.report
        row = trail.ended(outcome=found.outcome, exit_status=report.exit_status, reason=report.error or "")
        if why := await trail.store(row):
            untold = f"the audit row of this command was not stored ({why})"
            return replace(report, ok=False, error="; ".join(filter(None, (report.error, untold))))
        return report


@dataclass(slots=True)
class _Trail:
    """Where the rows of one command go; `row` tells of its beginning."""

    endpoint: LogsEndpoint
    stream: str
    row: AuditRow
    _started: float = field(default_factory=time.monotonic)

    def ended(self, **columns: object) -> AuditRow:
        """Return the row that tells of the end."""
        milliseconds = round((time.monotonic() - self._started) * 1000)
        ended: AuditRow = replace(self.row, duration_ms=milliseconds, **columns)  # type: ignore[arg-type]
        return ended

    async def store(self, row: AuditRow) -> str | None:
        """Store a row; return why it was not stored and is in the log."""
        try:
            await record([row], self.endpoint, self.stream, seconds=_SECONDS)
        except NotRecorded as failure:
            leave_in_log([row], str(failure))
            return str(failure)
        return None


def _row(options: argparse.Namespace, words: str) -> AuditRow:
    """Return the row of a command that begins.

    It is about one application when its options name one, and no plan besides: then it was only taken from there.
    """
    applications = [getattr(options, "application", None), *getattr(options, "applications", ())]
    named = [str(one) for one in applications if one is not None]
    return AuditRow(
        began=datetime.now(UTC),
        kind="command",
        outcome="begun",
        correlation_id=uuid.uuid4().hex,
        actor_name=getattr(options, "person", None) or signed_in(),
        actor_kind="operator",
        command=words,
        application_id=named[0] if len(named) == 1 else "",
        is_fleet_wide=len(named) != 1 or bool(getattr(options, "plan", None)),
    )
