"""Retries on a clock of our own: no test waits."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from azure.core.exceptions import ServiceRequestError

from publisher.errors.kinds import (
    AccessDenied,
    AuthenticationFailed,
    AzureFailure,
    DeadlineExceeded,
    MalformedAnswer,
    NotFound,
    RequestRefused,
    Throttled,
    TimedOut,
    TransientFailure,
)
from publisher.retry import with_retries


@dataclass
class Clock:
    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@dataclass
class Calls:
    """An attempt that fails as scripted, and then succeeds."""

    failures: list[BaseException]
    made: int = 0

    async def __call__(self) -> str:
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


async def repeat(
    attempt: Callable[[], Awaitable[str]], clock: Clock, seconds: float = 600, jitter: float = 1.0, **options: int
) -> str:
    return await with_retries(
        attempt, deadline=clock.now + seconds, clock=clock, sleep=clock.sleep, jitter=lambda: jitter, **options
    )


def transient(retry_after: float | None = None) -> TransientFailure:
    return TransientFailure("busy", code="ServerBusy", status=503, retry_after=retry_after)


async def test_the_answer_of_the_first_attempt_is_returned_at_once() -> None:
    clock = Clock()
    assert await repeat(Calls([]), clock) == "answer"
    assert clock.waits == []


async def test_waits_grow_until_an_attempt_succeeds() -> None:
    clock = Clock()
    assert await repeat(Calls([transient() for _ in range(5)]), clock) == "answer"
    assert clock.waits == [0.5, 1, 2, 4, 8]


async def test_no_wait_is_longer_than_half_a_minute() -> None:
    clock = Clock()
    await repeat(Calls([transient() for _ in range(9)]), clock, attempts=10)
    assert max(clock.waits) == 30


async def test_jitter_shortens_waits_by_up_to_half() -> None:
    clock = Clock()
    await repeat(Calls([transient(), transient()]), clock, jitter=0.0)
    assert clock.waits == [0.25, 0.5]


async def test_the_last_failure_is_raised_as_it_is_when_attempts_are_used_up() -> None:
    calls = Calls([transient(), transient(), Throttled("slow down", code="TooMany", status=429)])
    with pytest.raises(Throttled) as raised:
        await repeat(calls, Clock(), attempts=3)
    assert raised.value.code == "TooMany"
    assert calls.made == 3


async def test_the_longer_of_azures_wish_and_our_own_wait_counts() -> None:
    clock = Clock()
    wishes = [transient(retry_after=wish) for wish in (17, 0, 1, 1, 1)]
    await repeat(Calls(wishes), clock, jitter=1)
    assert clock.waits == [18, 1, 2, 4, 8]


@pytest.mark.parametrize("retry_after", [601.0, 86_400.0, 1e300])
async def test_a_wish_beyond_the_deadline_is_not_waited_for(retry_after: float) -> None:
    clock, calls = Clock(), Calls([transient(retry_after)])
    with pytest.raises(TransientFailure):
        await repeat(calls, clock)
    assert clock.waits == []
    assert calls.made == 1


async def test_no_wait_begins_that_would_end_after_the_deadline() -> None:
    clock, calls = Clock(), Calls([transient() for _ in range(6)])
    with pytest.raises(TransientFailure) as raised:
        await repeat(calls, clock, seconds=4)
    assert raised.value.code == "ServerBusy"
    assert clock.waits == [0.5, 1, 2]


async def test_nothing_is_tried_after_the_deadline() -> None:
    calls = Calls([])
    with pytest.raises(DeadlineExceeded):
        await repeat(calls, Clock(), seconds=0)
    assert calls.made == 0


async def test_a_call_under_way_at_the_deadline_is_ended_and_not_repeated() -> None:
    made = 0

    async def never() -> str:
        nonlocal made
        made += 1
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(DeadlineExceeded):
        await repeat(never, Clock(), seconds=0.02)
    assert made == 1


async def test_a_time_out_of_the_call_itself_is_repeated() -> None:
    assert await repeat(Calls([TimeoutError()]), Clock()) == "answer"


@pytest.mark.parametrize("kind", [AuthenticationFailed, AccessDenied, NotFound, RequestRefused])
async def test_what_cannot_change_is_not_repeated(kind: type[AzureFailure]) -> None:
    calls = Calls([kind("no", code="No")])
    with pytest.raises(kind):
        await repeat(calls, Clock())
    assert calls.made == 1


async def test_failures_of_the_sdk_are_repeated_and_then_told_in_our_words() -> None:
    assert await repeat(Calls([ServiceRequestError("refused")]), Clock()) == "answer"
    with pytest.raises(TransientFailure) as raised:
        await repeat(Calls([ServiceRequestError("refused")]), Clock(), attempts=1)
    assert raised.value.code == "ConnectionFailed"
    assert isinstance(raised.value.__cause__, ServiceRequestError)


async def test_an_answer_that_makes_no_sense_is_asked_for_again() -> None:
    assert await repeat(Calls([MalformedAnswer("half", code="MalformedAnswer")]), Clock()) == "answer"


async def test_a_defect_of_our_own_is_not_hidden_by_retries() -> None:
    calls = Calls([KeyError("defect")])
    with pytest.raises(KeyError):
        await repeat(calls, Clock())
    assert calls.made == 1


async def test_a_silent_service_is_asked_twice_and_no_more() -> None:
    calls, clock = Calls([TimedOut("silence", code="Timeout") for _ in range(6)]), Clock()
    with pytest.raises(TimedOut):
        await repeat(calls, clock)
    assert calls.made == 2
