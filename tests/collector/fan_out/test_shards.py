"""How a run is cut into shards, and what travels in a shard's message."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.fan_out.shards import MalformedShardError, Shard, cut, partition_of, partition_prefix
from collector.reporting.outcomes import Run
from publisher.table import KeyRange

RUN = Run("4c1f1f6e-0000-4000-8000-000000000001", datetime(2026, 5, 4, 3, 2, 1, 987_000, tzinfo=UTC), "timer")
SHARD = Shard(RUN, 2, 3, KeyRange("5b5e", "7c7c"))


async def partitions(sizes: dict[str, int]) -> AsyncIterator[tuple[str, int]]:
    for key in sorted(sizes):
        yield key, sizes[key]


@given(st.dictionaries(st.text("0123456789abcdef", min_size=1, max_size=4), st.integers(1, 30)), st.integers(1, 40))
async def test_every_partition_is_in_one_shard_and_shards_are_as_large_as_asked(
    sizes: dict[str, int], most: int
) -> None:
    ranges = await cut(partitions(sizes), most)

    held = [[key for key in sizes if key >= one.first and (one.before is None or key < one.before)] for one in ranges]
    assert sorted(key for keys in held for key in keys) == sorted(sizes)
    assert all(sum(sizes[key] for key in keys) <= most or len(keys) == 1 for keys in held)
    assert all(sum(sizes[key] for key in left) + sizes[min(right)] > most for left, right in pairwise(held))


async def test_shards_cover_what_is_registered_meanwhile() -> None:
    ranges = await cut(partitions({"b": 2, "d": 2, "f": 2}), 2)

    assert ranges == [KeyRange("", "d"), KeyRange("d", "f"), KeyRange("f", None)]


async def test_an_empty_registry_is_a_shard_too_for_the_heartbeat() -> None:
    assert await cut(partitions({}), 250) == [KeyRange("", None)]


@pytest.mark.parametrize("before", ["7c7c", None])
def test_a_message_brings_back_its_shard(before: str | None) -> None:
    shard = Shard(RUN, 2, 3, KeyRange("5b5e", before))

    assert Shard.parse(shard.message()) == shard
    assert Shard.parse(shard.message()).run.time_generated == RUN.time_generated


def test_a_message_stays_far_below_the_queues_limit_whatever_the_shard_holds() -> None:
    longest = Shard(RUN, 10**6, 10**6, KeyRange("ü" * 512, "ü" * 512))

    assert len(longest.message().encode()) < 48 * 1024 / 10


MESSAGE = orjson.loads(SHARD.message())


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no json",
        "[]",
        "{}",
        "null",
        *(
            orjson.dumps({**MESSAGE, name: value}).decode()
            for name, value in [
                ("form", 2),
                ("run_id", None),
                ("started_at", "yesterday"),
                ("started_at", "2026-05-04T03:02:01"),
                ("shard", 0),
                ("shard", 4),
                ("shard", True),
                ("shards", "3"),
                ("first_partition", 5),
                ("before_partition", 5),
            ]
        ),
    ],
)
def test_a_message_that_no_timer_sent_is_refused_without_repeating_it(message: Any) -> None:
    with pytest.raises(MalformedShardError) as caught:
        Shard.parse(message)

    assert not message or message not in str(caught.value)


def test_records_sort_by_the_time_at_which_runs_began() -> None:
    later = Run("0" * 36, RUN.started_at + timedelta(milliseconds=1), "timer")

    assert partition_of(RUN) < partition_prefix(later.started_at) < partition_of(later)
