"""The sandbox's time: the real one, moved or stopped when a story or a test needs days to pass."""

from __future__ import annotations

import datetime as dt


class Clock:
    """Calling it gives the sandbox's present moment (aware, UTC). Policy evaluations and the workspace live by it.

    Tokens and certificates live in real time, because the product's own clock judges them.
    """

    def __init__(self) -> None:
        self._offset = dt.timedelta()
        self._stopped_at: dt.datetime | None = None

    def __call__(self) -> dt.datetime:
        """Return the present moment."""
        return (self._stopped_at or dt.datetime.now(dt.UTC)) + self._offset

    def advance(self, by: dt.timedelta) -> None:
        """Lets time pass at once."""
        self._offset += by

    def stop(self, at: dt.datetime) -> None:
        """From now on it is `at`, until `advance` moves it."""
        self._stopped_at, self._offset = at, dt.timedelta()

    def reset(self) -> None:
        """Real time again."""
        self._stopped_at, self._offset = None, dt.timedelta()
