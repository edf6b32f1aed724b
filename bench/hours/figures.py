"""The figures of the hours: what a run uploads and what a month is billed for, for 5,000 applications."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from bench.contenders import heard
from operations.cost.prices import GIGABYTE, HOURS_OF_A_MONTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Counted = Sequence[Mapping[str, Mapping[str, int]]]
    """What came in, by hour, stream and what is counted."""

APPLICATIONS: Final = 5_000
"""To which the figures are scaled."""

AT_ONCE: Final = 2
"""Scripts that are played at the same time: nothing here is timed."""

_RUNS: Final = "Custom-PolicyCollectionRuns_CL"
"""Has one row, however many applications there are."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fleet of which `changes` percent of the applications change in a day, and two of the collector's settings."""

    changes: float
    uploaded: str = "changed"
    compliant: str = "detailed"
    applications: int = 40
    states: int = 300

    def play(self) -> Counted:
        """Play the script in a process of its own; raise WrongResultError unless it brings what it has to."""
        options = {
            "--applications": self.applications,
            "--states": self.states,
            "--changes": self.changes,
            "--uploaded-states": self.uploaded,
            "--compliant-states": self.compliant,
        }
        printed = heard("-m", "bench.hours", *(str(text) for option in options.items() for text in option))
        counted: Counted = json.loads(printed)
        return counted


BEFORE: Final = Scenario(5, uploaded="all")
"""Every state in every run, as the collector uploaded before it knew what had changed; the share does not matter."""

AFTER: Final = Scenario(5)
SCENARIOS: Final = (BEFORE, Scenario(1), AFTER, Scenario(20), Scenario(5, compliant="summarised"))


def measured(scenarios: Sequence[Scenario] = SCENARIOS) -> list[dict[str, Any]]:
    """Play every scenario; return one object for each. Raises WrongResultError when one of them is void."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda one: figures(one, one.play()), scenarios))


def figures(scenario: Scenario, counted: Counted) -> dict[str, Any]:
    """Return what 5,000 applications upload: means of a run, gigabytes of a month, and each stream's means.

    Bytes and rows are scaled linearly. A stream's requests are as many as its bytes fill, since a request that is not
    full would be filled by more applications.
    """
    from collector.reporting.serialised import CHUNK_LIMIT_BYTES  # noqa: PLC0415 - measuring needs a small parent

    streams = {
        stream: {name: round(fmean(hour[name] for hour in hours)) for name in ("wire", "json", "rows", "billed")}
        for stream, hours in _scaled(scenario, counted).items()
    }
    requests = sum(
        fmean(-(-hour["json"] // CHUNK_LIMIT_BYTES) for hour in hours) for hours in _scaled(scenario, counted).values()
    )
    total = {name: sum(one[name] for one in streams.values()) for name in ("wire", "json", "billed")}
    return {
        "changes": scenario.changes,
        "uploaded": scenario.uploaded,
        "compliant": scenario.compliant,
        "requests": round(requests),
        **total,
        "gigabytes": round(total["billed"] * HOURS_OF_A_MONTH / GIGABYTE, 1),
        "streams": {stream.removeprefix("Custom-"): one for stream, one in streams.items()},
    }


def times_fewer(hours: Sequence[Mapping[str, Any]]) -> float:
    """Return how many times fewer bytes AFTER has than BEFORE: on the wire, as JSON or as billed, the least of them."""
    before, after = (_of(hours, one) for one in (BEFORE, AFTER))
    return min(float(before[name] / after[name]) for name in ("wire", "json", "billed"))


def table(hours: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of Markdown that compare the scenarios, and those of AFTER's streams."""
    before = _of(hours, BEFORE)
    yield (
        "| applications that change in a day | UPLOADED_STATES | COMPLIANT_STATES | requests a run "
        "| MB a run, compressed | MB a run, JSON | MB a run, billed | GB a month | times fewer |"
    )
    yield "|---:|---|---|---:|---:|---:|---:|---:|---:|"
    for one in hours:
        share = "any" if one is before else f"{one['changes']:g} %"
        megabytes = " | ".join(f"{one[name] / 1e6:,.1f}" for name in ("wire", "json", "billed"))
        yield (
            f"| {share} | {one['uploaded']} | {one['compliant']} | {one['requests']:,} | {megabytes} "
            f"| {one['gigabytes']:,.1f} | {before['billed'] / one['billed']:.1f} |"
        )
    yield ""
    yield "| table | rows a run, before | after | bytes of a row, JSON | billed | MB a run, billed, before | after |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, after in _of(hours, AFTER)["streams"].items():
        was = before["streams"][name]
        yield (
            f"| {name} | {was['rows']:,} | {after['rows']:,} | {after['json'] / after['rows']:,.0f} "
            f"| {after['billed'] / after['rows']:,.0f} | {was['billed'] / 1e6:,.1f} | {after['billed'] / 1e6:,.1f} |"
        )


def _scaled(scenario: Scenario, counted: Counted) -> dict[str, list[dict[str, float]]]:
    """Return what comes in from 5,000 applications, by stream and hour."""
    scale = APPLICATIONS / scenario.applications
    return {
        stream: [
            {
                name: (1 if stream == _RUNS else scale) * hour.get(stream, {}).get(name, 0)
                for name in ("wire", "json", "rows", "billed")
            }
            for hour in counted
        ]
        for stream in sorted({name for hour in counted for name in hour})
    }


def _of(hours: Sequence[Mapping[str, Any]], scenario: Scenario) -> Mapping[str, Any]:
    wanted = scenario.changes, scenario.uploaded, scenario.compliant
    return next(one for one in hours if (one["changes"], one["uploaded"], one["compliant"]) == wanted)
