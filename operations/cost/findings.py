"""What was found out about the month, before it is printed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from operations.cost import prices
from operations.cost.drivers import Drivers
from operations.cost.estimate import Line, Part, line_of, parts_of
from operations.cost.questions import RESULTS, RUNS, STATES, VERDICTS, Runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.cost.questions import Span, TableIntake
    from operations.doctor.checks import Check

_IN_EVERY_RUN = frozenset({STATES, RESULTS, RUNS, VERDICTS})
"""Tables into which rows come on any day."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator asked for: full days, and the own price of a GB; None for the list price."""

    days: int
    own_price: float | None


@dataclass(frozen=True)
class Findings:
    """What the workspace told about a span, and why not, and the month that follows from it."""

    asked: Asked
    span: Span
    intakes: Sequence[TableIntake]
    refused: Sequence[Check]
    runs: Runs | Check | None
    drivers: Drivers | Check

    @property
    def price(self) -> float:
        """What a GB into Log Analytics costs."""
        return self.asked.own_price or prices.INGESTION

    @cached_property
    def lines(self) -> list[Line]:
        """What each table takes in, the most first; nothing while no full day is over."""
        if not self.span.days:
            return []
        lines = [line_of(intake, self.span, self.price) for intake in self.intakes]
        return sorted(lines, key=lambda line: line.gigabytes_a_month, reverse=True)

    @cached_property
    def parts(self) -> list[Part]:
        """The parts of the bill; nothing while no full day is over."""
        if not self.span.days:
            return []
        runs = self.runs if isinstance(self.runs, Runs) else None
        return parts_of(self.lines, runs, self.span, is_complete=not self.refused)

    @property
    def is_whole(self) -> bool:
        """Whether every table and every part of the bill was told."""
        return not self.refused and all(part.price_a_month is not None for part in self.parts)

    @property
    def price_a_month(self) -> float:
        """The sum of the parts that were told."""
        return sum(part.price_a_month or 0 for part in self.parts)

    @property
    def not_told(self) -> list[Check]:
        """Every question that was not answered, each once."""
        checks = [
            *self.refused,
            *(one for one in (self.runs, self.drivers) if one and not isinstance(one, Runs | Drivers)),
        ]
        return list(dict.fromkeys(checks))

    @property
    def doubts(self) -> list[str]:
        """What makes the estimate worse than it looks, in sentences."""
        told = []
        for intake in self.intakes:
            days = [day for day, amount in intake.days.items() if amount.rows]
            if intake.unsized:
                told.append(f"{intake.unsized} rows of {intake.table} have no size and count as nothing.")
            if intake.table not in _IN_EVERY_RUN or not self.span.days:
                continue
            within = sorted(day for day in days if self.span.first <= day <= self.span.last)
            if not within:
                told.append(f"{intake.table} has no rows on these days: nothing is counted for it.")
            elif min(days) > self.span.first:
                told.append(f"{intake.table} has its first rows on {min(days)}: its month is more than is said here.")
            elif missing := self.span.days - len(within):
                told.append(f"{intake.table} has no rows on {missing} of these days, which count as days.")
        return told
