"""The probe's schedule: missing, wrong, or no more frequent than the collection."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.configuration.timers import has_probe
from publisher.settings import CollectorSettings, ProbeSettings, SettingsError
from tests.publisher.minimum import MINIMUM


def problem_with(**settings: str) -> str:
    with pytest.raises(SettingsError) as caught:
        ProbeSettings.from_environment(MINIMUM | settings)
    (problem,) = caught.value.problems
    name, _, text = problem.partition(": ")
    assert name == "PROBE_SCHEDULE"
    return text


@pytest.mark.parametrize(
    ("schedule", "minutes"), [("0 */5 * * * *", 5), ("*/10 * * * *", 10), (" 0 3-58/5 * * * * ", 10)]
)
def test_a_schedule_that_is_more_frequent_than_the_collection_is_taken(schedule: str, minutes: int) -> None:
    settings = ProbeSettings.from_environment(MINIMUM | {"PROBE_SCHEDULE": schedule})
    assert settings.interval <= timedelta(minutes=minutes)
    assert settings.collector == CollectorSettings.from_environment(MINIMUM)


@pytest.mark.parametrize(
    ("probed", "collected", "said"),
    [
        ("0 0 * * * *", "", "has 60 minutes between two probes, and COLLECTION_SCHEDULE has 60 minutes"),
        ("0 */15 * * * *", "0 */15 * * * *", "has 15 minutes between two probes, and COLLECTION_SCHEDULE has 15"),
        ("0 */5 8-17 * * *", "0 0 * * * *", "has 845 minutes between two probes"),
    ],
)
def test_one_that_brings_nothing_forward_is_refused(probed: str, collected: str, said: str) -> None:
    assert said in problem_with(PROBE_SCHEDULE=probed, COLLECTION_SCHEDULE=collected)


@pytest.mark.parametrize("schedule", ["often", "0 */5 * * *  * *", "0 61 * * * *", '"0 */5 * * * *"'])
def test_one_that_is_none_is_refused(schedule: str) -> None:
    assert problem_with(PROBE_SCHEDULE=schedule)


def test_without_a_schedule_there_is_nothing_to_run() -> None:
    assert problem_with().startswith("is not set; 0 */5 * * * * is every five minutes")
    assert not has_probe(MINIMUM)
    assert not has_probe({"PROBE_SCHEDULE": " "})
    assert has_probe({"PROBE_SCHEDULE": "0 */5 * * * *"})


def test_a_wrong_schedule_of_the_probe_keeps_nobody_from_being_collected() -> None:
    assert CollectorSettings.from_environment(MINIMUM | {"PROBE_SCHEDULE": "often"})


def test_what_is_wrong_with_the_collectors_settings_is_told_once_and_beside_it() -> None:
    with pytest.raises(SettingsError) as caught:
        ProbeSettings.from_environment(MINIMUM | {"PROBE_SCHEDULE": "often", "COLLECTION_SCHEDULE": "seldom"})
    assert [one.partition(":")[0] for one in caught.value.problems] == ["COLLECTION_SCHEDULE", "PROBE_SCHEDULE"]
