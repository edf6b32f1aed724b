"""When uploaded rows become visible to queries: at once, late by a random delay, or never.

Azure promises no order in which rows of different tables, or of different requests to one table, become visible
(FACTS 11.2), and rows can be dropped after the upload was accepted. A model is asked once for each request, because
the rows of one request become visible together.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection


class Arrival(Protocol):
    """Says how long after their receipt the rows of a request become visible."""

    def __call__(self, table: str) -> timedelta | None:
        """Return the delay for a request to this table; None: its rows are dropped."""
        ...


def at_once(table: str) -> timedelta | None:
    """Let every row be visible as soon as it is received."""
    del table
    return timedelta()


class RandomDelay:
    """Delays each request by a random time; the same seed gives the same delays to the same requests.

    Args:
        seed: of the random numbers.
        most: the longest delay.
        tables: the tables that are late; None: all.
    """

    def __init__(self, seed: int, most: timedelta = timedelta(hours=1), tables: Collection[str] | None = None) -> None:
        self._dice: Final = random.Random(seed)  # noqa: S311 - a model, no secret
        self._most = most
        self._tables = tables

    def __call__(self, table: str) -> timedelta | None:
        """See Arrival."""
        late = self._tables is None or table in self._tables
        return self._most * self._dice.random() if late else timedelta()


class Delay:
    """Delays every request to some tables by the same time."""

    def __init__(self, by: timedelta, *tables: str) -> None:
        self._by = by
        self._tables = tables

    def __call__(self, table: str) -> timedelta | None:
        """See Arrival."""
        return self._by if table in self._tables else timedelta()


class Dropped:
    """Drops every row of some tables although the upload is accepted."""

    def __init__(self, *tables: str) -> None:
        self._tables = tables

    def __call__(self, table: str) -> timedelta | None:
        """See Arrival."""
        return None if table in self._tables else timedelta()
