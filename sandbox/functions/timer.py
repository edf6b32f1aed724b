"""Timer triggers of the Functions host: NCRONTAB schedules in UTC, one invocation at a time.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from azure.functions.timer import TimerRequest
from croniter import CroniterError, croniter

from sandbox.functions.index import IndexingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.functions.index import UserFunction

FIELDS: Final = (5, 6)
"""With six fields the first one is the second; five begin with the minute."""

_FIELD: Final = re.compile(r"(?:[0-9*,/-]|[A-Za-z]{3})+")
"""NCRONTAB has none of cron's extensions (L, #, @hourly): letters are names of months and days."""


def _now() -> datetime:
    return datetime.now(UTC)


class TimerFunction:
    """One function with a timer trigger.

    Args:
        function: what to run.
        schedule: NCRONTAB, its settings resolved; IndexingError when it is none.
        clock: aware UTC time.
        sleep: waits a number of seconds.
    """

    def __init__(
        self,
        function: UserFunction,
        schedule: str,
        *,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = function.name
        self._function = function
        self._schedule = schedule
        self._clock = clock
        self._sleep = sleep
        self._running = asyncio.Lock()
        self.next_occurrence(clock())

    async def invoke(self) -> str | None:
        """Run the function once and return why it failed, or None; an invocation that is under way delays this one."""
        async with self._running:
            try:
                await self._function.invoke(TimerRequest(past_due=False))
            except Exception as error:  # noqa: BLE001 - no failure of a function ends the host
                return f"{type(error).__name__}: {error}"
        return None

    def next_occurrence(self, after: datetime) -> datetime:
        """Return the first moment after `after` at which the timer is due; raise IndexingError for a bad schedule."""
        fields = self._schedule.split()
        if len(fields) not in FIELDS or not all(map(_FIELD.fullmatch, fields)):
            raise self._bad_schedule()
        try:
            # day_or=False: a day must fit both of its fields, as in NCRONTAB, where cron takes either.
            cron = croniter(self._schedule, after, second_at_beginning=len(fields) == max(FIELDS), day_or=False)
            occurrence: datetime = cron.get_next(datetime)
        except CroniterError as error:
            raise self._bad_schedule() from error
        return occurrence

    async def run_on_schedule(self) -> None:
        """Fire at every occurrence until cancelled; occurrences missed by a long invocation are not repeated."""
        due = self._clock()
        while True:
            # Not before `due` again: a sleep may end a moment early.
            due = self.next_occurrence(max(due, self._clock()))
            await self._sleep(max(0.0, (due - self._clock()).total_seconds()))
            await self.invoke()

    def _bad_schedule(self) -> IndexingError:
        return IndexingError(f"{self.name}: {self._schedule[:100]!r} is no NCRONTAB schedule (six fields, or five)")
