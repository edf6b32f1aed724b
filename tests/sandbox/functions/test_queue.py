"""Queue triggers deliver as Azure's host does: at least once, hidden meanwhile, again after failures, then to poison."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import azure.functions as func
import pytest
from azure.storage.queue import TextBase64DecodePolicy, TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from sandbox.functions.host import FunctionsHost
from sandbox.functions.index import IndexingError, index_functions
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sandbox.local_azure import Sandbox

SETTINGS: dict[str, Any] = {
    "batchSize": 2,
    "newBatchThreshold": 0,
    "maxDequeueCount": 2,
    "maxPollingInterval": "00:00:01",
}


class App:
    """An app with a function on a queue, and one on its poison queue."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.delivered: list[tuple[str, int | None]] = []
        self.poisoned: list[str] = []
        self.running = self.most_running = 0
        self.fails: Callable[[str], bool] = lambda _: False
        self.hold: asyncio.Event | None = None
        app = func.FunctionApp()
        for queue_name, function in (("work", self.work()), ("work-poison", self.give_up())):
            app.queue_trigger(arg_name="message", queue_name=queue_name, connection="AzureWebJobsStorage")(function)
        self.functions = index_functions(app)

    def work(self) -> Callable[..., Any]:
        async def work(message: func.QueueMessage) -> None:
            text = message.get_body().decode()
            self.delivered.append((text, message.dequeue_count))
            self.running += 1
            self.most_running = max(self.running, self.most_running)
            try:
                await asyncio.sleep(0.01)
                if self.hold is not None:
                    await self.hold.wait()
                if self.fails(text):
                    raise ValueError(text)
            finally:
                self.running -= 1

        return work

    def give_up(self) -> Callable[..., Any]:
        async def give_up(message: func.QueueMessage) -> None:
            self.poisoned.append(message.get_body().decode())

        return give_up

    @asynccontextmanager
    async def hosted(self, hidden_seconds: float = 600, **settings: Any) -> AsyncIterator[None]:
        host_json = {"extensions": {"queues": SETTINGS | settings}}
        host = FunctionsHost(self.functions, host_json, self.environment, hidden_seconds)
        listening = asyncio.create_task(host.listen_to_queues())
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def queue(self, name: str = "work") -> QueueClient:
        return QueueClient.from_connection_string(
            self.environment["AzureWebJobsStorage"],
            name,
            message_encode_policy=TextBase64EncodePolicy(),
            message_decode_policy=TextBase64DecodePolicy(),
        )

    async def send(self, *texts: str) -> None:
        async with self.queue() as queue:
            await queue.create_queue()
            for text in texts:
                await queue.send_message(text)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not reached():
            await asyncio.sleep(0.02)


@pytest.fixture
def app(sandbox: Sandbox, environment: dict[str, str]) -> App:
    return App(environment)


async def test_a_message_is_delivered_once_and_removed(app: App) -> None:
    await app.send("größe 😀", "two")

    async with app.hosted():
        await until(lambda: len(app.delivered) == 2)
        async with app.queue() as queue:
            while (await queue.get_queue_properties()).approximate_message_count:
                await asyncio.sleep(0.02)

    assert sorted(app.delivered) == [("größe 😀", 1), ("two", 1)]


async def test_no_more_messages_are_worked_on_at_once_than_host_json_allows(app: App) -> None:
    await app.send(*map(str, range(9)))

    async with app.hosted():
        await until(lambda: len(app.delivered) == 9)

    assert app.most_running == 2


async def test_a_failed_message_comes_again_and_then_goes_to_the_poison_function(app: App) -> None:
    await app.send("bad", "good")
    app.fails = lambda text: text == "bad"

    async with app.hosted():
        await until(lambda: bool(app.poisoned))

    assert [count for text, count in app.delivered if text == "bad"] == [1, 2]
    assert app.poisoned == ["bad"]


async def test_a_message_stays_hidden_as_long_as_it_is_worked_on(app: App, sandbox: Sandbox) -> None:
    await app.send("long")
    app.hold = asyncio.Event()

    async with app.hosted(hidden_seconds=1):
        await until(lambda: len(sandbox.requests.of(Service.QUEUES, method="PUT", path_part="messages")) == 3)
        app.hold.set()
        await until(lambda: app.running == 0)

    assert app.delivered == [("long", 1)]


async def test_a_message_whose_host_dies_comes_again_when_it_shows_again(app: App) -> None:
    await app.send("again")
    app.hold = asyncio.Event()
    async with app.hosted(hidden_seconds=1):
        await until(lambda: bool(app.delivered))

    app.hold.set()
    async with app.hosted():
        await until(lambda: len(app.delivered) == 2 and app.running == 0)

    assert app.delivered == [("again", 1), ("again", 2)]


async def test_a_message_that_kills_its_host_again_and_again_is_not_delivered_for_ever(app: App) -> None:
    await app.send("deadly")
    app.hold = asyncio.Event()
    for deaths in (1, 2):
        async with app.hosted(hidden_seconds=1):
            await until(lambda deaths=deaths: len(app.delivered) == deaths)

    async with app.hosted():
        await until(lambda: bool(app.poisoned))

    assert len(app.delivered) == 2


@pytest.mark.parametrize(
    "settings", [{"messageEncoding": "none"}, {"visibilityTimeout": "30"}, {"newBatchTreshold": 1}], ids=str
)
def test_settings_that_this_host_cannot_play_keep_the_app_from_starting(app: App, settings: dict[str, Any]) -> None:
    with pytest.raises(IndexingError, match=r"host\.json"):
        FunctionsHost(app.functions, {"extensions": {"queues": settings}}, app.environment)
