"""Counts the rows that queries scan on the embedded engine, and tells them for a larger fleet."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from bench.scanned.queries import asked_before, asked_now
from bench.scanned.two_days import NOW, RUNS, STATES, filled, violating
from checks.scans.scan import EVERY_TABLE, scans
from checks.scans.states import CONDITIONS

if TYPE_CHECKING:
    from bench.scanned.queries import Asked
    from sandbox.workspace.workspace import Workspace

FLEET: Final = 5_000
"""Applications that the counts are told for."""

APPLICATIONS_NOW: Final = 50
APPLICATIONS_BEFORE: Final = 20
"""Those that rows are made of. Fewer do for before, when each run told the same."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """Rows that a query scans: of states, of other tables, and the states of the upload that a drill-down looks for."""

    states: int
    others: int
    upload: int | None = None


def scanned_now() -> dict[str, Scanned]:
    """Return what each query of today scans, by its name; drill-downs on average of who has violations."""
    with filled(APPLICATIONS_NOW, uploads_all=False) as workspace:
        counter = Counter(workspace, APPLICATIONS_NOW)
        first, *others = violating(APPLICATIONS_NOW)
        counts = {asked.name: [counter.scanned(asked)] for asked in asked_now(first)}
        for asked in (asked for one in others for asked in asked_now(one) if STATES in asked.query):
            counts[asked.name].append(counter.scanned(asked))
    return {name: _mean(found) for name, found in counts.items()}


def scanned_before() -> dict[str, Scanned]:
    """Return what each query of before scanned, by the name that it has today; raise NoHistoryError without history."""
    with filled(APPLICATIONS_BEFORE, uploads_all=True) as workspace:
        counter = Counter(workspace, APPLICATIONS_BEFORE)
        return {asked.name: counter.scanned(asked) for asked in asked_before(violating(APPLICATIONS_BEFORE)[0])}


def _mean(counts: list[Scanned]) -> Scanned:
    uploads = [one.upload for one in counts if one.upload is not None]
    upload = round(fmean(uploads)) if uploads else None
    return Scanned(round(fmean(one.states for one in counts)), counts[0].others, upload)


class Counter:
    """Counts what queries scan in a workspace that has rows of so many applications.

    Of each table these are the rows within the query's time range that the widest of its conditions on TimeGenerated
    admits. Rows about applications are told as many times as there are more in the larger fleet, rows of runs once.
    """

    def __init__(self, workspace: Workspace, applications: int) -> None:
        self._workspace = workspace
        self._factor = FLEET // applications
        self._counted: dict[tuple[str, Any], int] = {}

    def scanned(self, asked: Asked) -> Scanned:
        """Return what a query scans."""
        span = (NOW - asked.time_range, NOW)
        rows: dict[str, int] = {}
        upload = None
        for scan in scans(asked.query):
            for table in self._workspace.tables if scan.table == EVERY_TABLE else (scan.table,):
                query = f"{table} | count" if scan.table == EVERY_TABLE else scan.counting(scan.time_conditions)
                times = 1 if table == RUNS else self._factor
                rows[table] = max(rows.get(table, 0), times * self._count(query, span))
            if scan.conditions[: len(CONDITIONS)] == CONDITIONS:
                upload = self._count(scan.counting(CONDITIONS), span)
        return Scanned(rows.pop(STATES, 0), sum(rows.values()), upload)

    def _count(self, query: str, span: Any) -> int:
        if (query, span) not in self._counted:
            [answer] = self._workspace.query(query, timespan=span)
            self._counted[query, span] = int(answer["Count"])
        return self._counted[query, span]
