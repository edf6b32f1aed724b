"""The sandbox's clock: real time, which a test can move or stop."""

from __future__ import annotations

import datetime as dt


class Clock:
    """Calling it returns the sandbox's time (aware, UTC), which policy evaluations and the workspace use.

    Tokens and certificates use real time, because the product checks them against its own clock.
    """

    def __init__(self) -> None:
        self._offset = dt.timedelta()
        self._stopped_at: dt.datetime | None = None

    def __call__(self) -> dt.datetime:
        """Return the present moment."""
        return (self._stopped_at or dt.datetime.now(dt.UTC)) + self._offset

    def advance(self, by: dt.timedelta) -> None:
        """Moves the time forward."""
        self._offset += by

    def stop(self, at: dt.datetime) -> None:
        """Stops the time at `at`; `advance` still moves it."""
        self._stopped_at, self._offset = at, dt.timedelta()

    def reset(self) -> None:
        """Real time again."""
        self._stopped_at, self._offset = None, dt.timedelta()
