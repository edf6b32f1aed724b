"""The worker's timers: how often it collects, how often the probe brings turns forward, and whether it discovers."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from publisher.configuration.schedule import UnknownInterval, longest_interval
from publisher.environment import Environment

COLLECTION_SCHEDULE_SETTING: Final = "COLLECTION_SCHEDULE"

PROBE_SCHEDULE_SETTING: Final = "PROBE_SCHEDULE"
"""When Azure Resource Graph is asked whose turn to bring forward; empty or missing: never."""

DISCOVERY_SETTING: Final = "DISCOVERY"
"""Whether applications that nobody told of are looked for every night: nightly, unless it is off."""

_HOURLY: Final = "0 0 * * * *"
"""The schedule that is assumed where none is set, because something else than the timer collects."""

_HINT: Final = "0 */5 * * * * is every five minutes, for example; leave it out to switch the probe off"


def has_probe(variables: Mapping[str, str]) -> bool:
    """Tell whether the settings switch on the probe that brings turns forward."""
    return bool(variables.get(PROBE_SCHEDULE_SETTING, "").strip())


def collection_interval_from(env: Environment) -> timedelta:
    """Return the longest time between two collections; an hour, with the problem noted, when nobody can tell."""
    name = COLLECTION_SCHEDULE_SETTING
    try:
        return longest_interval(env.text(name, _HOURLY) or _HOURLY)
    except UnknownInterval as problem:
        env.problem(name, f"does not say how often the collector runs: {problem}; {_HOURLY} is every hour, for example")
        return timedelta(hours=1)


def probe_interval_from(env: Environment, collected: timedelta) -> timedelta:
    """Return the longest time between two probes; note a schedule that is none or missing, or brings nothing forward.

    `collected` is the longest time between two collections, which has to be longer.
    """
    name = PROBE_SCHEDULE_SETTING
    schedule = env.text(name, hint=_HINT)
    if not schedule:
        return collected
    try:
        interval = longest_interval(schedule)
    except UnknownInterval as problem:
        env.problem(name, f"does not say how often the probe runs: {problem}; {_HINT}")
        return collected
    if interval >= collected:
        env.problem(
            name,
            f"has {_minutes(interval)} between two probes, and {COLLECTION_SCHEDULE_SETTING} has {_minutes(collected)} "
            f"between two collections, so that it brings nothing forward; {_HINT}",
        )
    return interval


def _minutes(interval: timedelta) -> str:
    return f"{interval.total_seconds() / 60:g} minutes"
