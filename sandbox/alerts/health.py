"""Whether an alert rule works: a rule that has failed for a week is disabled by the platform (FACTS 4.4, 11.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import datetime

DISABLED_AFTER: Final = timedelta(days=7)
QUIET_AFTER: Final = timedelta(days=30)
"""The query of a rule can fail when a table of it got no rows for longer. Whether tables that are fed through data
collection rules are concerned is undocumented; the sandbox says that they are."""


@dataclass(frozen=True, slots=True)
class HealthEvent:
    """What the platform tells about a rule: that it began to fail, was disabled, or works again."""

    at: datetime
    rule: str
    status: Literal["Failing", "Disabled", "Healthy"]
    error: str = ""


@dataclass(slots=True)
class RuleHealth:
    """How a rule has been doing. Once disabled it stays so."""

    rule: str
    failing_since: datetime | None = None
    failures: int = 0
    disabled: bool = False
    events: list[HealthEvent] = field(default_factory=list)

    def failed(self, now: datetime, error: str) -> None:
        """Count an evaluation that failed."""
        self.failures += 1
        if self.failing_since is None:
            self.failing_since = now
            self.events.append(HealthEvent(now, self.rule, "Failing", error))
        if now - self.failing_since >= DISABLED_AFTER:
            self.disabled = True
            self.events.append(HealthEvent(now, self.rule, "Disabled", error))

    def succeeded(self, now: datetime) -> None:
        """Note an evaluation that worked."""
        if self.failing_since is not None:
            self.events.append(HealthEvent(now, self.rule, "Healthy"))
        self.failing_since, self.failures = None, 0
