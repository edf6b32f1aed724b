"""``python -m bench.costs``: what a month costs in Azure, from list prices and the sizes of the product's own rows.

docs/costs.md shows what this prints and says where the prices come from, docs/README.md shows the sums; `--document`
writes both.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bench.contenders import ROOT
from bench.row_sizes import measured
from bench.workloads import VIOLATING, VIOLATIONS
from operations.cost.prices import (
    GIGABYTE,
    HOURS_OF_A_MONTH,
    INGESTION,
    NAT_GIGABYTE,
    PRIVATE_DNS_ZONES,
    PRIVATE_HOURS,
    SECONDS_PER_CALL,
    alert_rules,
    functions,
    retention,
)
from publisher.settings import CONCURRENT_APPLICATIONS
from verdicts.publication import CHANGES_REPEATED, EVERYTHING_EVERY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.row_sizes import RowSizes

PAGE: Final = ROOT / "docs/costs.md"
INDEX: Final = ROOT / "docs/README.md"
BEGIN: Final = "<!-- computed: written by `python -m bench.costs --document` -->"
END: Final = "<!-- end of what was computed -->"

CUSTOMERS: Final = (10, 100, 1000)
"""The fleets that the documents show."""

OTHER_GIGABYTES: Final = 1.0
"""Telemetry and access logs of a month: assumed."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is watched, and how. One customer in ten has `violations`: states of one assignment, not compliant.

    `changes` is the share of customers that change in a day, in one assignment: half of them begin to violate it, and
    half are repaired, so that the one in ten stays. `uploads_all` uploads every state in every run, whether it changed
    or not.
    """

    customers: int
    states: int = 100
    policies: int = 22
    assignments: int = 3
    violations: int = VIOLATIONS
    hours_between_runs: float = 1
    summarised: bool = False
    changes: float = 0.05
    uploads_all: bool = False
    ingestion: float = INGESTION

    @property
    def violating(self) -> float:
        """Customers with violations, and time series of the alert rule that tells of them."""
        return self.customers / VIOLATING

    @property
    def runs(self) -> float:
        """Collection runs of a month."""
        return HOURS_OF_A_MONTH / self.hours_between_runs

    @property
    def changed(self) -> float:
        """How often customers change in a month."""
        return self.customers * self.changes * HOURS_OF_A_MONTH / 24

    @property
    def turns(self) -> float:
        """How often all rows of a customer are told in a month, whether anything changed or not."""
        return min(self.runs, HOURS_OF_A_MONTH * 3600 / EVERYTHING_EVERY.total_seconds())

    @property
    def uploads(self) -> float:
        """How often the states of a customer are uploaded in a month."""
        return self.runs if self.uploads_all else min(self.runs, self.turns + self.changed / self.customers)


@dataclass(frozen=True, slots=True)
class Month:
    """A month's cost in US dollars, and the log volume in GB that most of it comes from."""

    gigabytes: float
    ingestion: float
    retention: float
    alerts: float
    functions: float
    private: float

    @property
    def public_mode(self) -> float:
        """Everything without private networking."""
        return self.ingestion + self.retention + self.alerts + self.functions


def month(fleet: Fleet, sizes: RowSizes) -> Month:
    """Return what a month costs, without the free grants of the billing account and the subscription."""
    violations = fleet.violating * fleet.violations
    repeated = CHANGES_REPEATED.total_seconds() / 3600 / fleet.hours_between_runs
    detailed = fleet.customers * fleet.states * sizes.state
    summarised = fleet.customers * fleet.policies * sizes.summary + violations * sizes.state
    states = fleet.uploads * (summarised if fleet.summarised else detailed)
    # A violation is told in every run, and so is a repair for a while; the rest when all rows of a customer are.
    others = (fleet.customers * fleet.assignments - fleet.violating) * max(fleet.uploads, fleet.turns)
    repairs = 0 if fleet.uploads_all else fleet.changed / 2 * repeated
    verdicts = fleet.runs * fleet.violating * sizes.violated + (others + repairs) * sizes.verdict
    a_run = fleet.customers * sizes.result + sizes.run
    gigabytes = (states + verdicts + fleet.runs * a_run) / GIGABYTE + OTHER_GIGABYTES
    answered = fleet.runs * fleet.customers * fleet.states * sizes.answered_state / GIGABYTE
    fixed = sum(count * price for count, price in PRIVATE_HOURS.values()) * HOURS_OF_A_MONTH
    zones, zone_price = PRIVATE_DNS_ZONES
    collecting = fleet.customers * SECONDS_PER_CALL / CONCURRENT_APPLICATIONS
    return Month(
        gigabytes=gigabytes,
        ingestion=gigabytes * fleet.ingestion,
        retention=retention(gigabytes),
        alerts=alert_rules(fleet.violating),
        functions=functions(fleet.runs, fleet.runs * collecting, fleet.customers),
        private=fixed + zones * zone_price + answered * NAT_GIGABYTE,
    )


