"""``python -m bench.hours``: 48 hourly runs over a fleet that changes, on a clock of their own; prints what came in.

The runs are the collector's own, with the SDKs' clients over TLS, against the bench's server in this process. What the
very first run uploads is no part of a month, so that run is four days before, and runs every six hours follow it: a
change is told again for 50 hours. What is counted are the last 38 hours, in which the turn of each application comes
twice. A run that does not bring what it has to makes all of it void.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.contenders import WrongResultError
from bench.hours.server import HoursServer
from bench.workloads import Workload
from collector.run import failure_of, run_collection
from publisher.settings import CollectorSettings
from verdicts.publication import EVERYTHING_EVERY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.hours.endpoint import Counts
    from collector.reporting.outcomes import RunSummary

HOURS: Final = 48
COUNTED: Final = 2 * round(EVERYTHING_EVERY / timedelta(hours=1))
_FIRST_RUN: Final = -96
_CHANGES_FROM: Final = -48
_HOURS_BETWEEN_BEFORE: Final = 6
_BEGINNING: Final = datetime(2026, 3, 2, tzinfo=UTC)
"""Hour 0; any other would do."""


def changes_until(hour: int, applications: int, share: float) -> int:
    """Return how many changes there were until an hour when a share of the applications changes in a day, evenly."""
    return round(max(0, hour - _CHANGES_FROM) * applications * share / 24)


def hours_of_runs() -> Iterator[int]:
    """Yield the hours in which the collector runs."""
    yield _FIRST_RUN
    yield from range(_CHANGES_FROM + _HOURS_BETWEEN_BEFORE, 0, _HOURS_BETWEEN_BEFORE)
    yield from range(HOURS)


async def play(workload: Workload, share: float, **settings: str) -> dict[int, dict[str, Counts]]:
    """Play the script; return what came in, by hour and stream, in each of the hours that count.

    Raises WrongResultError when a run does not bring what it has to.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        server = HoursServer(Path(folder), workload, _BEGINNING + timedelta(hours=_FIRST_RUN - 1))
        environment = {**server.environment, **settings}
        os.environ.update(environment)  # azure-identity and OpenSSL read some of them from there
        collector = CollectorSettings.from_environment(environment)
        counted, before = {}, 0
        for hour in hours_of_runs():
            now = _BEGINNING + timedelta(hours=hour)
            changes = changes_until(hour, workload.applications, share)
            changed, before = server.fleet.reach(now, changes - before), changes
            summary = await run_collection(collector, trigger="timer", clock=lambda now=now: now)  # type: ignore[misc]
            _check(server, summary, changed)
            counted[hour] = server.ingestion.counted()
        return {hour: counts for hour, counts in counted.items() if hour >= HOURS - COUNTED}


def _check(server: HoursServer, summary: RunSummary, changed: Sequence[str]) -> None:
    failure, workload = failure_of(summary), server.fleet.workload
    if failure or summary.succeeded != workload.applications:
        raise WrongResultError(f"{summary.succeeded} of {workload.applications} applications were read: {failure}")
    server.ingestion.check(summary.run.run_id, server.fleet.truth(), changed, states=workload.states)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the script once and print a line of JSON; return 1 when what came in is not what has to."""
    parser = argparse.ArgumentParser(prog="python -m bench.hours", description=__doc__.partition(": ")[2])
    parser.add_argument("--applications", type=int, required=True)
    parser.add_argument("--states", type=int, required=True)
    parser.add_argument("--changes", type=float, default=5, help="percent of applications that change in a day")
    parser.add_argument("--uploaded-states", choices=("changed", "all"), default="changed")
    parser.add_argument("--compliant-states", choices=("detailed", "summarised"), default="detailed")
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    workload = Workload("hours", options.applications, options.states, 0)
    try:
        counted = asyncio.run(
            play(
                workload,
                options.changes / 100,
                UPLOADED_STATES=options.uploaded_states,
                COMPLIANT_STATES=options.compliant_states,
            )
        )
    except WrongResultError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps([{name: asdict(one) for name, one in counts.items()} for counts in counted.values()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
