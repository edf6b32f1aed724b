"""Plays one cell of the webhook's fault matrix: notifications under one fault, and again when it is over."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

from notification_endpoint.endpoint import answer_notification
from notification_endpoint.outbox import OUTBOX
from publisher.notifications import notification_in
from publisher.transport import longest_silence
from sandbox.azure.notifications import notification
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.queue_side import take_messages
from tests.reliability.collector_faults import OF_A_SERVICE
from tests.reliability.notification_cell import KINDS, PATIENCE_SECONDS, instantly
from tests.reliability.secrets_watch import MARKER
from tests.reliability.webhook_faults import DEPENDENCIES


@dataclass
class Played:
    """What notifications under a fault left behind: statuses, and how often each is on the queue, by application."""

    answers: dict[str, int]
    queued: Counter[str]
    seconds: float
    repeated: dict[str, int]
    queued_at_last: Counter[str]


async def play(sandbox: Sandbox, dependency: str, fault: str, *, passing: bool = False) -> Played:
    """Send notifications under a fault, then end it and send again what was refused, as Azure does.

    A fault that is `passing` meets one attempt of the one notification that is sent.
    """
    kinds = list(KINDS.values())[:1] if passing else list(KINDS.values())
    customers = [sandbox.arm.add_customer(f"customer {number}") for number in range(len(kinds))]
    bodies = {customer.application_id: _body(customer, *kind) for customer, kind in zip(customers, kinds, strict=True)}
    started = time.monotonic()
    with _failing(sandbox, dependency, fault, times=1 if passing else None):
        answers = await _send(bodies, sandbox)
    seconds = time.monotonic() - started
    queued = await _queued(sandbox)
    await OUTBOX.close()  # Azure repeats after more than the half minute for which a refusal is remembered
    repeated = await _send({name: body for name, body in bodies.items() if answers[name] != 200}, sandbox)
    return Played(answers, queued, seconds, repeated, queued + await _queued(sandbox))


@contextmanager
def _failing(sandbox: Sandbox, dependency: str, fault: str, times: int | None) -> Iterator[None]:
    it = DEPENDENCIES[dependency]
    with longest_silence(PATIENCE_SECONDS) if fault == "time-out" else nullcontext():
        if fault in OF_A_SERVICE and it.whole:
            with OF_A_SERVICE[fault](sandbox, it.whole):
                yield
        else:
            for operation in it.operations:
                sandbox.faults.add(operation, it.faults[fault], times=times)
            yield
    sandbox.faults.clear()


async def _send(bodies: dict[str, bytes], sandbox: Sandbox) -> dict[str, int]:
    async def send(body: bytes) -> int:
        answer = await answer_notification(
            body, sandbox.notification_signature, sandbox.environment_of("front"), sleep=instantly
        )
        assert set(json.loads(answer.body)) <= {"title", "status", "detail", "result", "correlationId"}
        return answer.status.value

    return dict(zip(bodies, await asyncio.gather(*map(send, bodies.values())), strict=True))


async def _queued(sandbox: Sandbox) -> Counter[str]:
    return Counter(str(notification_in(message.encode()).application_id) for message in await take_messages(sandbox))


def _body(customer: Customer, event_type: str, state: str) -> bytes:
    customer.usage_id = MARKER
    payload = notification(customer, event_type, state, event_time=datetime.now(UTC))
    return json.dumps(payload | {"error": {"code": MARKER, "message": MARKER}}).encode()
