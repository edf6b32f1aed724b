"""What became of a command, also of one that was broken off."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from operations.report import BadUsage, Refused, Report
from publisher.errors.kinds import AzureFailure
from publisher.table import RowChanged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from publisher.audit.row import Outcome

_MEANWHILE: Final = (
    "a collection, or somebody else, wrote a row meanwhile: look at what stands, and run the command again"
)


@dataclass(frozen=True, slots=True)
class Ended:
    """A command's report; whether it was refused, so that nothing was changed."""

    report: Report
    is_refused: bool = False

    @property
    def outcome(self) -> Outcome:
        """What the audit row says."""
        if self.report.interrupted:
            return "interrupted"
        if self.is_refused or self.report.bad_usage:
            return "refused"
        return "done" if self.report.ok else "failed"


async def ended(run: Callable[[], Awaitable[Report]]) -> Ended:
    """Run a command to its end, and return what became of it; raise SettingsError for settings that it cannot use."""
    try:
        return Ended(await run())
    except AzureFailure as failure:
        return Ended(_not_done(f"{failure.code}: {failure}"))
    except RowChanged:
        return Ended(_not_done(_MEANWHILE))
    except Refused as refusal:
        return Ended(_not_done(str(refusal)), is_refused=True)
    except BadUsage as usage:
        return Ended(Report(ok=False, document={}, error=str(usage), bad_usage=True))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return Ended(Report(ok=False, document={}, error="interrupted", interrupted=True))


def _not_done(error: str) -> Report:
    return Report(ok=False, document={}, error=error)
