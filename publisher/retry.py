"""Our own retries, around single calls whose SDK retries are off.

The SDK's policy sleeps for any Retry-After without a bound, and does not repeat a POST whose connection broke
(FACTS 2.11). Here every wait fits the caller's deadline, and the kind of failure decides what is repeated.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from azure.core.exceptions import DecodeError

from publisher.errors.answers import as_failure
from publisher.errors.kinds import DeadlineExceeded, TimedOut, TransientFailure

_LOGGER = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

Sleep = Callable[[float], Awaitable[None]]
"""Waits for a number of seconds."""

DEFAULT_ATTEMPTS: Final = 6
ATTEMPTS_WITHOUT_ANSWER: Final = 2
"""Attempts that may end without an answer: each costs a whole read time-out, and the next rarely does better."""

_FIRST_DELAY_SECONDS: Final = 0.5
_LONGEST_DELAY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How a client's calls are repeated when they fail for a reason that may pass.

    `attempts` is how often a call is made at most, `deadline` when the last attempt must be over (seconds of
    `time.monotonic`), and `sleep` waits between attempts.
    """

    attempts: int = DEFAULT_ATTEMPTS
    deadline: float = math.inf
    sleep: Sleep = asyncio.sleep


USUAL_PATIENCE: Final = Patience()


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

    Waits grow from half a second to half a minute, with jitter; Azure's Retry-After can only make them longer. When the
    next wait would not fit before `deadline` (seconds of `clock`), after `attempts` calls, or when two of them had no
    answer, the last failure is raised. A call that is under way at the deadline is cancelled. Everything that the Azure
    SDKs raise is raised as an AzureFailure; exceptions of other kinds pass unchanged.
    """
    unanswered = 0
    for number in range(1, attempts + 1):
        try:
            return await _in_time(attempt, deadline - clock())
        except Exception as error:
            failure = as_failure(error)
            if failure is None:
                raise
            unanswered += isinstance(failure, TimedOut)
            is_last = number == attempts or unanswered == ATTEMPTS_WITHOUT_ANSWER
            wait = _wait_before_next(failure, number, jitter) if isinstance(failure, TransientFailure) else None
            if wait is None or is_last or clock() + wait >= deadline:
                if failure is error:
                    raise
                # A DecodeError quotes the whole answer, which must not get into a log with the traceback.
                raise failure from (None if isinstance(error, DecodeError) else error)
            _LOGGER.debug("attempt %d failed (%s), next in %.1f s", number, failure.code, wait)
        await sleep(wait)
    raise AssertionError("attempts must be at least 1")


def _wait_before_next(failure: TransientFailure, number: int, jitter: Callable[[], float]) -> float | None:
    """Return the seconds to wait after attempt `number`, or None when the failure must not be repeated."""
    if isinstance(failure, DeadlineExceeded):
        return None
    longest = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0 ** (number - 1))
    own = longest * (0.5 + 0.5 * jitter())
    if failure.retry_after is None:
        return own
    # A wish of 0, of a time in the past or of always the same second was reported (FACTS 11.5): it is a minimum.
    return max(own, failure.retry_after + jitter() * min(1.0, failure.retry_after))


async def _in_time(attempt: Callable[[], Awaitable[_Answer]], seconds: float) -> _Answer:
    """Return what `attempt` returns; raise DeadlineExceeded when it takes longer than `seconds`."""
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
