"""Ends a command at a signal through SystemExit, so that child processes are ended and temporary files removed."""

from __future__ import annotations

import signal
from typing import Final, NoReturn

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_asked: list[int] = []


def exit_on_signals(*, after_cleaning_up: int | None) -> None:
    """Raise SystemExit at the first signal, and ignore all that follow.

    The exit status is the one given, or by default the shell's for a signal.
    """

    def leave(number: int, _frame: object) -> NoReturn:
        for one in SIGNALS:  # cleaning up takes a moment, which a second Ctrl-C must not cut short
            signal.signal(one, signal.SIG_IGN)
        _asked.append(128 + number if after_cleaning_up is None else after_cleaning_up)
        raise SystemExit(_asked[0])

    for one in SIGNALS:
        signal.signal(one, leave)


def exit_status() -> int | None:
    """Return the exit status when a signal has asked to leave, else None.

    Whoever handles an exception asks here first: when the signal comes during a query, DuckDB raises a RuntimeError of
    its own instead of the SystemExit.
    """
    return _asked[0] if _asked else None
