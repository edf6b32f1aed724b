"""What is measured, and what has to come out: the one place where workloads and required numbers are written down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

PAGE_SIZE: Final = 1000
"""Policy states in a page, as Azure cuts them (FACTS 2.6)."""

CONCURRENCY: Final = 32
"""Applications read at once: the product's default, and the floor's."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A fleet: ``applications``, each in a subscription of its own, with ``states``, behind ``latency_ms`` per call."""

    name: str
    applications: int
    states: int
    latency_ms: float

    @property
    def rows(self) -> int:
        """State rows and result rows that must arrive."""
        return self.applications * (self.states + 1)

    def scaled(self, name: str, applications: int) -> Workload:
        """Return the same workload for another number of applications."""
        return replace(self, name=name, applications=applications)


FLEET: Final = Workload("fleet", 500, 300, 40)
DEEP: Final = Workload("deep", 1, 50_000, 40)
MILLION: Final = Workload("million", 2_000, 500, 0)
TENTH: Final = MILLION.scaled("tenth of million", 200)

GROWTH: Final = (
    *(Workload("applications", count, 300, 40) for count in (100, 200, 400, 800)),
    *(Workload("states", 200, count, 40) for count in (75, 150, 300, 600, 1200)),
    *(Workload("latency", 200, 300, latency) for latency in (0, 20, 40, 80, 160)),
)
"""What the plot shows: the collector's cost along one measure, the others held."""


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A number that must not be smaller."""

    number: float
    unit: str

    def __str__(self) -> str:
        return f"at least {self.number:g} {self.unit}"

    def is_met_by(self, value: float) -> bool:
        """Whether the value is on the right side."""
        return value >= self.number


@dataclass(frozen=True, slots=True)
class AtMost:
    """A number that must not be larger."""

    number: float
    unit: str

    def __str__(self) -> str:
        return f"at most {self.number:g} {self.unit}"

    def is_met_by(self, value: float) -> bool:
        """Whether the value is on the right side."""
        return value <= self.number


REQUIRED: Final[dict[str, AtLeast | AtMost]] = {
    "fleet: times faster than straightforward": AtLeast(7.0, "x"),
    "fleet: time against the floor": AtMost(1.4, "x"),
    "deep: times faster than straightforward": AtLeast(2.2, "x"),
    "million: peak memory": AtMost(160.0, "MB"),
    "million: peak beyond that of a tenth": AtMost(20.0, "MB"),
    "tokens for each audience": AtMost(1.0, ""),
    "python -m collector --help": AtMost(1.0, "s"),
    "import function_app": AtMost(0.7, "s"),
}
