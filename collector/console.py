"""What ``python -m collector`` prints for people: live progress, and tables at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from rich.console import Console as Terminal
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from collector.json_report import INTERRUPTED
from publisher.texts import harmless
from verdicts.outcome import READ_OUTCOMES

if TYPE_CHECKING:
    from types import TracebackType

    from collector.reporting.outcomes import ApplicationResult, RunSummary
    from publisher.settings import SettingsError

_NOT_KNOWN: Final = "?"
MOST_ROWS_SHOWN: Final = 40
"""Applications in the table; --json has all of them."""


class Console:
    """Shows progress while it is entered; ``add`` takes each result, ``show_summary`` prints the tables."""

    def __init__(self) -> None:
        self._results: list[ApplicationResult] = []
        self._unread = self._states = self._count = 0
        self._terminal = Terminal()
        self._errors = Terminal(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[applications]} applications, {task.fields[states]} states"),
            TextColumn("[red]{task.fields[unread]} not read"),
            TimeElapsedColumn(),
            console=self._errors,
            transient=True,
            disable=not self._errors.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, applications=0, states=0, unread=0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def add(self, result: ApplicationResult) -> None:
        """Take one application's final result."""
        unread = result.outcome not in READ_OUTCOMES
        if (self._unread if unread else self._count - self._unread) < MOST_ROWS_SHOWN:
            self._results.append(result)
        self._count += 1
        self._states += result.states
        self._unread += unread
        self._progress.update(self._task, applications=self._count, states=self._states, unread=self._unread)

    def show_summary(self, summary: RunSummary, error: str | None) -> None:
        """Print the tables at the end of a run; ``error`` says why the command fails, if it does."""
        self._progress.stop()
        if self._results:
            self._terminal.print(self._applications_table())
        self._terminal.print(_totals_table(summary))
        if error:
            self._errors.print(Text(harmless(error), style="red"))

    def show_bad_settings(self, error: SettingsError) -> None:
        """Print every bad setting."""
        self._errors.print(Text("Bad settings:", style="red"))
        for problem in error.problems:
            self._errors.print(Text(harmless(f"  {problem}")), soft_wrap=True)

    def show_interrupted(self) -> None:
        """Print what an interrupted run means for alerts."""
        self._errors.print(INTERRUPTED)

    def _applications_table(self) -> Table:
        shown = sorted(self._results, key=lambda result: (result.outcome in READ_OUTCOMES, -result.noncompliant_states))
        more = self._count - MOST_ROWS_SHOWN
        table = Table(title="Applications", title_justify="left", caption=f"and {more} more" if more > 0 else None)
        for column, justify in (
            ("Application", "left"),
            ("Subscription", "left"),
            ("Outcome", "left"),
            ("States", "right"),
            ("Non-compliant", "right"),
            ("Open", "right"),
            ("Checks", "right"),
            ("Compliance", "left"),
            ("Why", "left"),
        ):
            table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type] # rich's own literal
        for result in shown[:MOST_ROWS_SHOWN]:
            table.add_row(
                Text(harmless(result.application_name or result.application_id)),
                Text(result.customer_subscription_id),
                Text(result.outcome.value, style="green" if result.outcome in READ_OUTCOMES else "red"),
                _known(result.counted(result.states)),
                Text(
                    _known(result.counted(result.noncompliant_states)),
                    style="yellow" if result.noncompliant_states else "",
                ),
                _known(result.open_violations),
                "" if result.check_violations is None else str(result.check_violations),
                _stands(result),
                Text(harmless(f"{result.error_code}: {result.error_message}") if result.error_code else ""),
            )
        return table


def _known(count: int | None) -> str:
    return _NOT_KNOWN if count is None else str(count)


def _stands(result: ApplicationResult) -> str:
    """Return what is known of an application, with the date when it could not be read just now."""
    known = result.compliance or _NOT_KNOWN
    is_old = result.outcome not in READ_OUTCOMES and result.last_read
    return f"{known} as of {result.last_read}" if is_old else known


def _totals_table(summary: RunSummary) -> Table:
    table = Table(title=f"Run {summary.run.run_id}", title_justify="left", show_header=False)
    totals = summary.totals()["totals"]
    for name, value in totals.items():
        if name == "outcomes":
            for outcome, count in value.items():
                table.add_row(f"  {outcome}", str(count))
        else:
            table.add_row(name.replace("_", " "), str(value))
    return table
