"""What the ledger's table keeps beside the applications: the latest run, baselines, snoozes, settings of plans."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from publisher.table import Row
    from verdicts.guard.declared import Declared
    from verdicts.plan_settings import PlanSettings


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The latest completed run over the whole registry.

    It read every application that is neither unread nor departed, also where nothing was written because nothing
    changed. `named_alarms` is how many alarms of their own were open after it.
    """

    run_id: str
    started_at: datetime
    named_alarms: int


@dataclass(frozen=True, slots=True)
class Snooze:
    """Alarms of a plan version rest until then; "" as the version means every version of the plan."""

    plan_name: str
    plan_version: str
    until: datetime
    person: str
    reason: str

    def covers(self, plan_name: str, plan_version: str) -> bool:
        """Tell whether it is about this plan version; letter case does not matter."""
        return self.plan_name.lower() == plan_name.lower() and self.plan_version.lower() in {"", plan_version.lower()}


@dataclass(frozen=True, slots=True)
class UnreadableControl:
    """A control row that cannot be read: what it held, as far as its keys tell, and why.

    It is as if it were not there, and loses nothing of any application: a declared baseline that was applied stays with
    the applications, a snooze silences nobody, a plan has the usual settings, and the record of the latest run is made
    again by the next one.
    """

    row: Row
    what: str
    plan: str
    reason: str

    def __str__(self) -> str:
        """What a person needs to know of it, and can do about it."""
        repair = f'operations ledger repair --row "{self.row.partition_key}/{self.row.row_key}"'
        return f"the ledger's {self.what} cannot be read ({self.reason}): see `{repair}`"


@dataclass(frozen=True, slots=True)
class Control:
    """Everything of it.

    Declared baselines are by `verdicts.guard.declared.plan_key`, settings by the plan's folded name.
    """

    latest_run: RunRecord | None = None
    declared: Mapping[str, Declared] = field(default_factory=dict)
    snoozes: tuple[Snooze, ...] = ()
    plans: Mapping[str, PlanSettings] = field(default_factory=dict)
    unreadable: tuple[UnreadableControl, ...] = ()

    def unreadable_at(self, row_key: str) -> UnreadableControl | None:
        """Return the row with this key when it cannot be read, which does not mean that it is not there."""
        return next((one for one in self.unreadable if one.row.row_key == row_key), None)
