"""Our own retries, around single calls whose SDK retries are off.

The SDK's policy sleeps for any Retry-After without a bound, and does not repeat a POST whose connection broke
(FACTS 2.11). Here every wait fits the caller's deadline, and what is repeated is decided by the kind of failure.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from azure.core.exceptions import DecodeError

from publisher.errors import DeadlineExceeded, TimedOut, TransientFailure, as_failure

_LOGGER = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

Sleep = Callable[[float], Awaitable[None]]
"""Waits so many seconds."""

DEFAULT_ATTEMPTS: Final = 6
ATTEMPTS_WITHOUT_ANSWER: Final = 2
"""A silent service costs a whole read time-out for each attempt, and is rarely less silent the next time."""

_FIRST_DELAY_SECONDS: Final = 0.5
_LONGEST_DELAY_SECONDS: Final = 30.0


async def with_retries(
    attempt: Callable[[], Awaitable[_Answer]],
    *,
    deadline: float,
    attempts: int = DEFAULT_ATTEMPTS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Sleep = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> _Answer:
    """Return what `attempt` returns, repeating it after transient failures.

    Waits grow from half a second to half a minute, with jitter; Azure's Retry-After replaces them. When the next wait
    would not fit before `deadline` (seconds of `clock`), after `attempts` calls, or when the service was silent on two
    of them, the last failure is raised as it is; a call that is under way at the deadline is cancelled. Raises an
    AzureFailure for everything the Azure SDKs raise; exceptions of other kinds pass unchanged.
    """
    silences = 0
    for number in range(1, attempts + 1):
        try:
            return await _in_time(attempt, deadline - clock())
        except Exception as error:
            failure = as_failure(error)
            if failure is None:
                raise
            silences += isinstance(failure, TimedOut)
            is_last = number == attempts or silences == ATTEMPTS_WITHOUT_ANSWER
            wait = _wait_before_next(failure, number, jitter) if isinstance(failure, TransientFailure) else None
            if wait is None or is_last or clock() + wait >= deadline:
                if failure is error:
                    raise
                # A DecodeError quotes the whole answer, which whoever logs the causes would log with it.
                raise failure from (None if isinstance(error, DecodeError) else error)
            _LOGGER.debug("attempt %d failed (%s), next in %.1f s", number, failure.code, wait)
        await sleep(wait)
    raise AssertionError("attempts must be at least 1")


def _wait_before_next(failure: TransientFailure, number: int, jitter: Callable[[], float]) -> float | None:
    if isinstance(failure, DeadlineExceeded):
        return None
    if failure.retry_after is not None:
        return failure.retry_after + jitter() * min(1.0, failure.retry_after)
    longest = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0 ** (number - 1))
    return longest * (0.5 + 0.5 * jitter())


async def _in_time(attempt: Callable[[], Awaitable[_Answer]], seconds: float) -> _Answer:
    if seconds <= 0:
        raise DeadlineExceeded("no time was left for the call", code="DeadlineExceeded")
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await attempt()
    except TimeoutError as error:
        if limit.expired():
            raise DeadlineExceeded("the time for the call ran out", code="DeadlineExceeded") from error
        raise
