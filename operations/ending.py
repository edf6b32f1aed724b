"""What happens to a command whose process is ended, or whose shell is closed: it stops as with Ctrl-C, and tells."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES: Final = ("SIGTERM", "SIGHUP")
"""Windows has no SIGHUP."""


@contextmanager
def ends_as_interrupted() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt what runs inside, so that its audit row is stored.

    The first of them counts: a closing shell sends more than one, and a second interrupt would not wait for the row.
    Who ignores one, as nohup does, goes on ignoring it; that a script's background command ignores Ctrl-C keeps it from
    nothing else.
    """
    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        yield
        return
    numbers = [number for name in _NAMES if (number := getattr(signal, name, None)) is not None]
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]

    def interrupt(_number: int, _frame: object) -> None:
        for number in ours:
            signal.signal(number, signal.SIG_IGN)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    for number in ours:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
