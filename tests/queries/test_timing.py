"""Frequencies and windows of the rules, proven for every collection interval that can be chosen."""

import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from checks.alert_rules import FREQUENCIES, WINDOWS
from sandbox.alerts.rules import read_document
from sandbox.workspace.iso8601 import parse_duration

RULES = read_document()
INTERVALS = list(RULES["collectionIntervals"])
INGESTION_LATENCY = timedelta(minutes=15)  # FACTS 3.3
MAX_LOOK_BACK = timedelta(days=2)  # FACTS 4.3
SLOWEST_FREQUENCY_WITH_HEALTH = timedelta(minutes=15)
"""Azure reports the health of rules that are evaluated at least so often: learn.microsoft.com/azure/azure-monitor/alerts/
log-alert-rule-health. Without it nobody is told that a rule fails."""
SLOWEST_RESOLVING_FREQUENCY = timedelta(hours=12)  # FACTS 4.3


def minutes_of(field: str, limit: int) -> set[int]:
    """Return the values of an NCRONTAB field: a number, * or */n."""
    if field == "*":
        return set(range(limit))
    return set(range(0, limit, int(field[2:]))) if field.startswith("*/") else {int(field)}


def longest_gap(schedule: str) -> timedelta:
    """Return the longest time between two occurrences of an NCRONTAB schedule that recurs every day."""
    second, minute, hour, *date = schedule.split()
    assert (second, date) == ("0", ["*", "*", "*"])
    of_a_day = [60 * h + m for h in sorted(minutes_of(hour, 24)) for m in sorted(minutes_of(minute, 60))]
    return timedelta(minutes=max(later - earlier for earlier, later in pairwise([*of_a_day, of_a_day[0] + 24 * 60])))


def longest_run() -> timedelta:
    """Return how long a run can take before the host ends it; its rows carry the time of its start."""
    text = json.loads(Path("host.json").read_text(encoding="utf-8"))["functionTimeout"]
    hours, minutes, seconds = map(int, text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


@pytest.mark.parametrize("interval", INTERVALS)
def test_the_schedule_is_the_interval(interval: str) -> None:
    assert longest_gap(RULES["collectionIntervals"][interval]["schedule"]) == parse_duration(interval)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("rule", RULES["rules"], ids=lambda rule: rule["name"])
class TestEveryRuleAndInterval:
    def timing(self, rule: dict[str, str], interval: str) -> dict[str, str]:
        return RULES["timings"][rule["timing"]][interval]

    def test_the_window_covers_a_lost_run_a_slow_run_and_slow_ingestion(
        self, rule: dict[str, str], interval: str
    ) -> None:
        collected_every = longest_gap(RULES["collectionIntervals"][interval]["schedule"])

        window = parse_duration(self.timing(rule, interval)["windowSize"])

        assert window >= 2 * collected_every + longest_run() + INGESTION_LATENCY

    def test_the_window_is_what_azure_looks_back_at_most(self, rule: dict[str, str], interval: str) -> None:
        assert parse_duration(self.timing(rule, interval)["windowSize"]) <= MAX_LOOK_BACK

    def test_windows_leave_no_gap_and_alerts_can_resolve(self, rule: dict[str, str], interval: str) -> None:
        timing = self.timing(rule, interval)
        frequency = parse_duration(timing["evaluationFrequency"])

        assert frequency <= parse_duration(timing["windowSize"])
        assert frequency <= SLOWEST_RESOLVING_FREQUENCY

    def test_an_alert_comes_within_an_hour_and_never_waits_for_another_run(
        self, rule: dict[str, str], interval: str
    ) -> None:
        frequency = parse_duration(self.timing(rule, interval)["evaluationFrequency"])

        assert frequency <= min(timedelta(hours=1), parse_duration(interval))

    def test_azure_watches_the_health_of_the_rule(self, rule: dict[str, str], interval: str) -> None:
        assert parse_duration(self.timing(rule, interval)["evaluationFrequency"]) <= SLOWEST_FREQUENCY_WITH_HEALTH

    def test_azure_offers_the_values(self, rule: dict[str, str], interval: str) -> None:
        timing = self.timing(rule, interval)

        assert timing["evaluationFrequency"] in FREQUENCIES
        assert timing["windowSize"] in WINDOWS
