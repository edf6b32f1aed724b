"""Reads the fleet from the workspace with the saved queries, and caches the answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from compliance_api.fleet.fleet import Application, Fleet, Run, fleet_of
from compliance_api.settings import ApiSettings
from compliance_api.workspace import saved_queries
from compliance_api.workspace.cache import Cache
from compliance_api.workspace.query_parameters import with_values
from compliance_api.workspace.workspace import Question, Table, Workspace

_QUERY_SECONDS: Final = 60
_LARGEST_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Ten times what 5,000 applications take."""

_LOOK_BACK: Final = "P90D"
"""How far back we look for the latest run, and for the states that a verdict names; the queries bound the rest."""

_FLEET: Final = "fleet"
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Details:
    """Rows of the saved queries `assignments`, `noncompliant_resources` and `states_missing` about one application."""

    assignments: Rows
    resources: Rows
    states_missing: Rows


class Compliance:
    """Cached answers of the workspace. All methods raise the AzureFailures of `publisher.errors`."""

    def __init__(
        self,
        settings: ApiSettings,
        workspace: Workspace | None = None,
    ) -> None:
        self.workspace = workspace or Workspace(settings)
        self._cache = Cache(settings.cache_lifetime)

    async def fleet(self) -> Fleet:
        """Return every registered application as of the latest completed run."""
        return await self._cache.get(_FLEET, self._fleet)

    async def runs(self, timespan: str) -> Rows:
        """Return the completed runs of a time span, latest first."""
        return await self._saved("collector_runs", timespan)

    async def history(self, timespan: str) -> Rows:
        """Return the fleet in numbers for each completed run of a time span, oldest first."""
        return await self._saved("fleet_history", timespan)

    async def details(self, application: Application, run: Run) -> Details:
        """Return the application's assignments and its violations, and whether all of these are there."""
        return await self._cache.get((application.key, run.id), lambda: self._details(application))

    async def saved(self, name: str, timespan: str, values: Mapping[str, str] | None = None) -> Table:
        """Return the answer to a saved query with these values, complete or not; KeyError for an unknown name."""
        query = with_values(saved_queries.text(name), values or {})
        return await self._cache.get((query, timespan), lambda: self._query(query, timespan))

    async def ask(self, question: Question) -> Table:
        """Return the answer to any question, complete or not; cached like the others."""
        return await self._cache.get(question, lambda: self.workspace.ask(question))

    async def _fleet(self) -> Fleet:
        latest = (await self._complete(saved_queries.text("latest_run"), "Run_id")).as_dicts()
        if not latest:
            return fleet_of([], [])
        applications = await self._complete(saved_queries.text("applications"), "Application_id")
        return fleet_of(applications.as_dicts(), latest)

    async def _details(self, application: Application) -> Details:
        names = ("assignments", "noncompliant_resources", "states_missing")
        texts = (saved_queries.text_for(name, application.id) for name in names)
        tables = await asyncio.gather(*(self._complete(text, "Application_id") for text in texts))
        return Details(*(table.as_dicts() for table in tables))

    async def _saved(self, name: str, timespan: str) -> Rows:
        return (await self.saved(name, timespan)).complete("Run_id").as_dicts()

    async def _complete(self, query: str, *columns: str) -> Table:
        return (await self._query(query, _LOOK_BACK)).complete(*columns)

    async def _query(self, query: str, timespan: str) -> Table:
        return await self.workspace.ask(Question(query, timespan, _QUERY_SECONDS, _LARGEST_ANSWER_BYTES))
