"""How long a schedule leaves between two runs, compared with a cron library that counts the occurrences one by one."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.configuration.schedule import UnknownInterval, longest_interval


@pytest.mark.parametrize(
    ("schedule", "interval"),
    [
        ("0 0 * * * *", timedelta(hours=1)),
        ("0 * * * *", timedelta(hours=1)),
        ("0 */15 * * * *", timedelta(minutes=15)),
        ("30 0 6,18,20 * * *", timedelta(hours=12)),
        ("0 0 6 * * *", timedelta(days=1)),
        ("0 0 6 * * 1-5", timedelta(days=3)),
        ("0 0 6 * * MON-FRI", timedelta(days=3)),
        ("0 0 0 1 * *", timedelta(days=31)),
        ("0 0 0 29 feb *", timedelta(days=4 * 365 + 1)),
        ("0 0 0 29 feb mon", timedelta(days=28 * 365 + 7)),
        ("* * * * * *", timedelta(seconds=1)),
        ("0 0 20/3 * * *", timedelta(hours=21)),
    ],
)
def test_the_longest_time_between_two_runs_counts(schedule: str, interval: timedelta) -> None:
    assert longest_interval(schedule) == interval


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "hourly",
        "@hourly",
        "* * * *",
        "0 60 * * * *",
        "0 0 24 * * *",
        "0 0 0 0 * *",
        "0 0 0 * 13 *",
        "0 0 0 * * 7",
        "0 0 22-2 * * *",
        "0 0 */0 * * *",
        "0 0 1,,2 * * *",
        "0 0 0 30 feb *",
        "0 0 0 * xyz *",
        "0 0 99999999999999999999 * * *",
        "0 0 ٣ * * *",
    ],
)
def test_what_is_no_schedule_has_no_interval(schedule: str) -> None:
    with pytest.raises(UnknownInterval):
        longest_interval(schedule)


def _field(lowest: int, highest: int) -> st.SearchStrategy[str]:
    numbers = st.integers(lowest, highest)
    ranges = st.sets(numbers, min_size=2, max_size=2).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.integers(1, highest).map(lambda step: f"*/{step}")
    return st.one_of(st.just("*"), st.lists(st.one_of(numbers.map(str), ranges), min_size=1).map(",".join), steps)


@given(st.tuples(_field(0, 59), _field(0, 23), _field(0, 6)))
@settings(max_examples=60, deadline=None)
def test_it_is_the_longest_of_all_gaps_between_occurrences(fields: tuple[str, str, str]) -> None:
    minutes, hours, weekdays = fields
    schedule = f"{minutes} {hours} * * {weekdays}"
    start = datetime(2026, 3, 2, tzinfo=UTC)
    occurrences = croniter(schedule, start - timedelta(seconds=1), ret_type=datetime)
    fortnight = list(itertools.takewhile(lambda moment: moment < start + timedelta(days=14), occurrences))

    assert longest_interval(schedule) == max(later - earlier for earlier, later in itertools.pairwise(fortnight))
