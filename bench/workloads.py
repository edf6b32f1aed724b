"""The workloads that are measured, and the numbers that have to be reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

PAGE_SIZE: Final = 1000
"""Policy states in a page, as Azure cuts them (FACTS 2.6)."""

VIOLATING: Final = 10
"""One application in so many is out of compliance, in the fleets whose log volume is computed or counted."""

VIOLATIONS: Final = 10
"""States, all of one assignment, in which such an application is not compliant."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A fleet: ``applications`` with ``states`` each, all in their own subscriptions; a call takes ``latency_ms``.

    A page has ``page_size`` states, and an application may have ``ceiling`` rows in an upload.
    """

    name: str
    applications: int
    states: int
    latency_ms: float
    page_size: int = PAGE_SIZE
    ceiling: int = 1_000_000

    @property
    def rows(self) -> int:
        """State rows and result rows that must arrive."""
        return self.applications * (self.states_uploaded + 1)

    @property
    def states_uploaded(self) -> int:
        """State rows of an application that must arrive."""
        return min(self.states, self.ceiling)

    def scaled(self, name: str, applications: int) -> Workload:
        """Return the same workload for another number of applications."""
        return replace(self, name=name, applications=applications)


FLEET: Final = Workload("fleet", 500, 300, 40)
DEEP: Final = Workload("deep", 1, 50_000, 40)
MILLION: Final = Workload("million", 2_000, 500, 0)
LEDGER: Final = Workload("ledger", 20_000, 500, 0)
"""Joined and judged as by a run in which nothing changed; its states are not read."""

TENTH: Final = MILLION.scaled("tenth of million", 200)
LARGE_PAGES: Final = Workload("large pages", 20, 10_000, 40, 10_000)
"""For the memory: pages ten times as large as Azure's."""

CUSTOMER: Final = Workload("customer", 1, 8_000, 0, ceiling=4_000)
"""For the memory: one who has twice as many states as may be uploaded."""

LARGE_CUSTOMER: Final = replace(CUSTOMER, name="large customer", states=80_000)

GROWTH: Final = (
    *(Workload("applications", count, 300, 40) for count in (100, 200, 400, 800)),
    *(Workload("states", 200, count, 40) for count in (75, 150, 300, 600, 1200)),
    *(Workload("latency", 200, 300, latency) for latency in (0, 20, 40, 80, 160)),
)
"""For the plot: one measure grows, the others stay."""


IN_TIME_SECONDS: Final = 0.1
"""Within which a warm front has to answer Azure."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a measured value has to be: at least or at most a number of `unit`."""

    side: Literal["at least", "at most"]
    number: float
    unit: str

    def __str__(self) -> str:
        return f"{self.side} {self.number:g} {self.unit}"

    def is_met_by(self, value: float) -> bool:
        """Whether the value is on the right side, or is the number itself."""
        return value >= self.number if self.side == "at least" else value <= self.number


HOURS_REQUIRED: Final = "hours: bytes, times fewer when 5 % change in a day"

REQUIRED: Final[dict[str, Bound]] = {
    "fleet: times faster than straightforward": Bound("at least", 6.0, "x"),
    "fleet: first run against the floor": Bound("at most", 2.0, "x"),
    "fleet: steady run against the floor": Bound("at most", 1.0, "x"),
    "fleet: steady run, times faster than straightforward": Bound("at least", 9.0, "x"),
    "deep: times faster than straightforward": Bound("at least", 2.2, "x"),
    "million: first run against the floor": Bound("at most", 2.0, "x"),
    "million: steady run against the floor": Bound("at most", 1.0, "x"),
    "million: peak memory": Bound("at most", 125.0, "MB"),
    "million: peak beyond that of a tenth": Bound("at most", 20.0, "MB"),
    "large pages: peak memory": Bound("at most", 120.0, "MB"),
    "large customer: peak beyond that of one a tenth as large": Bound("at most", 20.0, "MB"),
    "ledger: joined and judged, against the floor's time for an application": Bound("at most", 0.3, ""),
    "ledger: peak memory": Bound("at most", 110.0, "MB"),
    "ledger: judge's share of a run's processor time": Bound("at most", 0.1, ""),
    HOURS_REQUIRED: Bound("at least", 15.0, "x"),
    "front: time against a bare message": Bound("at most", 1.5, "x"),
    "front: share of answers within 100 ms": Bound("at least", 0.95, ""),
    "tokens for each audience": Bound("at most", 1.0, ""),
    "python -m collector --help": Bound("at most", 1.0, "s"),
    "import function_app": Bound("at most", 0.7, "s"),
}
