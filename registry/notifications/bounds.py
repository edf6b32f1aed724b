"""How many notifications are told and kept, so that who has key and signature of the webhook fills neither table.

What is above is counted and told in few rows. Nobody is forgotten for that: an application that is registered is asked
about all the same, and one that is not is found by the nightly discovery when it is ours.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from registry.notifications.pending_table import PendingTable

STRANGERS: Final = "applications that are not registered"
NO_PLACE: Final = "applications for which there is no place to wait"

MOST_ABOUT_STRANGERS: Final = 600
"""Notifications told in an hour by one instance about all applications together that have no row in the registry."""

MOST_ABOUT_ONE: Final = 60
"""The same about one application that has a row."""

MOST_WAITING: Final = 10_000
"""Applications without a row in the registry that may wait to be asked about."""

_COUNTED_FOR: Final = timedelta(minutes=1)


class Bounds:
    """The counts of one instance; those of an hour are forgotten with it."""

    def __init__(self) -> None:
        self._hour: datetime | None = None
        self._taken: Counter[str] = Counter()
        self._waiting = 0
        self._counted_at: datetime | None = None

    @contextmanager
    def counted(self, about: str, most: int, now: datetime) -> Iterator[int]:
        """Count one more notification of this hour; yield how many are above the bound, 0 while it is kept.

        One that cannot be taken in does not count: the queue delivers it again.
        """
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._taken = hour, Counter()
        counts = self._taken
        counts[about] += 1
        try:
            yield max(0, counts[about] - most)
        except BaseException:
            counts[about] -= 1
            raise

    async def is_full(self, pending: PendingTable, now: datetime) -> bool:
        """Tell whether as many applications wait as may; they are counted once a minute, while strangers are told of.

        Raises the AzureFailure of the table.
        """
        if self._counted_at is None or not timedelta(0) <= now - self._counted_at < _COUNTED_FOR:
            self._waiting, self._counted_at = await pending.count(MOST_WAITING), now
        return self._waiting >= MOST_WAITING


def is_told(above: int) -> bool:
    """Tell whether a row says how many are above the bound by now: at the first, the tenth, the hundredth and so on."""
    return above > 0 and str(above).strip("0") == "1"
