"""How fast requests are sent to one customer's subscription, so that Azure does not throttle them.

Azure Resource Manager limits reads for each subscription and principal with a token bucket, says in each answer how
many are left, and refuses with 429 and Retry-After when there are none. Source: "Understand how Azure Resource Manager
throttles requests", https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling

- As many requests are sent at once as the last answer said are left, less those under way and less a reserve: the
  webhook and the reconciliation read with the same principal.
- When none are left, one request is sent at a time, at the rate at which the bucket was seen to fill.
- After a 429 nothing is sent to the subscription until Retry-After is over, or a growing pause of our own where that is
  longer, and then one request first.
- Where answers do not say how many are left, the interval between requests is learnt from the answers between two 429.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Protocol

from publisher.errors.kinds import AzureFailure, Throttled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from azure.core.rest import AsyncHttpResponse


REMAINING_READS: Final = "x-ms-ratelimit-remaining-subscription-reads"

_LARGEST_RESERVE: Final = 5
_UNKNOWN_RATE: Final = 1.0
"""Reads a second at which an empty bucket is taken to fill until it was seen to: Retry-After is in whole seconds."""
_SLOWEST_RATE: Final = 1 / 60
_CAUTION: Final = 1.1
"""Factor by which waits are longer than estimated, because answers take now longer, now shorter."""
_LONGEST_WAIT_SECONDS: Final = 30.0


class Waiting(Protocol):
    """The place of an application that is read, given to another application while it waits."""

    def leave(self) -> None:
        """Give the place back."""

    async def occupy(self) -> None:
        """Wait for a place."""

    async def pause(self, seconds: float) -> None:
        """Wait so many seconds while another application uses the place."""


class Pace:
    """The pace of one subscription, shared by all applications in it that are read."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._in_flight = 0
        self._careful = True
        self._not_before = 0.0
        self._refusals = 0
        self._answered = asyncio.Event()
        self._slept_early = 0.0
        self._bucket: _Bucket | None = None
        self._interval = _LearntInterval()

    async def ask(
        self, send: Callable[[], Awaitable[AsyncHttpResponse]], place: Waiting, deadline: float
    ) -> AsyncHttpResponse:
        """Wait until a request may be sent, send it, and return its answer.

        Args:
            send: sends it once.
            place: given to others while waiting.
            deadline: seconds of ``time.monotonic``.

        Raises:
            Throttled: Azure answered 429, or the pause that it asked for ends after the deadline.
        """
        await self._wait_for_turn(place, deadline)
        self._in_flight += 1
        try:
            response = await send()
        except Throttled as refusal:
            self._note_refusal(refusal.retry_after)
            raise
        except AzureFailure as failure:
            self._careful = self._careful and failure.status is None
            raise
        else:
            self._note_answer(response.headers.get(REMAINING_READS))
            return response
        finally:
            self._in_flight -= 1
            self._answered.set()
            self._answered = asyncio.Event()

    async def _wait_for_turn(self, place: Waiting, deadline: float) -> None:
        """Wait until a request may be sent, and count it."""
        while True:
            now = self._now()
            wait = max(self._not_before - now, 0.0)
            if wait and now + wait >= deadline:
                raise Throttled(
                    "Azure's pause for this subscription is longer than the run", code="Throttled", status=429
                )
            if not wait:
                if self._in_flight and (self._careful or (self._bucket is not None and self._bucket.credit < 1)):
                    place.leave()
                    await self._answered.wait()
                    await place.occupy()
                    continue
                wait = self._bucket.wait(now) if self._bucket is not None else self._interval.wait(now)
            if not wait:
                break
            await place.pause(wait)
            # The wait counts in full, also when the injected sleep returned early.
            self._slept_early += max(0.0, now + wait - self._now())
        if self._bucket is not None:
            self._bucket.take()
        else:
            self._interval.take(self._now())

    def _note_answer(self, remaining: str | None) -> None:
        self._careful = False
        self._refusals = 0
        if remaining is None or not remaining.isdecimal():
            self._interval.note_answer(self._now())
            return
        now = self._now()
        if self._bucket is None:
            self._bucket = _Bucket(now)
        self._bucket.note(int(remaining), self._in_flight - 1, now)

    def _note_refusal(self, retry_after: float | None) -> None:
        now = self._now()
        self._careful = True
        wait = max(retry_after or 0.0, min(_LONGEST_WAIT_SECONDS, 2.0**self._refusals))
        self._refusals += 1
        self._not_before = max(self._not_before, now + wait)
        self._interval.note_refusal(now, wait)
        if self._bucket is not None:
            self._bucket.note_empty(now, wait)

    def _now(self) -> float:
        return self._clock() + self._slept_early


class _Bucket:
    """An estimate of Azure's token bucket, from the number of reads that answers say are left."""

    def __init__(self, now: float) -> None:
        self.credit = 0.0
        self._largest = 0
        self._rate = _UNKNOWN_RATE
        self._empty_since = now
        self._seen_level = 0
        self._seen_at: float | None = None
        self._taken = 0

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent."""
        if self.credit >= 1:
            return 0.0
        return max(0.0, self._empty_since + _CAUTION / self._rate - now)

    def take(self) -> None:
        """Count one request that is sent."""
        self.credit = max(0.0, self.credit - 1)

    def note(self, remaining: int, in_flight: int, now: float) -> None:
        """Note how many reads an answer says are left; it may not count the ``in_flight`` other requests."""
        self._largest = max(self._largest, remaining)
        self.credit = remaining - min(_LARGEST_RESERVE, self._largest // 4) - in_flight
        self._taken += 1
        if self.credit < 1:
            self._empty_since = now
        if self._seen_at is not None:
            # Levels are whole reads, so one of those gained may have been there before; and a full bucket fills no
            # further. So this is the least rate at which it fills.
            gained, elapsed = remaining - self._seen_level + self._taken - 1, now - self._seen_at
            if elapsed > 0:
                self._rate = max(self._rate, gained / elapsed)
        if self._seen_at is None or remaining > self._largest // 2:
            self._seen_at, self._seen_level, self._taken = now, remaining, 0

    def note_empty(self, now: float, wait: float) -> None:
        """Note that a request was refused, and after how many seconds there will be a read again."""
        self.credit = 0.0
        self._rate = max(_SLOWEST_RATE, min(self._rate, 1 / max(wait + now - self._empty_since, 0.1)))
        self._empty_since = now
        self._seen_at = None


class _LearntInterval:
    """The time between two requests where answers do not say how many reads are left: none until the first 429."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._floor = 0.0
        self._next = 0.0
        self._since = 0.0
        self._answers = 0
        self._refused = False

    def wait(self, now: float) -> float:
        """Return the seconds until the next request may be sent."""
        return max(0.0, self._next - now)

    def take(self, now: float) -> None:
        """Count one request that is sent now."""
        self._next = now + self._seconds

    def note_answer(self, now: float) -> None:
        """Note a successful answer: shorten the interval, and only slightly once it is at what went well before."""
        if now < self._since:
            return  # sent before the refusal
        self._answers += 1
        self._seconds *= 0.9 if self._seconds > self._floor else 0.998

    def note_refusal(self, now: float, wait: float) -> None:
        """Note a refusal and its pause in seconds."""
        if now >= self._since:  # the first refusal, not those of requests that were under way with it
            if self._answers and self._refused:
                self._seconds = self._floor = _CAUTION * (now - self._since) / self._answers
            else:
                self._seconds = max(self._seconds, wait)
            self._answers = 0
            self._refused = True
        self._since = max(self._since, now + wait)