def table(fleets: Sequence[Fleet], sizes: RowSizes) -> str:
    """Return one line of Markdown for each fleet."""
    return "\n".join(_lines(fleets, sizes))


def _lines(fleets: Sequence[Fleet], sizes: RowSizes) -> Iterator[str]:
    yield (
        "| customers | compliant states | GB a month | ingestion | retention | alert rules | functions "
        "| **public mode** | private mode adds |"
    )
    yield "|---:|---|---:|---:|---:|---:|---:|---:|---:|"
    for fleet in fleets:
        one = month(fleet, sizes)
        kind = "summarised" if fleet.summarised else "detailed"
        costs = (one.ingestion, one.retention, one.alerts, one.functions)
        amounts = " | ".join(f"{cost:,.2f}" for cost in costs)
        yield (
            f"| {fleet.customers:,} | {kind} | {one.gigabytes:,.1f} | {amounts} "
            f"| **{one.public_mode:,.0f}** | {one.private:,.0f} |"
        )


def overview(sizes: RowSizes) -> str:
    """Return the sums that docs/README.md shows between its marks: one line for each number of customers."""
    lines = [
        "| customers | every compliant state stored | compliant states counted | private mode adds |",
        "|---:|---:|---:|---:|",
    ]
    for count in CUSTOMERS:
        detailed, counted = (month(Fleet(count, summarised=summarised), sizes) for summarised in (False, True))
        sums = (detailed.public_mode, counted.public_mode, detailed.private)
        lines.append(f"| {count:,} | {' | '.join(f'{cost:,.0f}' for cost in sums)} |")
    return "\n".join(lines)


def page(sizes: RowSizes) -> str:
    """Return what docs/costs.md shows between its marks."""
    fleets = [Fleet(count, summarised=summarised) for count in CUSTOMERS for summarised in (False, True)]
    rows = {
        "a policy state": sizes.state,
        "the summary of one policy's compliant states": sizes.summary,
        "the verdict about one assignment": sizes.verdict,
        "the same, not compliant": sizes.violated,
        "the result of one application": sizes.result,
        "a run": sizes.run,
        "a policy state in the answer of Azure Resource Manager": sizes.answered_state,
    }
    bytes_of_rows = "\n".join(f"| {name} | {size:,} |" for name, size in rows.items())
    return f"{table(fleets, sizes)}\n\nMeasured sizes:\n\n| | bytes |\n|---|---:|\n{bytes_of_rows}"


def write(sizes: RowSizes) -> None:
    """Put the tables into docs/costs.md and docs/README.md."""
    for document, computed in ((PAGE, page(sizes)), (INDEX, overview(sizes))):
        before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        document.write_text(f"{before}{BEGIN}\n\n{computed}\n\n{END}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for the fleet that the options describe, or for the fleets of docs/costs.md."""
    options = _parser().parse_args(arguments)
    sizes = measured()
    if options.document:
        write(sizes)
    elif options.customers is None:
        print(page(sizes))
    else:
        fleet = Fleet(
            customers=options.customers,
            states=options.states,
            policies=options.policies,
            hours_between_runs=options.hours_between_runs,
            changes=options.changes / 100,
            uploads_all=options.upload_all,
            ingestion=options.gigabyte_price,
        )
        print(table([fleet, replace(fleet, summarised=True)], sizes))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description="What a month costs in Azure.")
    parser.add_argument("--customers", type=_positive_count, help="how many customers' applications are watched")
    parser.add_argument("--states", type=_positive_count, default=100, help="policy states of a customer")
    parser.add_argument("--policies", type=_positive_count, default=22, help="policies that judge a customer")
    parser.add_argument("--hours-between-runs", type=_positive, default=1, help="collection interval in hours")
    parser.add_argument("--changes", type=_positive, default=5, help="percent of customers that change in a day")
    parser.add_argument("--upload-all", action="store_true", help="as with UPLOADED_STATES=all")
    parser.add_argument(
        "--gigabyte-price", type=_positive, default=INGESTION, help="dollars for a GB of Analytics logs"
    )
    parser.add_argument("--document", action="store_true", help="write docs/costs.md and docs/README.md")
    return parser


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def _positive_count(text: str) -> int:
    return math.ceil(_positive(text))


if __name__ == "__main__":
    sys.exit(main())
