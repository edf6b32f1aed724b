"""Runs programs against the benchmark's server, each in a process of its own, watched from outside."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.workloads import Workload

ROOT: Final = Path(__file__).resolve().parent.parent
COLLECTOR: Final = ("-m", "collector", "--json")
STRAIGHTFORWARD: Final = ("-m", "bench.straightforward")
FLOOR: Final = ("-m", "bench.floor")
STANDING_STILL: Final = ("-m", "bench.standing_still")
WARM_FRONT: Final = ("-m", "bench.warm_front")
_STATES: Final = "rows Custom-PolicyComplianceStates_CL"
_ROWS_IN_A_PAGE: Final = 1000
_RESULTS: Final = "rows Custom-PolicyCollectionResults_CL"


class WrongResultError(Exception):
    """A contender failed, or not all rows of the workload arrived; its time is not comparable."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one contender: the whole process, from its start to its end."""

    seconds: float
    processor_seconds: float
    peak_megabytes: float
    rows: int
    tokens: Mapping[str, int]
    judging_seconds: float = 0.0
    """Processor seconds of judging, where a program tells them."""

    @property
    def rows_per_second(self) -> float:
        """State and result rows that arrived, for each second."""
        return self.rows / self.seconds


@dataclass(frozen=True, slots=True)
class FrontTimes:
    """The seconds of each answer of a warm front, and of as many bare messages to the same queue."""

    answers: Sequence[float]
    bare: Sequence[float]

    @property
    def against_bare(self) -> float:
        """How many times longer an answer takes than a bare message; medians."""
        return statistics.median(self.answers) / statistics.median(self.bare)

    def share_within(self, seconds: float) -> float:
        """Return the share of the answers that came in time."""
        return sum(one <= seconds for one in self.answers) / len(self.answers)


class Server:
    """The benchmark's server, in a process of its own. A context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.environment: dict[str, str] = self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None  # noqa: S101 - opened above
        self._process.stdin.close()
        self._process.wait(10)

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send one command and return its answer."""
        assert self._process.stdin is not None  # noqa: S101 - opened above
        self._process.stdin.write(json.dumps([command, arguments]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - opened above
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def measure(server: Server, workload: Workload, program: Sequence[str], *, is_steady: bool = False) -> Measurement:
    """Run a contender once; raise WrongResultError unless every row of the workload arrived.

    Of a steady fleet no states may arrive but those of applications whose turn has just come: one in a hundred, and at
    least a single one, because in a small fleet that is more.
    """
    server.ask("play", **asdict(workload), is_steady=is_steady)
    environment = {**server.environment, "MAX_ROWS_PER_APPLICATION": str(workload.ceiling)}
    seconds, usage, _ = _watched(program, environment)
    counts = server.ask("report")
    arrived, states = (
        (counts.get(_STATES, 0), counts.get(_RESULTS, 0)),
        workload.applications * workload.states_uploaded,
    )
    fewest, most = (0, max(states / 100, workload.states)) if is_steady else (states, states)
    if not fewest <= arrived[0] <= most or arrived[1] != workload.applications:
        raise WrongResultError(f"{' '.join(program)} on {workload.name}: {arrived} rows arrived")
    tokens = {name.removeprefix("tokens "): count for name, count in counts.items() if name.startswith("tokens ")}
    return _measurement(seconds, usage, sum(arrived), tokens)


def measure_standing_still(server: Server, workload: Workload) -> Measurement:
    """Join and judge a fleet once; raise WrongResultError unless a call for 1,000 applications was enough."""
    server.ask("play", **asdict(workload), is_steady=True)
    seconds, usage, printed = _watched(STANDING_STILL, server.environment, is_heard=True)
    told = json.loads(printed)
    calls = {name: count for name, count in server.ask("report").items() if name.startswith("ledger ")}
    pages = -(-workload.applications // _ROWS_IN_A_PAGE)
    if told["applications"] != workload.applications or calls != {"ledger GET": pages + 1}:
        raise WrongResultError(f"{told['applications']} of {workload.applications} were judged, with calls {calls}")
    return replace(_measurement(seconds, usage, workload.applications, {}), judging_seconds=told["judging"])


def measure_front() -> FrontTimes:
    """Let a warm front answer; raise WrongResultError when it does not put everything on the queue."""
    _, _, printed = _watched(WARM_FRONT, {}, is_heard=True)
    return FrontTimes(**json.loads(printed))


def _measurement(seconds: float, usage: Any, rows: int, tokens: Mapping[str, int]) -> Measurement:
    return Measurement(
        seconds=seconds,
        processor_seconds=usage.ru_utime + usage.ru_stime,
        peak_megabytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
        rows=rows,
        tokens=tokens,
    )


def start_seconds(*program: str) -> float:
    """Return how long a program takes from its start to its end, with none of the product's settings but the role."""
    return _watched(program, {"APP_ROLE": "worker"})[0]


def heard(*program: str) -> str:
    """Run a program and return what it printed; raise WrongResultError when it fails."""
    return _watched(program, {}, is_heard=True)[2]


def _watched(
    program: Sequence[str], environment: Mapping[str, str], *, is_heard: bool = False
) -> tuple[float, Any, str]:
    """Run a program and return its seconds, what the operating system counted for it, and what it printed if heard.

    A child's peak includes what its parent held when it started, so the measuring process must stay small.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *program],
        cwd=ROOT,
        env={**kept, **environment},
        stdout=subprocess.PIPE if is_heard else subprocess.DEVNULL,
        text=True,
    )
    printed = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise WrongResultError(f"{' '.join(program)} ended with status {process.returncode}")
    return seconds, usage, printed
