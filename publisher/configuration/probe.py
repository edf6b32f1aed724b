"""The settings of the probe that brings turns forward: the collector's, and a schedule of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.configuration.schedule import PROBE_SCHEDULE_SETTING, UnknownInterval, longest_interval
from publisher.environment import Environment, SettingsError
from publisher.settings import HOURLY, CollectorSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

_HINT = "0 */5 * * * * is every five minutes, for example; leave it out to switch the probe off"


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """What the probe needs; `interval` is the longest time between two probes.

    They are apart from the collector's, so that a wrong schedule of the probe keeps nobody from being collected.
    """

    collector: CollectorSettings
    interval: timedelta

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> ProbeSettings:
        """Return the settings; raise SettingsError with every problem there is, also where no schedule is set."""
        env, problems, collector = Environment(variables), set[str](), None
        try:
            collector = CollectorSettings.from_environment(variables)
        except SettingsError as error:
            problems.update(error.problems)
        interval = _interval(env)
        try:
            env.finish()
        except SettingsError as error:
            problems.update(error.problems)
        if collector is None or interval is None or problems:
            raise SettingsError(tuple(sorted(problems)))
        return cls(collector, interval)


def _interval(env: Environment) -> timedelta | None:
    """Return the probe's interval; note a schedule that is none, or that is no more frequent than the collection."""
    schedule = env.text(PROBE_SCHEDULE_SETTING, hint=_HINT)
    if not schedule:
        return None
    try:
        interval = longest_interval(schedule)
    except UnknownInterval as problem:
        env.problem(PROBE_SCHEDULE_SETTING, f"does not say how often the probe runs: {problem}; {_HINT}")
        return None
    try:
        collected = longest_interval(env.text("COLLECTION_SCHEDULE", HOURLY) or HOURLY)
    except UnknownInterval:
        return interval  # the collector's settings say so
    if interval >= collected:
        env.problem(
            PROBE_SCHEDULE_SETTING,
            f"has {_minutes(interval)} between two probes, and COLLECTION_SCHEDULE has {_minutes(collected)} between "
            f"two collections, so that it brings nothing forward; {_HINT}",
        )
        return None
    return interval


def _minutes(interval: timedelta) -> str:
    return f"{interval.total_seconds() / 60:g} minutes"
