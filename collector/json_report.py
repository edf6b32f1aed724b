"""What ``python -m collector --json`` prints: one JSON object."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from publisher.texts import harmless, plain_json

if TYPE_CHECKING:
    from types import TracebackType

    from collector.reporting.outcomes import ApplicationResult, RunSummary
    from publisher.settings import SettingsError

INTERRUPTED: Final = "Interrupted: no run row was written, so alerts keep judging the last completed run."
_KEPT_IN_MEMORY_BYTES: Final = 1 << 20
_COUNTED: Final = ("states", "noncompliant_states", "foreign_states")
"""What a read counts."""


class JsonReport:
    """Used like Console. Results wait in a temporary file, so that a large fleet needs no more memory."""

    def __init__(self) -> None:
        self._results = tempfile.SpooledTemporaryFile(_KEPT_IN_MEMORY_BYTES)  # noqa: SIM115 - closed with the report

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._results.close()

    def add(self, result: ApplicationResult) -> None:
        """Take one application's final result."""
        if self._results.tell():
            self._results.write(b",")
        document = {**asdict(result), "outcome": result.outcome.value}
        counts = {name: result.counted(document[name]) for name in _COUNTED}
        self._results.write(plain_json(orjson.dumps(document | counts)))

    def show_summary(self, summary: RunSummary, error: str | None) -> None:
        """Print the object: the run's identity and totals, why the command fails, and every application's result."""
        self._results.seek(0)
        totals = plain_json(orjson.dumps({**summary.totals(), "error": error}))
        sys.stdout.buffer.write(totals[:-1] + b',"applications":[')
        shutil.copyfileobj(self._results, sys.stdout.buffer)
        sys.stdout.buffer.write(b"]}\n")
        sys.stdout.flush()

    def show_bad_settings(self, error: SettingsError) -> None:
        """Print every bad setting."""
        document: dict[str, Any] = {"error": "bad settings", "settings": list(error.problems)}
        sys.stdout.buffer.write(plain_json(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)))
        sys.stdout.flush()
        sys.stderr.write("\n  ".join(("Bad settings:", *map(harmless, error.problems))) + "\n")

    def show_interrupted(self) -> None:
        """Print what an interrupted run means for alerts."""
        sys.stderr.write(f"{INTERRUPTED}\n")
