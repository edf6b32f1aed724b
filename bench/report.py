"""What was measured, the numbers that have to be reached, and how both are shown and written down."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from bench.contenders import FrontTimes
from bench.document import as_text
from bench.hours.figures import table, times_fewer
from bench.workloads import (
    CUSTOMER,
    DEEP,
    FLEET,
    IN_TIME_SECONDS,
    LARGE_CUSTOMER,
    LARGE_PAGES,
    LEDGER,
    MILLION,
    REQUIRED,
    TENTH,
)

if TYPE_CHECKING:
    from rich.console import Console

    from bench.contenders import Measurement
    from bench.workloads import Workload


OURS: Final = "collector"
"""A first run, which uploads everything and makes the ledger."""

STEADY: Final = "collector, steady"
"""A run over a fleet in which nothing changed since the run before."""

JUDGE: Final = "judge"


@dataclass
class Report:
    """Every measurement of one run of the benchmark; figures are medians."""

    measurements: dict[tuple[Workload, str], list[Measurement]] = field(default_factory=dict)
    starts: dict[str, list[float]] = field(default_factory=dict)
    front: FrontTimes = field(default_factory=lambda: FrontTimes([], []))
    hours: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, workload: Workload, contender: str, measurement: Measurement) -> None:
        """Take one measurement."""
        self.measurements.setdefault((workload, contender), []).append(measurement)

    @property
    def is_passed(self) -> bool:
        """Whether every required number is reached."""
        return all(REQUIRED[name].is_met_by(value) for name, value in self.reached().items())

    def reached(self) -> dict[str, float]:
        """Return what was measured of every required number, by the name it has in REQUIRED."""
        fleet, deep, million = self._seconds(FLEET), self._seconds(DEEP), self._seconds(MILLION)
        collected = [one for (_, contender), some in self.measurements.items() for one in some if contender == OURS]
        values = (
            fleet["straightforward"] / fleet[OURS],
            fleet[OURS] / fleet["floor"],
            fleet[STEADY] / fleet["floor"],
            fleet["straightforward"] / fleet[STEADY],
            deep["straightforward"] / deep[OURS],
            million[OURS] / million["floor"],
            million[STEADY] / million["floor"],
            self._larger_peak(MILLION),
            self._peak(MILLION) - self._peak(TENTH),
            self._larger_peak(LARGE_PAGES),
            self._peak(LARGE_CUSTOMER) - self._peak(CUSTOMER),
            self._of_an_application(LEDGER, JUDGE) / self._of_an_application(MILLION, "floor"),
            self._peak(LEDGER, JUDGE),
            self._judging_seconds() / self._of_an_application(MILLION, OURS),
            times_fewer(self.hours),
            self.front.against_bare,
            self.front.share_within(IN_TIME_SECONDS),
            max(max(one.tokens.values()) for one in collected),
            statistics.median(self.starts["help"]),
            statistics.median(self.starts["import"]),
        )
        return dict(zip(REQUIRED, values, strict=True))

    def as_json(self) -> str:
        """Return everything as JSON: the machine, each measurement, medians, and the required numbers."""
        document: dict[str, Any] = {
            "machine": machine(),
            "seconds": round(self.seconds),
            "starts": self.starts,
            "front": asdict(self.front),
            "measurements": [
                {"workload": asdict(workload), "contender": contender, "median": _medians(some),
                 "runs": [asdict(one) for one in some]}
                for (workload, contender), some in self.measurements.items()
            ],
            "required": {name: as_required(name, value) for name, value in self.reached().items()},
            "hours": self.hours,
        }  # fmt: skip
        return as_text(document)

    def _seconds(self, workload: Workload) -> dict[str, float]:
        return {
            contender: statistics.median(one.seconds for one in some)
            for (measured, contender), some in self.measurements.items()
            if measured == workload
        }

    def _peak(self, workload: Workload, contender: str = OURS) -> float:
        return statistics.median(one.peak_megabytes for one in self.measurements[workload, contender])

    def _larger_peak(self, workload: Workload) -> float:
        """Return the peak of a first or of a steady run, whichever is larger."""
        return max(self._peak(workload), self._peak(workload, STEADY))

    def _of_an_application(self, workload: Workload, contender: str) -> float:
        """Return the processor seconds of a run for each application."""
        seconds = statistics.median(one.processor_seconds for one in self.measurements[workload, contender])
        return seconds / workload.applications

    def _judging_seconds(self) -> float:
        """Return the processor seconds of judging an application, which has as many states as one of MILLION."""
        return statistics.median(one.judging_seconds for one in self.measurements[LEDGER, JUDGE]) / LEDGER.applications


def as_required(name: str, value: float) -> dict[str, Any]:
    """Return what is written down of a required number."""
    bound = REQUIRED[name]
    return {"reached": round(value, 3), "must_be": str(bound), "is_met": bound.is_met_by(value)}


def _medians(some: list[Measurement]) -> dict[str, float]:
    return {
        name: round(statistics.median(getattr(one, name) for one in some), 3)
        for name in ("seconds", "processor_seconds", "peak_megabytes", "rows_per_second")
    }


def machine() -> dict[str, Any]:
    """Return what the numbers depend on, and nothing that names this machine."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "memory_gigabytes": round(gigabytes),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def show(report: Report, console: Console) -> None:
    """Print what was measured, and which required numbers are reached."""
    here = machine()
    times = Table(title=f"{here['cores']} cores, {here['memory_gigabytes']} GB, {here['python']}", title_justify="left")
    for column in ("Workload", "Contender", "Seconds", "CPU", "Peak MB", "Rows/s", "Tokens", "Runs"):
        times.add_column(column, justify="left" if column in {"Workload", "Contender"} else "right")
    for (workload, contender), some in report.measurements.items():
        medians = _medians(some)
        shape = f"{workload.name} ({workload.applications} x {workload.states}, {workload.latency_ms:g} ms)"
        times.add_row(
            shape,
            contender,
            f"{medians['seconds']:.2f}",
            f"{medians['processor_seconds']:.2f}",
            f"{medians['peak_megabytes']:.0f}",
            f"{medians['rows_per_second']:,.0f}",
            str(sum(some[0].tokens.values())),
            str(len(some)),
        )
    console.print(times)
    required = Table(title="Required", title_justify="left")
    for column in ("Measure", "Here", "Must be", ""):
        required.add_column(column, justify="left" if column == "Measure" else "right")
    for name, value in report.reached().items():
        bound = REQUIRED[name]
        verdict = Text("reached", "green") if bound.is_met_by(value) else Text("missed", "bold red")
        required.add_row(name, f"{value:.2f} {bound.unit}", str(bound), verdict)
    console.print(required)
    show_hours(report.hours, console)


def show_hours(hours: list[dict[str, Any]], console: Console) -> None:
    """Print what 5,000 applications upload."""
    for line in table(hours):
        console.print(line, highlight=False, soft_wrap=True)
