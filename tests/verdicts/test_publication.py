"""Which rows are due: what is open, what changed within 50 hours, and everything once in 20 hours."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.verdicts.remembered import DAY, NOW, assignment, remembered
from verdicts.facts import Alarm, AlarmKind, ApplicationFacts, Departure, Ending, StatesUpload
from verdicts.outcome import Outcome
from verdicts.publication import CHANGES_REPEATED, EVERYTHING_EVERY, Publication, states_are_due
from verdicts.rows import verdict_rows

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
QUIET = remembered(assignment("quiet"))
ALARM = Alarm("key", "", "says", NOW)


def published(facts: ApplicationFacts, at: datetime = NOW, previous: datetime | None = NOW) -> list[str]:
    return [row["Policy_assignment_name"] for row in verdict_rows(facts, Publication("run", at, previous))]


def test_what_stands_still_is_not_published_again() -> None:
    assert published(QUIET) == []


def test_everything_is_published_when_nobody_knows_of_an_earlier_run() -> None:
    assert published(QUIET, previous=None) == ["quiet"]


@pytest.mark.parametrize(
    "of_assignment",
    [
        {"open": assignment("a", "one").open},
        {"overflow": True},
        {"alarms": {AlarmKind.GUARD: ALARM}},
        {"alarms": {AlarmKind.UNDECIDED: ALARM}},
        {"changed_at": NOW - CHANGES_REPEATED + HOUR},
        {"ending": Ending.RETIRED, "changed_at": NOW - HOUR},
        {"closed_at": NOW - HOUR, "changed_at": NOW - HOUR},
    ],
)
def test_an_assignment_about_which_something_is_open_or_new_is_published_in_every_run(
    of_assignment: dict[str, Any],
) -> None:
    facts = remembered(assignment("quiet"), assignment("told", **of_assignment))
    assert published(facts) == ["told"]


@pytest.mark.parametrize("outcome", [Outcome.VANISHED, Outcome.LEFT, Outcome.LEFT_UNCONFIRMED])
def test_all_of_an_application_that_departed_is_published_in_every_run(outcome: Outcome) -> None:
    assert published(replace(QUIET, departure=Departure(outcome, NOW - 9 * DAY))) == ["quiet"]


def test_a_closing_is_repeated_for_fifty_hours() -> None:
    closed = remembered(assignment("closed", closed_at=NOW, changed_at=NOW))
    runs = [NOW + number * HOUR for number in range(60)]
    assert [bool(published(closed, run, run)) for run in runs] == [True] * 50 + [False] * 10


@pytest.mark.parametrize("ending", Ending)
def test_an_ended_assignment_is_told_for_fifty_hours_and_never_again(ending: Ending) -> None:
    ended = remembered(assignment("ended", ending=ending, ended_at=NOW, changed_at=NOW))
    assert published(ended, NOW + CHANGES_REPEATED - HOUR, None) == ["ended"]
    assert published(ended, NOW + CHANGES_REPEATED, None) == []


@pytest.mark.parametrize("interval", [timedelta(minutes=15), HOUR, 6 * HOUR, 19 * HOUR])
def test_everything_is_published_once_in_twenty_hours_whatever_the_interval(interval: timedelta) -> None:
    runs = [NOW + number * interval for number in range(int(8 * DAY / interval))]
    told = [at for previous, at in pairwise(runs) if published(QUIET, at, previous)]
    gaps = [after - before for before, after in pairwise(told)]
    assert all(EVERYTHING_EVERY - interval <= gap <= EVERYTHING_EVERY + interval for gap in gaps)
    assert told[0] - NOW <= EVERYTHING_EVERY + interval


def test_everything_is_published_with_the_run_that_uploaded_the_states_and_not_again() -> None:
    uploaded = replace(QUIET, states=StatesUpload("run", NOW, 3, "fingerprint"))
    assert published(uploaded, NOW + 5 * MINUTE, NOW - HOUR) == ["quiet"]
    assert published(uploaded, NOW + HOUR, NOW) == []


@pytest.mark.parametrize("interval", [timedelta(minutes=15), HOUR])
def test_states_are_uploaded_once_in_any_twenty_hours_together_with_everything_else(interval: timedelta) -> None:
    runs = [NOW + number * interval for number in range(int(8 * DAY / interval))]
    uploads: list[datetime] = []
    for previous, now in pairwise(runs):
        stands = StatesUpload("run", uploads[-1] if uploads else NOW, 3, "fingerprint")
        if states_are_due(QUIET.application_id, stands, now):
            uploads.append(now)
            assert published(QUIET, now, previous) == ["quiet"]
    gaps = [after - before for before, after in pairwise([NOW, *uploads])]
    assert max(gaps) <= 20 * HOUR
    assert min(gaps[1:]) >= EVERYTHING_EVERY - interval


def test_states_are_due_without_an_upload_that_can_be_compared() -> None:
    assert states_are_due(QUIET.application_id, None, NOW)
    assert states_are_due(QUIET.application_id, StatesUpload("of an earlier version", NOW, 3), NOW)
    assert not states_are_due(QUIET.application_id, StatesUpload("run", NOW, 3, "fingerprint"), NOW)


def test_runs_that_are_further_apart_publish_everything_each_time() -> None:
    assert published(QUIET, NOW + EVERYTHING_EVERY, NOW) == ["quiet"]
    assert published(QUIET, NOW + 9 * DAY, NOW) == ["quiet"]


def test_a_fleet_is_spread_over_the_hours() -> None:
    fleet = [remembered(assignment("quiet"), name=f"app-{number}") for number in range(1000)]
    hours = Counter(
        hour for facts in fleet for hour in range(19) if published(facts, NOW + (hour + 1) * HOUR, NOW + hour * HOUR)
    )
    assert sum(hours.values()) == len(fleet)
    assert max(hours.values()) < 2 * len(fleet) / 19


def test_letter_case_does_not_move_an_application() -> None:
    upper = replace(QUIET, application_id=QUIET.application_id.upper())
    hours = [hour for hour in range(20) if published(QUIET, NOW + (hour + 1) * HOUR, NOW + hour * HOUR)]
    assert hours == [hour for hour in range(20) if published(upper, NOW + (hour + 1) * HOUR, NOW + hour * HOUR)]
