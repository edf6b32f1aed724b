"""A warm instance: requests at once and one after the other share a client, its connections and its token."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from notification_endpoint.endpoint import answer_notification
from notification_endpoint.outbox import OUTBOX
from publisher.settings import NotificationSettings
from sandbox.faults.effects import Dropped, Slow, Status
from sandbox.faults.operations import IdentityTokenRequest, QueueRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.notification_endpoint.conftest import (
    Lines,
    Webhook,
    body_about,
)

STORAGE = "https://storage.azure.com"


class Front:
    """A front whose identity is all that it has for the queue; there is no connection string."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.settings = sandbox.environment_of("front")
        self.customer = sandbox.arm.add_customer("Contoso")

    async def answer(self, body: bytes | None = None, signature: str | None = None) -> int:
        body, signature = body or body_about(self.customer), signature or self.sandbox.notification_signature
        return (await answer_notification(body, signature, self.settings)).status

    @property
    def sent(self) -> int:
        return len(self.sandbox.requests.of(Service.QUEUES, method="POST"))

    @property
    def tokens(self) -> int:
        return sum(self.sandbox.directory.tokens_issued().values())


@pytest.fixture
async def front(identity_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    front = Front(identity_sandbox)
    monkeypatch.setenv("IDENTITY_HEADER", front.settings["IDENTITY_HEADER"])  # azure-identity reads it itself
    yield front
    await OUTBOX.close()


async def test_requests_at_once_and_later_share_one_client_and_one_token(front: Front) -> None:
    assert "NOTIFICATIONS__queueServiceUri" in front.settings, "no connection string"
    assert set(await asyncio.gather(*(front.answer() for _ in range(40)))) == {200}
    assert [await front.answer() for _ in range(5)] == [200] * 5
    assert front.sent == 45
    assert front.sandbox.directory.tokens_issued() == {STORAGE: 1}
    settings = NotificationSettings.from_environment(front.settings)
    assert await OUTBOX.open(settings) is await OUTBOX.open(settings)


async def test_good_and_bad_requests_at_once_get_each_their_own_answer(front: Front) -> None:
    dice = random.Random(7)  # noqa: S311 - repeatable, and secret from nobody
    kinds = [("right", 200), ("unsigned", 401), ("garbage", 400)] * 20
    dice.shuffle(kinds)
    calls = [
        front.answer(b"{}" if kind == "garbage" else None, "wrong" if kind == "unsigned" else None) for kind, _ in kinds
    ]
    assert await asyncio.gather(*calls) == [status for _, status in kinds]
    assert front.sent == 20


async def test_trouble_of_one_request_is_not_that_of_the_others(
    webhook: Webhook, sandbox: Sandbox, customer: Customer
) -> None:
    sandbox.faults.add(QueueRequest(), Dropped(), times=6)
    sandbox.faults.add(QueueRequest(), Slow(0.2), times=5)
    answers = await asyncio.gather(*(webhook.deliver(customer, "PATCH", "Succeeded") for _ in range(20)))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {200, 503}
    queued = await webhook.queued()
    assert len({one.correlation_id for one in queued}) >= statuses[200] >= 14


async def test_a_connection_that_went_stale_is_replaced_unnoticed(front: Front) -> None:
    assert await front.answer() == 200
    with front.sandbox.offline(Service.QUEUES):
        pass  # every open connection is cut
    assert [await front.answer() for _ in range(3)] == [200] * 3
    assert front.tokens == 1


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_an_identity_that_gets_no_token_is_asked_for_again(front: Front, lines: Lines, status: int) -> None:
    front.sandbox.faults.add(IdentityTokenRequest(), Status(status, retry_after=0))
    assert await front.answer() == 503
    assert "managed identity" in lines()[-1]
    assert front.sent == 0
    front.sandbox.faults.clear()
    await OUTBOX.close()  # a refusal is remembered for half a minute
    assert await front.answer() == 200


async def test_other_settings_open_another_client_and_close_the_first(front: Front) -> None:
    settings = NotificationSettings.from_environment(front.settings)
    first = await OUTBOX.open(settings)
    others = replace(settings, signatures=("another-signature".ljust(32, "-"),))
    opened = await asyncio.gather(*(OUTBOX.open(others) for _ in range(5)))
    assert len(set(map(id, opened))) == 1
    assert first is not opened[0]
    await OUTBOX.close()
    await OUTBOX.close()
