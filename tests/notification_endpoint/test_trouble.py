"""Trouble with the queue: Azure is to ask again, in good time, and nothing that was answered 200 is lost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from notification_endpoint.endpoint import answer_notification
from sandbox.faults.effects import (
    AnswerLost,
    Body,
    CutHalfWay,
    Dropped,
    Effect,
    Slow,
    Status,
    TruncatedJson,
    empty,
    html,
)
from sandbox.faults.operations import QueueRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.notification_endpoint.conftest import Lines, Webhook, answer_of, body_about

AGAIN_LATER = [
    Status(400),
    Status(401),
    Status(403),
    Status(403, code="AuthorizationPermissionMismatch"),
    Status(404),
    Status(408, retry_after=0),
    Status(409),
    Status(413),
    Status(429, retry_after=86_400),
    Status(500, retry_after=0),
    Status(503, retry_after=0),
    Dropped(),
    Body(b"{}"),
    empty(),
    html(),
    html(502),
]


@pytest.mark.parametrize("fault", AGAIN_LATER, ids=repr)
async def test_what_the_queue_does_not_take_is_asked_for_again(
    sandbox: Sandbox, webhook: Webhook, customer: Customer, lines: Lines, fault: Effect
) -> None:
    sandbox.faults.add(QueueRequest(), fault)
    status, body = answer_of(await webhook.deliver(customer, "PUT", "Succeeded"))
    assert status == 503
    assert set(body) == {"title", "status", "detail", "correlationId"}
    assert len(lines()) == 1
    assert " 503 (" in lines()[0]
    sandbox.faults.clear()
    assert await webhook.queued() == []
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == 200
    assert len(await webhook.queued()) == 1


@pytest.mark.parametrize("fault", [AnswerLost(), CutHalfWay(), TruncatedJson(), Body(b"", status=201), html(201)], ids=repr)  # fmt: skip
async def test_a_doubtful_answer_is_no_reason_to_say_queued(
    sandbox: Sandbox, webhook: Webhook, customer: Customer, fault: Effect
) -> None:
    sandbox.faults.add(QueueRequest("POST"), fault)
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == 503


@pytest.mark.parametrize("fault", [Status(500, retry_after=0), Status(429, retry_after=0), Dropped(), AnswerLost(), html(503)], ids=repr)  # fmt: skip
async def test_trouble_that_passes_at_once_is_not_even_noticed(
    sandbox: Sandbox, webhook: Webhook, customer: Customer, fault: Effect
) -> None:
    sandbox.faults.add(QueueRequest("POST"), fault, times=1)
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == 200
    queued = await webhook.queued()
    assert len(queued) == (2 if fault == AnswerLost() else 1)
    assert len({one.correlation_id for one in queued}) == 1, "the worker sees that it is one"


async def test_a_queue_that_is_not_there_is_never_made(sandbox: Sandbox, webhook: Webhook, customer: Customer) -> None:
    sandbox.faults.add(QueueRequest("POST"), Status(404))
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == 503
    assert {one.method for one in sandbox.requests.of(Service.QUEUES)} == {"POST"}


async def test_a_queue_out_of_reach_costs_nothing_for_good(
    sandbox: Sandbox, webhook: Webhook, customer: Customer, lines: Lines
) -> None:
    assert (await webhook.deliver(customer, "PUT", "Accepted")).status_code == 200
    with sandbox.offline(Service.QUEUES):
        assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == 503
    assert "queue notifications" in lines()[-1]
    assert (await webhook.deliver(customer, "PUT", "Succeeded")).status_code == 200
    assert len(await webhook.queued()) == 2


@dataclass
class Waits:
    """Sleeps that take no time, and are noted."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.mark.parametrize(
    ("fault", "waits", "requests"),
    [
        (Status(503), 2, 3),
        (Status(503, retry_after=5), 2, 3),
        (Status(429, retry_after=60), 0, 1),  # no answer can wait for so long
        (Status(403), 0, 1),
        (Status(404), 0, 1),
    ],
)
async def test_a_few_quick_attempts_are_enough(
    sandbox: Sandbox, front_settings: dict[str, str], fault: Effect, waits: int, requests: int
) -> None:
    slept = Waits()
    sandbox.faults.add(QueueRequest(), fault)
    body = body_about(sandbox.arm.add_customer("Contoso"))
    answer = await answer_notification(body, sandbox.notification_signature, front_settings, sleep=slept)
    assert answer.status == 503
    assert (len(slept.seconds), len(sandbox.requests.of(Service.QUEUES))) == (waits, requests)


async def test_the_answer_comes_in_time_however_slow_the_queue_is(
    sandbox: Sandbox, front_settings: dict[str, str], customer: Customer, lines: Lines
) -> None:
    sandbox.faults.add(QueueRequest(), Slow(600))
    started = time.monotonic()
    answer = await answer_notification(
        body_about(customer), sandbox.notification_signature, front_settings, budget_seconds=0.3
    )
    assert answer.status == 503
    assert time.monotonic() - started < 10, "seconds; the queue would take 600"
    assert "DeadlineExceeded" in lines()[-1]
