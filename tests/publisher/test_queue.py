"""A queue: messages get in whole and stay, what is no queue's answer is trouble, and calls end in time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from publisher.configuration.resource_settings import Storage
from publisher.errors.kinds import (
    AccessDenied,
    DeadlineExceeded,
    MalformedAnswer,
    NotFound,
    Throttled,
    TransientFailure,
)
from publisher.queue import Queue
from publisher.retry import Patience
from sandbox.azure.identity.directory import USER_ASSIGNED
from sandbox.faults.effects import Body, Slow, Status, html
from sandbox.faults.operations import QueueRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service

NAME = "letters"
ONCE = Patience(attempts=1)


def account(sandbox: Sandbox) -> Storage:
    return Storage(connection_string=sandbox.environment["AzureWebJobsStorage"])


@pytest.fixture
async def raw(sandbox: Sandbox) -> AsyncIterator[QueueClient]:
    """The queue as whoever takes its messages sees it."""
    connection = sandbox.environment["AzureWebJobsStorage"]
    decoding = TextBase64DecodePolicy()
    async with QueueClient.from_connection_string(connection, NAME, message_decode_policy=decoding) as client:
        await client.create_queue()
        yield client


@pytest.mark.parametrize("text", ["", "x", "ü日本🙂\x00\n", "x" * 8192])
async def test_a_message_arrives_whole_and_never_expires(sandbox: Sandbox, raw: QueueClient, text: str) -> None:
    async with Queue(account(sandbox), NAME, patience=ONCE) as queue:
        await queue.send(text)
    (message,) = [one async for one in raw.receive_messages()]
    assert message.content == text
    assert message.expires_on.year == 9999


async def test_a_message_lives_as_long_as_it_is_told_to(sandbox: Sandbox, raw: QueueClient) -> None:
    async with Queue(account(sandbox), NAME, patience=ONCE) as queue:
        await queue.send("x", time_to_live=timedelta(hours=2))
    (message,) = [one async for one in raw.receive_messages()]
    assert message.expires_on - message.inserted_on == timedelta(hours=2)


async def test_a_queue_is_created_once_and_only_when_it_is_asked_for(sandbox: Sandbox) -> None:
    async with Queue(account(sandbox), "another", patience=ONCE) as queue:
        with pytest.raises(NotFound, match="queue another: "):
            await queue.send("x")
        await queue.create()
        await queue.create()
        await queue.send("x")


async def test_an_identity_sends_as_well(identity_sandbox: Sandbox) -> None:
    uri = identity_sandbox.environment["NOTIFICATIONS__queueServiceUri"]
    storage = Storage(queue_service_uri=uri, identity_client_id=USER_ASSIGNED.client_id)
    async with Queue(storage, "notifications", patience=ONCE) as queue:
        await queue.send("x")
    (sent,) = identity_sandbox.requests.of(Service.QUEUES)
    assert (sent.method, sent.status) == ("POST", 201)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (Status(403), AccessDenied),
        (Status(404), NotFound),
        (Status(429), Throttled),
        (Status(503), TransientFailure),
        (html(201), MalformedAnswer),
        (Body(b"", status=201), MalformedAnswer),
        (Body(b"<a>", "application/xml", 201), MalformedAnswer),
        (Body(b"<QueueMessagesList/>", "application/xml", 201), MalformedAnswer),
    ],
)
async def test_what_is_not_taken_is_a_failure_of_its_kind(
    sandbox: Sandbox, raw: QueueClient, answer: Status | Body, failure: type[Exception]
) -> None:
    sandbox.faults.add(QueueRequest("POST"), answer)
    async with Queue(account(sandbox), NAME, patience=ONCE) as queue:
        with pytest.raises(failure, match=f"queue {NAME}: "):
            await queue.send("x")


async def test_a_message_is_given_up_at_its_deadline(sandbox: Sandbox, raw: QueueClient) -> None:
    sandbox.faults.add(QueueRequest("POST"), Slow(600))
    async with Queue(account(sandbox), NAME, patience=Patience()) as queue:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await queue.send("x", deadline=started + 0.2)
        with pytest.raises(DeadlineExceeded):
            await queue.send("x", deadline=started)
    assert time.monotonic() - started < 10
