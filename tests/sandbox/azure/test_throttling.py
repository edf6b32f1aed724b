"""ARM's token buckets on a clock that stands still until it is moved."""

from __future__ import annotations

import pytest

from sandbox.azure.throttling import REMAINING_HEADER, Throttle
from sandbox.errors import RefusedError


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_refuses_and_fills_again() -> None:
    time = Time()
    throttle = Throttle(time)
    throttle.limit(capacity=3, refill_per_second=0.5)
    assert [throttle.read("sub", "me")[REMAINING_HEADER] for _ in range(3)] == ["2", "1", "0"]
    with pytest.raises(RefusedError) as refused:
        throttle.read("SUB", "me")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "2")
    assert throttle.read("sub", "somebody else")[REMAINING_HEADER] == "2"
    time.now += 2
    assert throttle.read("sub", "me")[REMAINING_HEADER] == "0"
    time.now += 3600
    assert throttle.read("sub", "me")[REMAINING_HEADER] == "2"
    assert (throttle.allowed, throttle.refused) == (6, 1)


def test_nothing_is_refused_unless_there_is_a_limit() -> None:
    throttle = Throttle(Time())
    assert {throttle.read("sub", "me")[REMAINING_HEADER] for _ in range(1000)} == {"249"}
    throttle.limit(1, 1)
    throttle.unlimit()
    assert {throttle.read("sub", "me")[REMAINING_HEADER] for _ in range(10)} == {"249"}
