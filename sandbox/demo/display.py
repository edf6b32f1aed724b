"""Prints the demonstration's headings, sentences, tables and checks, on a terminal or into a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console, RenderableType

    from sandbox.alerts.deliveries import Delivery
    from sandbox.demo.checks import Check

GOOD, BAD, ODD, QUIET = "green", "bold red", "yellow", "dim"

_STYLES: Final = {
    "Fired": BAD,
    "Resolved": GOOD,
    "Compliant": GOOD,
    "Succeeded": GOOD,
    "active": GOOD,
    "deleted": QUIET,
    "NonCompliant": BAD,
    "AccessDenied": ODD,
    "200": GOOD,
    "400": ODD,
    "401": ODD,
}
"""Styles of words that have one meaning in every table."""


class Display:
    """Prints a demonstration on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._mark, self._cross = ("✓", "✗") if "utf" in console.encoding.lower() else ("ok:", "FAILED:")
        self._chapter = 0

    def title(self, text: str, explanation: str) -> None:
        """Print the title and what follows."""
        self._console.print(Rule(Text(text, style="bold"), align="left", characters="═", style="bold"))
        self.say(explanation)

    def chapter(self, heading: str) -> None:
        """Begin a numbered chapter."""
        self._chapter += 1
        self._console.print()
        self._console.print(Rule(Text(f"{self._chapter}. {heading}", style="bold cyan"), align="left", style="cyan"))

    def say(self, text: str) -> None:
        """Say some sentences."""
        self._console.print()
        self._console.print(Text(text))

    def line(self, text: str) -> None:
        """Say something that can be copied: it stays one line."""
        self._console.print()
        self._console.print(Text(text), soft_wrap=True)

    @property
    def columns(self) -> int:
        """How wide what is quoted may be."""
        return self._console.width - 2

    def quote(self, text: str) -> None:
        """Show what a command printed."""
        self._console.print(_indented(Text(text.rstrip(), style=QUIET)))

    def check(self, check: Check) -> None:
        """Show a check, and what is wrong when it does not hold."""
        mark, style = (self._mark, GOOD) if check.holds else (self._cross, BAD)
        self._console.print(_indented(Text.assemble((mark, style), f" {check.what}")))
        for problem in check.problems:
            self._console.print(_indented(Text(problem, style=BAD), 4))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Show rows; numbers stand on the right."""
        rows = [list(row) for row in rows]
        self._console.print()
        if not rows:
            self._console.print(_indented(Text.assemble((f"{title}: ", "bold"), ("none", QUIET))))
            return
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style=QUIET)
        for number, column in enumerate(columns):
            is_number = all(isinstance(row[number], int | float) for row in rows)
            table.add_column(column, justify="right" if is_number else "left", overflow="fold")
        for row in rows:
            texts = ["" if cell is None else str(cell) for cell in row]
            table.add_row(*(Text(text, style=_STYLES.get(text, "")) for text in texts))
        self._console.print(_indented(Text(title, style="bold")))
        self._console.print(_indented(table))

    def alerts(self, title: str, alerts: Iterable[Delivery]) -> None:
        """Show alerts as their receiver sees them."""
        rows = [(one.condition, one.severity, one.rule, ", ".join(one.about)) for one in alerts]
        self.table(title, ("Alert", "Severity", "Rule", "About"), rows)

    def log(self, text: str) -> None:
        """Show the end of the Functions hosts' logs."""
        self._console.print(Text("The Functions hosts' logs end so:", style="bold"))
        self._console.print(Text(text, style=QUIET), soft_wrap=True)

    def broken(self, error: BaseException) -> None:
        """Say why the story cannot go on."""
        self._console.print(Text(f"{self._cross} {type(error).__name__}: {error}", style=BAD))

    def end(self, text: str, *, good: bool) -> None:
        """Say how it ended."""
        self._console.print()
        self._console.print(Text(text, style=GOOD if good else BAD))


def _indented(what: RenderableType, columns: int = 2) -> Padding:
    return Padding(what, (0, 0, 0, columns), expand=False)
