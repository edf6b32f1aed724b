"""Looks at the alert rules no more often than a scenario needs: most of the time of a scripted day is their queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.workspace.arrival import Dropped, at_once
from sandbox.workspace.schema import TableSchema
from sandbox.workspace.workspace import QueryResult, TimeSpan, Workspace

HOUR = timedelta(hours=1)
NOTHING = timedelta()


@dataclass
class RememberingWorkspace:
    """Answers the queries of rules from what it answered lately, for an evaluator of alerts.

    Without late rows nothing becomes visible between two runs, so that an answer is good for the hour. `watched` has
    the rules (by query) that are always looked at; the others are looked at every `others_every`, which is longer
    in long stretches of time.
    """

    workspace: Workspace
    watched: set[str]
    others_every: timedelta = HOUR
    _answers: dict[str, tuple[datetime, QueryResult]] = field(default_factory=dict)

    @property
    def tables(self) -> Mapping[str, TableSchema]:
        return self.workspace.tables

    def latest_receipt(self, table: str) -> datetime:
        return self.workspace.latest_receipt(table)

    def run(self, kql: str, *, timespan: TimeSpan, now: datetime) -> QueryResult:
        known = self._answers.get(kql)
        if known is not None and now - known[0] < self._good_for(kql):
            return known[1]
        answer = self.workspace.run(kql, timespan=timespan, now=now)
        self._answers[kql] = (now, answer)
        return answer

    def _good_for(self, kql: str) -> timedelta:
        if kql not in self.watched:
            return self.others_every
        arrival = self.workspace.arrival
        return HOUR if arrival is at_once or isinstance(arrival, Dropped) else NOTHING
