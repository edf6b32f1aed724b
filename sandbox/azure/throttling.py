"""Plays Azure Resource Manager's throttling: a token bucket for each subscription and principal.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling (reads per
subscription and service principal: a bucket of 250, refilled at 25 a second).
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from sandbox.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

REMAINING_HEADER = "x-ms-ratelimit-remaining-subscription-reads"
DEFAULT_CAPACITY = 250


class Throttle:
    """Buckets that fill again while time passes. Without `limit` nothing is refused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._capacity = float(DEFAULT_CAPACITY)
        self._refill_per_second = math.inf
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}
        self.allowed = 0
        self.refused = 0

    def limit(self, capacity: int, refill_per_second: float) -> None:
        """From now on each bucket holds `capacity` reads and regains `refill_per_second`."""
        self._capacity, self._refill_per_second = float(capacity), refill_per_second
        self._buckets.clear()

    def unlimit(self) -> None:
        """Nothing is refused any more."""
        self.limit(DEFAULT_CAPACITY, math.inf)

    def read(self, subscription_id: str, principal_id: str) -> dict[str, str]:
        """Takes one read out of the bucket; returns the header that tells how many are left.

        Raises RefusedError 429 with Retry-After (whole seconds until there is a read again) when it is empty.
        """
        if self._refill_per_second == math.inf:
            self.allowed += 1
            return {REMAINING_HEADER: str(DEFAULT_CAPACITY - 1)}
        key, now = (subscription_id.lower(), principal_id), self._clock()
        level, since = self._buckets.get(key, (self._capacity, now))
        level = min(self._capacity, level + (now - since) * self._refill_per_second)
        if level < 1:
            self._buckets[key] = (level, now)
            self.refused += 1
            seconds = max(1, math.ceil((1 - level) / self._refill_per_second))
            raise RefusedError(
                429,
                "ResourceRequestsThrottled",
                f"Number of requests for subscription '{subscription_id}' exceeded the limit of "
                f"'{self._capacity:.0f}'. Please try again after '{seconds}' seconds.",
                {"Retry-After": str(seconds), REMAINING_HEADER: "0"},
            )
        self._buckets[key] = (level - 1, now)
        self.allowed += 1
        return {REMAINING_HEADER: str(int(level - 1))}
