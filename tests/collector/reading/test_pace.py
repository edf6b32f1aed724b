"""How fast a subscription is asked, against a token bucket like Azure's, in a time that passes only when all wait."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from azure.core.rest import AsyncHttpResponse

from collector.reading.pace import Pace
from collector.reading.places import Place
from publisher.errors.kinds import RequestRefused, Throttled
from sandbox.azure.throttling import Throttle
from sandbox.errors import RefusedError

FOREVER = 1e9


class Time:
    """A clock that moves on to the next moment somebody waits for when nothing else is left to do."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), woken))
        await woken

    async def run(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        while not task.done():
            for _ in range(30):
                await asyncio.sleep(0)
            if self._sleepers and not task.done():
                moment, _, woken = heapq.heappop(self._sleepers)
                self.now = max(self.now, moment)
                if not woken.done():
                    woken.set_result(None)
        task.result()


class Answer:
    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers


@dataclass
class Subscription:
    """Applications of one customer behind a bucket, asked as the reader asks: some at once, again after a refusal."""

    capacity: int
    refill: float
    tells_remaining: bool = True
    latency: float = 0.04
    at_once: int = 4
    refusals: int = 0
    answers: int = 0
    time: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        self.pace = Pace(self.time)
        self.places = asyncio.Semaphore(32)
        self.bucket = Throttle(self.time)
        self.bucket.limit(self.capacity, self.refill)

    def place(self) -> Place:
        return Place(self.places, self.time.sleep, self.pace)

    async def send(self) -> AsyncHttpResponse:
        await self.time.sleep(self.latency / 2)
        try:
            headers = self.bucket.read("subscription", "principal")
        except RefusedError as refused:
            self.refusals += 1
            await self.time.sleep(self.latency / 2)
            raise Throttled(
                "slowly", code="429", status=429, retry_after=float(refused.headers["Retry-After"])
            ) from None
        self.answers += 1
        await self.time.sleep(self.latency / 2)
        return Answer(headers if self.tells_remaining else {})  # type: ignore[return-value]

    async def ask(self, times: int) -> None:
        """Ask so often, each question until it is answered."""
        slots = asyncio.Semaphore(self.at_once)

        async def one() -> None:
            async with slots:
                place = self.place()
                await place.occupy()
                while True:
                    try:
                        await self.pace.ask(self.send, place, FOREVER)
                    except Throttled as refusal:
                        await place.pause(refusal.retry_after or 1)
                    else:
                        break
                place.leave()

        await asyncio.gather(*(one() for _ in range(times)))

    def run(self, times: int) -> float:
        """Ask so often, and return the seconds it took."""
        started = self.time.now
        asyncio.run(self.time.run(self.ask(times)))
        assert self.answers >= times
        return self.time.now - started


BUCKETS = [(250, 25.0), (50, 25.0), (20, 5.0), (10, 2.0), (5, 10.0), (5, 1.0), (3, 0.5), (1, 1.0)]


@pytest.mark.parametrize(("capacity", "refill"), BUCKETS)
def test_hardly_a_question_is_refused_and_hardly_a_read_is_left_unused(capacity: int, refill: float) -> None:
    subscription = Subscription(capacity, refill)
    questions = 3 * capacity + 100

    seconds = subscription.run(questions)

    assert subscription.refusals < 0.05 * questions
    assert seconds < 1.5 * (questions - capacity) / refill + 10


@pytest.mark.parametrize(("capacity", "refill"), BUCKETS[1:5])
def test_the_pace_is_learnt_where_azure_does_not_tell_what_is_left(capacity: int, refill: float) -> None:
    subscription = Subscription(capacity, refill, tells_remaining=False)
    questions = 3 * capacity + 300

    seconds = subscription.run(questions)

    assert subscription.refusals < 0.05 * questions
    assert seconds < 2.5 * (questions - capacity) / refill + 20


def test_a_full_bucket_does_not_slow_anybody() -> None:
    subscription = Subscription(250, 25.0)

    assert subscription.run(100) < 0.04 * (100 / 4 + 2)


def test_the_pace_recovers_when_the_bucket_does() -> None:
    subscription = Subscription(20, 1.0)
    subscription.run(60)
    subscription.bucket.limit(250, 25.0)

    assert subscription.run(200) < 200 / 25 + 5


def test_a_refusal_holds_back_everybody_in_the_subscription_and_then_one_asks_first() -> None:
    subscription = Subscription(10, 10.0)
    asked: list[float] = []

    async def send() -> AsyncHttpResponse:
        asked.append(subscription.time.now - 1000)
        await subscription.time.sleep(0.1)
        if len(asked) == 1:
            raise Throttled("slowly", code="429", status=429, retry_after=17)
        return Answer({})  # type: ignore[return-value]

    async def one() -> None:
        place = subscription.place()
        await place.occupy()
        try:
            await subscription.pace.ask(send, place, FOREVER)
        except Throttled:
            await subscription.pace.ask(send, place, FOREVER)

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(4)))

    asyncio.run(subscription.time.run(all_of_them()))

    assert len(asked) == 5
    assert asked[0] == 0
    assert asked[1] == pytest.approx(17.1)
    assert asked[2] >= 17.2


def test_whoever_waits_gives_the_place_to_another_customer() -> None:
    throttled, other = Subscription(1, 0.01), Subscription(250, 25)
    other.time = throttled.time
    other.pace, other.places, throttled.places = Pace(other.time), asyncio.Semaphore(2), asyncio.Semaphore(2)
    other.places = throttled.places

    async def both() -> None:
        waiting = asyncio.ensure_future(throttled.ask(4))
        await other.ask(50)
        assert not waiting.done()
        assert other.time.now < 1000 + 50 * 0.04 + 1
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(throttled.time.run(both()))


def test_a_pause_beyond_the_deadline_is_told_at_once_and_nobody_knocks_in_vain() -> None:
    subscription = Subscription(1, 0.001)
    place = subscription.place()
    calls = 0

    async def refused() -> AsyncHttpResponse:
        nonlocal calls
        calls += 1
        raise Throttled("slowly", code="429", status=429, retry_after=3600)

    async def ask() -> None:
        await place.occupy()
        for _ in range(3):
            with pytest.raises(Throttled):
                await subscription.pace.ask(refused, place, subscription.time.now + 100)

    asyncio.run(subscription.time.run(ask()))

    assert calls == 1


def test_answers_that_are_no_refusals_do_not_keep_the_pace_slow() -> None:
    subscription = Subscription(250, 25)
    most = running = 0

    async def denied() -> AsyncHttpResponse:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await subscription.time.sleep(0.1)
        running -= 1
        raise RequestRefused("no", code="AuthorizationFailed", status=403)

    async def ask(send: Callable[[], Awaitable[AsyncHttpResponse]]) -> None:
        place = subscription.place()
        await place.occupy()
        with pytest.raises(RequestRefused):
            await subscription.pace.ask(send, place, FOREVER)

    async def all_of_them() -> None:
        await asyncio.gather(*(ask(denied) for _ in range(9)))

    asyncio.run(subscription.time.run(all_of_them()))

    assert most == 8, "one at first, then all that the slots allow"
