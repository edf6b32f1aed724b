"""``python -m bench``: measure everything, show it, write it down, and say whether the required numbers are reached."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from bench import document
from bench.contenders import (
    COLLECTOR,
    FLOOR,
    STRAIGHTFORWARD,
    Server,
    WrongResultError,
    measure,
    measure_front,
    measure_standing_still,
    start_seconds,
)
from bench.hours import figures as hours
from bench.report import JUDGE, OURS, STEADY, Report, as_required, show, show_hours
from bench.workloads import (
    CUSTOMER,
    DEEP,
    FLEET,
    GROWTH,
    HOURS_REQUIRED,
    LARGE_CUSTOMER,
    LARGE_PAGES,
    LEDGER,
    MILLION,
    REQUIRED,
    TENTH,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.workloads import Workload

ROUNDS: Final = 5
SLOW_ROUNDS: Final = 3
"""Rounds in which the straightforward program takes part, which takes most of the time: at least the first one."""

LONGEST_SECONDS: Final = 200.0
"""No further round begins after so long, and no slow one after half of it: the whole stays under seven minutes."""

LEAST_ROUNDS: Final = 2
STARTS: Final = 5

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0 when every required number is reached, 1 when one is missed, 2 when it is void."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition(": ")[2])
    parser.add_argument("--json", type=Path, default=Path("bench.json"), metavar="FILE", help="where results go")
    parser.add_argument(
        "--only",
        choices=("hours",),
        help="measure this alone; with --document it takes its place in docs/performance.md",
    )
    parser.add_argument("--no-growth", action="store_true", help="leave out what only the picture needs")
    parser.add_argument("--document", action="store_true", help="put the result into docs/performance.md as well")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    report = Report()
    try:
        if options.only:
            return _measure_hours_alone(report, is_documented=options.document)
        _measure_starts(report)
        with console.status("a warm front"):
            report.front = measure_front()
        with Server() as server:
            for workload in (TENTH, TENTH, *(() if options.no_growth else GROWTH)):
                _measure(server, report, workload, OURS, COLLECTOR)
            for workload in (CUSTOMER, LARGE_CUSTOMER):
                _measure(server, report, workload, OURS, COLLECTOR)
            for workload in (MILLION, LARGE_PAGES):
                _measure(server, report, workload, OURS, COLLECTOR)
                _measure(server, report, workload, STEADY, COLLECTOR)
            _measure(server, report, MILLION, "floor", FLOOR)
            with console.status("a ledger of a fleet that stands still"):
                report.add(LEDGER, JUDGE, measure_standing_still(server, LEDGER))
            _measure_rounds(server, report, started)
        _measure_hours(report)  # last, because it lets this process grow
    except WrongResultError as error:
        console.print(f"[red]The benchmark is void: {error}")
        return 2
    report.seconds = time.monotonic() - started
    options.json.write_text(report.as_json(), encoding="utf-8")
    show(report, console)
    if options.document:
        document.write(json.loads(report.as_json()))
    console.print(f"Written to {options.json}, after {report.seconds:.0f} seconds.")
    return 0 if report.is_passed else 1


def _measure_starts(report: Report) -> None:
    with console.status("starting"):
        for name, program in (("help", ("-m", "collector", "--help")), ("import", ("-c", "import function_app"))):
            start_seconds(*program)  # once, so that bytecode and file cache are there
            report.starts[name] = [start_seconds(*program) for _ in range(STARTS)]


def _measure_rounds(server: Server, report: Report, started: float) -> None:
    """Measure the contenders in turn, so that other work on this machine slows all of them alike."""
    for number in range(ROUNDS):
        if number >= LEAST_ROUNDS and time.monotonic() - started > LONGEST_SECONDS:
            return
        for workload in (FLEET, DEEP):
            _measure(server, report, workload, OURS, COLLECTOR)
            _measure(server, report, workload, STEADY, COLLECTOR)
            _measure(server, report, workload, "floor", FLOOR)
            if number == 0 or (number < SLOW_ROUNDS and time.monotonic() - started < LONGEST_SECONDS / 2):
                _measure(server, report, workload, "straightforward", STRAIGHTFORWARD)


def _measure_hours(report: Report) -> None:
    with console.status("48 hours of a fleet that changes"):
        report.hours = hours.measured()


def _measure_hours_alone(report: Report, *, is_documented: bool) -> int:
    """Measure the hours, and put them into the document beside what else was measured before."""
    _measure_hours(report)
    show_hours(report.hours, console)
    reached = hours.times_fewer(report.hours)
    if is_documented:
        known = json.loads(document.RESULT.read_text(encoding="utf-8"))
        required = {**known["required"], HOURS_REQUIRED: as_required(HOURS_REQUIRED, reached)}
        in_order = {name: required[name] for name in REQUIRED}
        document.write({**known, "hours": report.hours, "required": in_order})
    return 0 if REQUIRED[HOURS_REQUIRED].is_met_by(reached) else 1


def _measure(server: Server, report: Report, workload: Workload, contender: str, program: Sequence[str]) -> None:
    with console.status(f"{contender}: {workload.applications} x {workload.states} states, {workload.latency_ms:g} ms"):
        report.add(workload, contender, measure(server, workload, program, is_steady=contender == STEADY))


if __name__ == "__main__":
    sys.exit(main())
