"""The output of ``python -m operations``: tables for people, or one JSON object."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from rich.console import Console as Terminal
from rich.table import Table
from rich.text import Text

from operations.arguments import BAD_USAGE
from publisher.texts import harmless, plain_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from publisher.environment import SettingsError
    from publisher.resource_ids import ApplicationId

Tone = Literal["", "good", "bad", "doubtful"]
DONE: Final = 0
NOT_DONE: Final = 1
INTERRUPTED: Final = 130
_STYLES: Final[dict[Tone, str]] = {"": "", "good": "green", "bad": "red", "doubtful": "yellow"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a table, and its tone, which gives its colour."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A table for people; a row has one cell or text for each column."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell | str, ...]]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a command.

    `document` is the JSON object, to which `error` is added; `notes` are lines after the tables. The exit status is 0
    when it is `ok`, 2 for `bad_usage`, 130 when it was `interrupted`, else 1.
    """

    ok: bool
    document: dict[str, Any]
    listings: tuple[Listing, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    bad_usage: bool = False
    interrupted: bool = False

    @property
    def exit_status(self) -> int:
        """The exit status of the program."""
        if self.interrupted:
            return INTERRUPTED
        if self.bad_usage:
            return BAD_USAGE
        return DONE if self.ok else NOT_DONE


class BadUsage(Exception):  # noqa: N818 - named for what it tells
    """The options do not make sense together: exit status 2, with this message."""


class Refused(Exception):  # noqa: N818 - named for what it tells
    """The command does not do what was asked, and nothing was changed: exit status 1, with this message."""


def not_registered(application_id: ApplicationId) -> Report:
    """Return the report about an application that a command needs and the registry does not have."""
    error = f"{application_id} is not in the registry"
    return Report(ok=False, document={"application_id": str(application_id)}, error=error)


class Console:
    """Prints reports to standard output, and errors and progress to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._terminal = Terminal(highlight=False)
        self._errors = Terminal(stderr=True, highlight=False)

    def show(self, report: Report) -> None:
        """Print a report."""
        if self._as_json:
            _print_json({**report.document, "error": report.error})
        else:
            for listing in report.listings:
                self._terminal.print(_table(listing))
            for note in report.notes:
                self._terminal.print(Text(harmless(note)), soft_wrap=True)
        if report.error:
            self._errors.print(Text(harmless(report.error), style="red"), soft_wrap=True)

    def show_listing(self, listing: Listing) -> None:
        """Print a table for people at once, before something is asked."""
        if not self._as_json:
            self._terminal.print(_table(listing))

    def say(self, text: str) -> None:
        """Print a line to standard error."""
        self._errors.print(Text(harmless(text)), soft_wrap=True)

    def show_bad_settings(self, error: SettingsError) -> None:
        """Print every bad setting."""
        if self._as_json:
            _print_json({"error": "bad settings", "settings": list(error.problems)})
        self._errors.print(Text("Bad settings:", style="red"))
        for problem in error.problems:
            self._errors.print(Text(harmless(f"  {problem}")), soft_wrap=True)

    @contextmanager
    def busy(self, doing: str) -> Iterator[Callable[[str], None]]:
        """Show what is being done while it is, on a terminal; yield what replaces the words."""
        if self._errors.is_terminal:
            with self._errors.status(Text(harmless(doing))) as status:
                yield lambda words: status.update(Text(harmless(words)))
        else:
            yield lambda _: None

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there who sees a question and can answer it."""
        return sys.stdin.isatty() and self._errors.is_terminal

    def confirm(self, question: str) -> bool:
        """Ask the operator, on a terminal; without one the answer is no. Ctrl-C raises KeyboardInterrupt at once."""
        if not self.can_ask:
            return False
        # asyncio's own handler only asks the loop to end, which waits for the answer.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self._errors.print(Text(harmless(f"{question} [y/N] ")), end="")
            return sys.stdin.readline().strip().lower() in {"y", "yes"}
        finally:
            signal.signal(signal.SIGINT, before)


def _table(listing: Listing) -> Table:
    table = Table(title=harmless(listing.title) or None, title_justify="left")
    for column in listing.columns:
        table.add_column(column, overflow="fold")
    for row in listing.rows:
        cells = (cell if isinstance(cell, Cell) else Cell(cell) for cell in row)
        table.add_row(*(Text(harmless(cell.text), style=_STYLES[cell.tone]) for cell in cells))
    return table


def _print_json(document: dict[str, Any]) -> None:
    written = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
    sys.stdout.buffer.write(plain_json(written))
    sys.stdout.flush()
