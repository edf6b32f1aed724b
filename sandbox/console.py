"""The console that the sandbox's commands print to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from rich.console import Console

if TYPE_CHECKING:
    from typing import TextIO

WIDTH_WITHOUT_TERMINAL: Final = 120
WIDEST: Final = 130


def open_console(stream: TextIO | None = None) -> Console:
    """Return a console for a stream (standard output by default); 120 columns wide when that is no terminal."""
    stream = stream or sys.stdout
    if not stream.isatty():
        return Console(file=stream, width=WIDTH_WITHOUT_TERMINAL, highlight=False)
    console = Console(file=stream, highlight=False)
    console.width = min(console.width, WIDEST)
    return console
