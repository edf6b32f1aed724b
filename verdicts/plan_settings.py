"""What an operator settled for a plan: how severe findings are, until when each is due, and the publisher's checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import fold
from verdicts.guard.declared import relative_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Severity(StrEnum):
    """How severe a violation of an assignment is, the worst first."""

    CRITICAL = "Critical"
    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"


OVERDUE_AFTER_DAYS: Final[Mapping[Severity, int]] = {
    Severity.CRITICAL: 2,
    Severity.HIGH: 7,
    Severity.MEDIUM: 30,
    Severity.LOW: 90,
}
"""In how many days a finding is due where nothing else was settled."""


MOST_DAYS: Final = 3_650


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The settings of a plan, in all its versions; those of plan "" are for every plan that has none of its own.

    `severities` are by the assignment's name, or its path from the managed resource group on, folded; assignments that
    it does not name are of `severity`. `overdue_after_days` has a number of days for every severity. `checks` are those
    of verdicts.publisher_checks that are switched on, by name, each with what was set for it.
    """

    plan_name: str = ""
    severity: Severity = Severity.MEDIUM
    severities: Mapping[str, Severity] = field(default_factory=dict)
    overdue_after_days: Mapping[Severity, int] = field(default_factory=lambda: dict(OVERDUE_AFTER_DAYS))
    checks: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    settled_at: datetime | None = None
    """None for what holds where nothing was settled."""
    person: str = ""
    reason: str = ""

    def severity_of(self, assignment_id: str, group_id: str) -> Severity:
        """Return how severe a violation of an assignment is, which is at or in a managed resource group."""
        if not self.severities:
            return self.severity
        path = relative_id(assignment_id, group_id)
        return self.severities.get(path) or self.severities.get(path.rpartition("/")[2]) or self.severity

    def due_by(self, severity: Severity, since: datetime) -> datetime:
        """Return until when a finding that is open since then has to be settled."""
        return since + timedelta(days=self.overdue_after_days[severity])


USUAL_SETTINGS: Final = PlanSettings()


def settings_of_plan(settled: Mapping[str, PlanSettings], plan_name: str) -> PlanSettings:
    """Return the settings of a plan, from all that were settled by folded name of the plan."""
    return settled.get(fold(plan_name)) or settled.get("") or USUAL_SETTINGS
