"""What every hook does around its work: one line for what a person has to repair, and no traceback."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class HookError(Exception):
    """A hook cannot go on. The message is one line that says what is wrong and what to do."""


def run_hook(main: Callable[[], int]) -> int:
    """Return the exit status of `main`; 1 with one line on standard error when it could not finish.

    Handled are a HookError, a file that cannot be read or written, a reader of the output that went away, an
    interruption, and a console that cannot show a character of what Azure said.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who called: what is written goes nowhere
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Without this, Python would try to flush the closed pipe again at its end and complain about that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _failed("the reader of the output closed it early: run the command again without the pipe")
    except KeyboardInterrupt:
        return _failed("interrupted: run the command again")
    except HookError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename or 'a file'}: {error.strerror or error}")
    return status


def _failed(line: str) -> int:
    sys.stderr.write(f"problem: {line}\n")
    return 1
