"""A month's bill, from what the tables took in on whole days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from operations.cost import prices
from operations.cost.questions import RUNS, Amount, Runs, Span, TableIntake

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Line:
    """What one table takes in: rows and MB a day, GB and price a month."""

    table: str
    rows_a_day: float
    megabytes_a_day: float
    gigabytes_a_month: float
    price_a_month: float


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the bill; `price_a_month` is None when the tables do not tell it."""

    name: str
    price_a_month: float | None
    of: str
    """What it is computed from."""


def span_of(intakes: Sequence[TableIntake], now: datetime, wanted: int) -> Span | None:
    """Return the last full days in UTC, as many as wanted; fewer when the first row came later.

    The day of the first row is none of them, because nothing tells when it began. While there is no other day, the
    span is from the first row's day until now. None when no table has rows. The day before the wanted ones is looked
    at, too: a row there says that the first of them is a whole one.
    """
    days = [day for intake in intakes for day in intake.days]
    if not days:
        return None
    yesterday, first = now.date() - timedelta(days=1), min(days)
    begin = max(first + timedelta(days=1), now.date() - timedelta(days=wanted))
    return Span(begin, yesterday) if begin <= yesterday else Span(first, now.date(), now)


def looked_at_from(now: datetime, wanted: int) -> date:
    """Return the first day that `span_of` has to know."""
    return now.date() - timedelta(days=wanted + 1)


def a_month(amount: Amount, days: int) -> float:
    """Return the GB of a month in which as much comes in a day as did on these days."""
    return amount.bytes / days * prices.DAYS_OF_A_MONTH / prices.GIGABYTE


def line_of(intake: TableIntake, span: Span, price: float) -> Line:
    """Return what a table takes in."""
    amount = intake.within(span)
    gigabytes = a_month(amount, span.days)
    return Line(intake.table, amount.rows / span.days, amount.bytes / span.days / 1e6, gigabytes, gigabytes * price)


def parts_of(lines: Sequence[Line], runs: Runs | None, span: Span, *, is_complete: bool) -> list[Part]:
    """Return the parts of the bill; `is_complete` says whether the lines are of every table."""
    gigabytes = sum(line.gigabytes_a_month for line in lines)
    tables = "all tables" if is_complete else "only the tables that were told"
    kept = f"{prices.DAYS_KEPT} days, of which {prices.DAYS_INCLUDED} are included"
    taken_in = Part("rows taken in", sum(line.price_a_month for line in lines), tables)
    retained = Part("rows kept", prices.retention(gigabytes), f"{tables}; {kept}")
    if runs is None:
        return [
            taken_in,
            retained,
            *(Part(name, None, f"no run is told in {RUNS}") for name in ("alert rules", "functions")),
        ]
    days = prices.DAYS_OF_A_MONTH / span.days
    alerts = Part(
        "alert rules",
        prices.alert_rules(runs.named_alarms),
        f"{prices.ALERT_RULES} rules; {runs.named_alarms} alarms open in the last run",
    )
    functions = Part(
        "functions",
        prices.functions(runs.count * days, runs.seconds * days, runs.applications),
        f"{runs.count / span.days:,.1f} runs a day of {runs.seconds / runs.count:,.1f} seconds; "
        f"{runs.applications:,} applications",
    )
    return [taken_in, retained, alerts, functions]
