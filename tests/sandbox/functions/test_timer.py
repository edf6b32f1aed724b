"""Timers fire by NCRONTAB in UTC, one invocation at a time, and no failure ends the host."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import azure.functions as func
import pytest

from sandbox.functions.index import index_functions
from sandbox.functions.timer import TimerFunction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

START = datetime(2026, 2, 27, 12, 0, 10, tzinfo=UTC)  # a Friday


class PlayedTime:
    """A clock that only sleeping moves; each sleep ends `early` before it should."""

    def __init__(self, early: timedelta = timedelta()) -> None:
        self.now = START
        self.early = early

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now = max(self.now, self.now + timedelta(seconds=seconds) - self.early)
        await asyncio.sleep(0)


def a_timer(work: Callable[[], Awaitable[None]], schedule: str, **time: Any) -> TimerFunction:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule=schedule)
    async def tick(timer: func.TimerRequest) -> None:
        assert isinstance(timer, func.TimerRequest)
        assert timer.past_due is False
        await work()

    [function] = index_functions(app)
    return TimerFunction(function, schedule, **time)


async def nothing() -> None: ...


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        ("0 0 * * * *", "2026-02-27 13:00:00"),
        ("*/20 * * * * *", "2026-02-27 12:00:20"),
        ("0 */15 * * * *", "2026-02-27 12:15:00"),
        ("15 3 * * *", "2026-02-28 03:15:00"),
        ("0 17 3 * * *", "2026-02-28 03:17:00"),
        ("0 0 9-17/4 * * Mon-Fri", "2026-02-27 13:00:00"),
        ("0 0 0 29 Feb *", "2028-02-29 00:00:00"),
        ("0 0 0 13 * Fri", "2026-03-13 00:00:00"),
        ("0 30 23 * * 0", "2026-03-01 23:30:00"),
    ],
)
def test_the_next_occurrence_of_an_ncrontab_schedule(schedule: str, following: str) -> None:
    assert f"{a_timer(nothing, schedule).next_occurrence(START):%Y-%m-%d %H:%M:%S}" == following


@pytest.mark.parametrize("early", [timedelta(), timedelta(milliseconds=3)])
async def test_a_timer_fires_once_at_each_occurrence_even_when_a_sleep_ends_early(early: timedelta) -> None:
    time, fired = PlayedTime(early), list[str]()

    async def work() -> None:
        fired.append(f"{time.now + early:%H:%M:%S}")
        if len(fired) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await a_timer(work, "*/20 * * * * *", clock=time.clock, sleep=time.sleep).run_on_schedule()
    assert fired == ["12:00:20", "12:00:40", "12:01:00"]


async def test_occurrences_that_a_long_invocation_covers_are_not_made_up_for() -> None:
    time, fired = PlayedTime(), list[str]()

    async def work() -> None:
        fired.append(f"{time.now:%H:%M:%S}")
        time.now += timedelta(seconds=50)
        if len(fired) == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await a_timer(work, "*/20 * * * * *", clock=time.clock, sleep=time.sleep).run_on_schedule()
    assert fired == ["12:00:20", "12:01:20"]


async def test_a_failing_timer_keeps_its_schedule() -> None:
    time, fired = PlayedTime(), list[str]()

    async def work() -> None:
        fired.append(f"{time.now:%H:%M:%S}")
        raise asyncio.CancelledError if len(fired) == 2 else RuntimeError("no luck")

    with pytest.raises(asyncio.CancelledError):
        await a_timer(work, "*/20 * * * * *", clock=time.clock, sleep=time.sleep).run_on_schedule()
    assert fired == ["12:00:20", "12:00:40"]


async def test_invocations_of_one_timer_never_overlap_and_each_tells_its_outcome() -> None:
    running = most = 0
    outcomes = iter([None, KeyError("second")])

    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        if error := next(outcomes):
            raise error

    timer = a_timer(work, "0 0 * * * *")
    assert await asyncio.gather(timer.invoke(), timer.invoke()) == [None, "KeyError: 'second'"]
    assert most == 1
