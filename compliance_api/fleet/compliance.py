"""Reads the fleet from the workspace with the saved queries, and caches the answers."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from compliance_api.fleet.fleet import Application, Fleet, Run, fleet_of
from compliance_api.settings import ApiSettings
from compliance_api.timespan import interval
from compliance_api.workspace import saved_queries
from compliance_api.workspace.cache import Cache
from compliance_api.workspace.kql import literal
from compliance_api.workspace.workspace import Question, Table, Workspace
from publisher.errors import MalformedAnswer

_QUERY_SECONDS: Final = 60
_LARGEST_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Ten times what 5,000 applications take."""

_JUDGED_BEFORE_RUN: Final = timedelta(days=2)
"""How far before the latest run a result still counts: as far as an alert rule can look back (FACTS 4.3)."""

_HISTORY: Final = "P30D"
"""How far back we look for the latest run."""

_FLEET: Final = "fleet"
Rows = list[dict[str, Any]]


class Compliance:
    """Cached answers of the workspace. All methods raise the AzureFailures of `publisher.errors`."""

    def __init__(
        self,
        settings: ApiSettings,
        workspace: Workspace | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.workspace = workspace or Workspace(settings)
        self._cache = Cache(settings.cache_lifetime)
        self._clock = clock

    async def fleet(self) -> Fleet:
        """Return every registered application as of the latest completed run."""
        return await self._cache.get(_FLEET, self._fleet)

    async def runs(self, timespan: str) -> Rows:
        """Return the completed runs of a time span, latest first."""
        return await self._saved("collector_runs", timespan)

    async def history(self, timespan: str) -> Rows:
        """Return the fleet in numbers for each completed run of a time span, oldest first."""
        return await self._saved("fleet_history", timespan)

    async def details(self, application: Application, run: Run) -> tuple[Rows, Rows]:
        """Return the application's assignments and its violations, as rows of the saved queries."""
        return await self._cache.get((application.key, run.id), lambda: self._details(application, run))

    async def saved(self, name: str, timespan: str) -> Table:
        """Return the answer to a saved query, complete or not; KeyError when there is none of this name."""
        return await self._cache.get((name, timespan), lambda: self._query(saved_queries.text(name), timespan))

    async def ask(self, question: Question) -> Table:
        """Return the answer to any question, complete or not; cached like the others."""
        return await self._cache.get(question, lambda: self.workspace.ask(question))

    async def _fleet(self) -> Fleet:
        latest = (await self._complete(saved_queries.text("latest_run"), _HISTORY)).as_dicts()
        if not latest:
            return fleet_of([], [])
        judged = self._judged_timespan(datetime.fromisoformat(latest[0]["TimeGenerated"]))
        applications = await self._complete(saved_queries.text("applications"), judged)
        return fleet_of(applications.as_dicts(), latest)

    async def _details(self, application: Application, run: Run) -> tuple[Rows, Rows]:
        only = f"\n| where Application_id == tolower({literal(application.id)})"
        judged = self._judged_timespan(run.time)
        # The states that stand are those of the last read, which can be older than what is judged.
        since = min(run.time - _JUDGED_BEFORE_RUN, application.last_read or run.time)
        assignments, resources = await asyncio.gather(
            self._complete(saved_queries.text("assignments") + only, judged),
            self._complete(saved_queries.text("noncompliant_resources") + only, self._until_now(since, run.time)),
        )
        return assignments.as_dicts(), resources.as_dicts()

    async def _saved(self, name: str, timespan: str) -> Rows:
        return _require_complete(await self.saved(name, timespan)).as_dicts()

    async def _complete(self, query: str, timespan: str) -> Table:
        return _require_complete(await self._query(query, timespan))

    async def _query(self, query: str, timespan: str) -> Table:
        return await self.workspace.ask(Question(query, timespan, _QUERY_SECONDS, _LARGEST_ANSWER_BYTES))

    def _judged_timespan(self, run_time: datetime) -> str:
        return self._until_now(run_time - _JUDGED_BEFORE_RUN, run_time)

    def _until_now(self, since: datetime, run_time: datetime) -> str:
        return interval(since, max(self._clock(), run_time) + timedelta(hours=1))


def _require_complete(table: Table) -> Table:
    """Return the table; MalformedAnswer when rows are missing, because those would look as if they did not exist."""
    if table.incomplete:
        raise MalformedAnswer(f"the workspace answered in part only: {table.incomplete}", code="PartialAnswer")
    return table
