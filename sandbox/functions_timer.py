"""Timer triggers of the Functions host: NCRONTAB schedules in UTC, one invocation at a time."""

from __future__ import annotations

import asyncio
import inspect
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import azure.functions as func
from croniter import croniter

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger("sandbox.functions_host")
FIELDS_WITH_SECONDS = 6


class Timer(func.TimerRequest):
    """What a timer function is given."""

    @property
    def past_due(self) -> bool:
        """This host never fires late."""
        return False


class TimerFunction:
    """One function with a timer trigger; ``schedule`` is NCRONTAB with five fields, or six with seconds first."""

    def __init__(self, function: func.Function, argument: str, schedule: str) -> None:
        self.name = function.get_function_name() or ""
        self._call = function.get_user_function()
        self._argument = argument
        self._schedule = schedule
        self._running = asyncio.Lock()

    async def invoke(self) -> None:
        """Run the function once; an invocation that is under way delays this one, as on Azure."""
        async with self._running:
            answer = self._call(**{self._argument: Timer()})
            if inspect.isawaitable(answer):
                await answer

    def occurrences(self, start: datetime) -> Iterator[datetime]:
        """Yield the moments after ``start`` at which the timer is due."""
        has_seconds = len(self._schedule.split()) == FIELDS_WITH_SECONDS
        cron = croniter(self._schedule, start, second_at_beginning=has_seconds)
        while True:
            yield cron.get_next(datetime)

    async def run_on_schedule(self) -> None:
        """Fire at every occurrence until cancelled; occurrences missed by a long invocation are not repeated."""
        while True:
            due = next(self.occurrences(datetime.now(UTC)))
            await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
            await invoke_timer(self)


async def invoke_timer(timer: TimerFunction) -> str | None:
    """Run a timer function and return why it failed, or None. No failure ends the host."""
    try:
        await timer.invoke()
    except Exception as error:
        logger.exception("%s failed", timer.name)
        return f"{type(error).__name__}: {error}"
    logger.info("%s succeeded", timer.name)
    return None
