"""Reads the fleet from the workspace with the saved queries, and caches the answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from compliance_api.fleet.fleet import Application, Fleet, Run, fleet_of, run_of
from compliance_api.fleet.paging import LARGEST_SIZE
from compliance_api.settings import ApiSettings
from compliance_api.workspace import saved_queries
from compliance_api.workspace.cache import Cache
from compliance_api.workspace.query_parameters import with_values
from compliance_api.workspace.workspace import Question, Table, Workspace

_QUERY_SECONDS: Final = 60
_LARGEST_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Ten times what 5,000 applications take."""

LOOK_BACK_DAYS: Final = 90
LOOK_BACK: Final = f"P{LOOK_BACK_DAYS}D"
"""How far back we look for the latest run, and for the states that a verdict names; the queries bound the rest."""

MOST_VIOLATIONS: Final = 20_000
"""Of one application: the saved query ends there, the ledger remembers as many, and usually an upload has as many."""

_RUN: Final = "run"
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Details:
    """Rows of the saved queries `assignments` and `states_missing` about one application."""

    assignments: Rows
    states_missing: Rows


@dataclass(frozen=True, slots=True)
class Violations:
    """Some rows of the saved query `noncompliant_resources` about one application, and how many it has in all."""

    rows: Rows
    total: int


class Compliance:
    """Cached answers of the workspace. All methods raise the AzureFailures of `publisher.errors`."""

    def __init__(
        self,
        settings: ApiSettings,
        workspace: Workspace | None = None,
    ) -> None:
        self.workspace = workspace or Workspace(settings)
        self._cache = Cache(settings.cache_lifetime)

    async def run(self) -> Run | None:
        """Return the latest completed run that counts, which every answer speaks of; None while there is none."""
        return await self._cache.get(_RUN, self._run)

    async def fleet(self) -> Fleet:
        """Return every registered application as of the latest run that counts."""
        run = await self.run()
        if run is None:
            return fleet_of([], None)
        return await self._cache.get((_RUN, run.id), lambda: self._fleet(run))

    async def standing(self, name: str, run: Run) -> Rows:
        """Return the rows of a saved query that says what stood at a run."""
        table = await self.saved(name, LOOK_BACK, run)
        return table.complete().as_dicts()

    async def runs(self, timespan: str) -> Rows:
        """Return the completed runs of a time span, latest first."""
        return await self._saved("collector_runs", timespan)

    async def history(self, timespan: str) -> Rows:
        """Return the fleet in numbers for each completed run of a time span, oldest first."""
        return await self._saved("fleet_history", timespan)

    async def plan_history(self, timespan: str) -> Rows:
        """Return how the applications of each plan version stood at each completed run of a time span, oldest first."""
        return await self._saved("plan_history", timespan)

    async def application_history(self, application_id: str, timespan: str) -> Rows:
        """Return what each completed run of a time span published about an application, oldest first."""
        query = saved_queries.text_for("application_history", application_id)
        table = await self._cache.get((query, timespan), lambda: self._query(query, timespan))
        return table.complete("Run_id").as_dicts()

    async def verdict_periods(self, application_id: str, timespan: str) -> Rows:
        """Return what stood about each assignment of an application in a time span, with the rows that told it."""
        query = saved_queries.text_for("verdict_periods", application_id)
        table = await self._cache.get((query, timespan), lambda: self._query(query, timespan))
        return table.complete("Policy_assignment_id").as_dicts()

    async def resolved(self, days: int, run: Run) -> Rows:
        """Return what was not compliant and is not any more as of a run, since so many days at the latest."""
        table = await self.saved("resolved", f"P{days + LOOK_BACK_DAYS}D", run, {"looked_back": f"{days}d"})
        return table.complete("Application_id").as_dicts()

    async def details(self, application: Application, run: Run) -> Details:
        """Return the application's assignments at a run, and whether the states of its violations are all there."""
        return await self._cache.get((application.key, run.id), lambda: self._details(application, run))

    async def violations(
        self, application: Application, run: Run, *, start: int, size: int, total: int | None
    ) -> Violations:
        """Return `size` of the application's violations at a run; `total` is known from the first ones.

        No more of them are read than are asked for, however many a customer has.
        """
        whole = saved_queries.text_for(saved_queries.VIOLATIONS, application.id, run_id=run.id)
        query = saved_queries.part_of(whole, start, size, total)
        table = await self._cache.get((query, LOOK_BACK), lambda: self._complete(query, "Application_id"))
        rows = table.as_dicts()
        found = min(rows[0]["Listed_violations"], MOST_VIOLATIONS) if rows else 0
        return Violations(rows[::-1] if start else rows, found)

    async def saved(self, name: str, timespan: str, run: Run | None, values: Mapping[str, str] | None = None) -> Table:
        """Return the answer to a saved query with these values, complete or not; KeyError for an unknown name.

        One that says what stands is asked about the run, where there is one.
        """
        as_of = run.id if run is not None and saved_queries.stands(name) else ""
        query = with_values(saved_queries.text_for(name, run_id=as_of), values or {})
        if name == saved_queries.VIOLATIONS:
            query = saved_queries.part_of(query, 0, LARGEST_SIZE)
        return await self._cache.get((query, timespan), lambda: self._query(query, timespan))

    async def ask(self, question: Question) -> Table:
        """Return the answer to any question, complete or not; cached like the others."""
        return await self._cache.get(question, lambda: self.workspace.ask(question))

    async def _run(self) -> Run | None:
        return run_of((await self._complete(saved_queries.text("latest_run"), "Run_id")).as_dicts())

    async def _fleet(self, run: Run) -> Fleet:
        query = saved_queries.text_for("applications", run_id=run.id)
        return fleet_of((await self._complete(query, "Application_id")).as_dicts(), run)

    async def _details(self, application: Application, run: Run) -> Details:
        names = ("assignments", "states_missing")
        texts = (saved_queries.text_for(name, application.id, run_id=run.id) for name in names)
        tables = await asyncio.gather(*(self._complete(text, "Application_id") for text in texts))
        return Details(*(table.as_dicts() for table in tables))

    async def _saved(self, name: str, timespan: str) -> Rows:
        return (await self.saved(name, timespan, None)).complete("Run_id").as_dicts()

    async def _complete(self, query: str, *columns: str) -> Table:
        return (await self._query(query, LOOK_BACK)).complete(*columns)

    async def _query(self, query: str, timespan: str) -> Table:
        return await self.workspace.ask(Question(query, timespan, _QUERY_SECONDS, _LARGEST_ANSWER_BYTES))
