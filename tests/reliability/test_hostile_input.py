"""The webhook over real HTTP, in the Functions host, under requests that mean no good."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import hypothesis
import psutil
import pytest
from azure.data.tables import TableClient
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from notification_endpoint.notification import InvalidNotification, parse_notification
from publisher.notifications import LARGEST_MESSAGE_BYTES
from sandbox.azure.notifications import notification
from sandbox.functions.process import FunctionsProcess
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.queue_side import take_messages
from tests.reliability.hostile_requests import (
    FORGED_LINE,
    MARKER,
    HostileRequest,
    hostile_requests,
)
from tests.worker_side import open_worker_side

LONGEST_SECONDS = 10.0
"""For one answer, on a busy machine; it usually takes milliseconds."""

MOST_MEMORY_BYTES = 150_000_000
LOG_LINE = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2},\d{3} (DEBUG|INFO|WARNING|ERROR) +(?!forged)[\w.]+: ")


@dataclass
class Target:
    """A running host, and one customer whom forgers would like to add or to remove."""

    sandbox: Sandbox
    host: FunctionsProcess
    customer: Customer
    lines: list[str]
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    _connection: http.client.HTTPConnection | None = None

    def send(self, request: HostileRequest) -> tuple[int, bytes]:
        """Send a request as it is; status 400 when it is not even HTTP."""
        right = {"sig": self.sandbox.notification_signature, "code": self.host.function_key}
        given = {"sig": request.signature, "code": request.code}
        query = "&".join(
            f"{name}={quote((value or '').replace('right', right[name]), safe='')}"
            for name, value in given.items()
            if value is not None
        )
        started = time.monotonic()
        for attempt in (1, 2):
            connection = self._connection or http.client.HTTPConnection(
                urlsplit(self.host.url).netloc, timeout=LONGEST_SECONDS
            )
            self._connection = connection
            try:
                connection.request(
                    request.method, f"{request.path}?{query}{request.more_query}", request.body, request.headers
                )
                response = connection.getresponse()
                status, body = response.status, response.read()
                if response.will_close:
                    self._connection = None
                break
            except (http.client.RemoteDisconnected, ConnectionError, BrokenPipeError):
                # The host may close a connection after a refused request; a dead host fails the second time.
                self._connection = None
                if attempt == 2:
                    raise
        self.slowest = max(self.slowest, time.monotonic() - started)
        self.statuses[status] += 1
        return status, body

    def rows(self) -> list[dict[str, object]]:
        """Return what the registry has."""
        settings = self.sandbox.environment
        with TableClient.from_connection_string(settings["AzureWebJobsStorage"], settings["TABLE_NAME"]) as table:
            return [dict(entity) for entity in table.list_entities()]

    def queued(self) -> list[str]:
        """Take what is on the queue."""
        return asyncio.run(take_messages(self.sandbox))

    def memory(self) -> int:
        assert self.host.process_id
        return int(psutil.Process(self.host.process_id).memory_info().rss)


@pytest.fixture
def target(sandbox: Sandbox) -> Iterator[Target]:
    customer = sandbox.arm.add_customer("Contoso")
    lines: list[str] = []
    with FunctionsProcess(sandbox.environment_of("front"), on_log=lines.append) as host:
        target = Target(sandbox, host, customer, lines)
        yield target
        if target._connection is not None:
            target._connection.close()


def test_hundreds_of_hostile_requests_change_nothing_and_break_nothing(target: Target) -> None:
    _attack(target, 200)
    assert {200, 400, 401} <= set(target.statuses), "all sides of the webhook were met"


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_twenty_thousand_hostile_requests_change_nothing_and_break_nothing(target: Target) -> None:
    started = time.monotonic()
    _attack(target, 10_500)
    seconds = time.monotonic() - started
    total = sum(target.statuses.values())
    # The figure for docs/reliability.md:
    print(f"\n{total} hostile requests in {seconds:.0f} s, slowest {target.slowest:.2f} s: {dict(target.statuses)}")  # noqa: T201
    assert total >= 20_000
    assert {200, 400, 401, 404} <= set(target.statuses), "all sides of the webhook were met"


def _attack(target: Target, examples: int) -> None:
    """Send so many requests without and as many with the right signature, and look at what they left behind."""
    real = json.dumps(notification(target.customer, "PUT", "Succeeded", event_time=datetime.now(UTC))).encode()
    settings = hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )

    @settings
    @given(hostile_requests(signed=False), st.booleans(), st.booleans())
    def unsigned(request: HostileRequest, has_key: bool, is_real: bool) -> None:
        if is_real:  # everything right but the signature
            request = replace(request, body=real)
        status, body = target.send(replace(request, code="right" if has_key else request.signature))
        assert status in {400, 401, 404}, body
        _assert_says_nothing(body)

    @settings
    @given(hostile_requests(signed=True))
    def signed(request: HostileRequest) -> None:
        status, body = target.send(request)
        if request.method != "POST" or status == 404:
            assert status in {404, 405}, body
        else:
            is_good = _is_notification(request.body) and not request.says_that_it_is_no_json
            assert status == (200 if is_good else 400), body
        _assert_says_nothing(body)

    before = target.memory()
    unsigned()
    assert target.queued() == [], "nobody without the signature reaches the worker"
    signed()
    messages = target.queued()
    assert len(messages) == target.statuses[200]
    assert max(len(message.encode()) for message in messages) <= LARGEST_MESSAGE_BYTES
    assert target.memory() - before < MOST_MEMORY_BYTES
    assert target.slowest < LONGEST_SECONDS
    status, _ = target.send(HostileRequest(real))
    assert status == 200, "and it still does its work"
    _assert_log_is_ours(target)
    asyncio.run(_work_off(target, [*messages, *target.queued()]))
    assert [row["subscription_id"] for row in target.rows()] == [target.customer.subscription_id]


async def _work_off(target: Target, messages: list[str]) -> None:
    """Let the worker take all of it in and ask ARM, which knows the one customer: nothing stays of the others."""
    async with open_worker_side(target.sandbox) as worker:
        waiting = iter(messages)

        async def take() -> None:
            for message in waiting:
                assert await worker.intake.take(message.encode()), "the worker reads whatever the webhook sends"

        await asyncio.gather(*(take() for _ in range(8)))
        for later in (timedelta(hours=1), timedelta(days=1), timedelta(days=40)):
            worker.passed = later
            while any(one.due_at <= worker.now() for one in await worker.waiting()):
                (await worker.ask(seconds=60)).raise_for_problems()
        assert await worker.waiting() == []


def _assert_says_nothing(body: bytes) -> None:
    assert MARKER.encode() not in body
    if body:
        assert set(json.loads(body)) in (
            {"title", "status", "detail", "correlationId"},
            {"result", "correlationId"},
        )


def _assert_log_is_ours(target: Target) -> None:
    secrets = (MARKER, FORGED_LINE, target.sandbox.notification_signature, target.host.function_key)
    for line in target.lines:
        assert LOG_LINE.match(line), f"no line of ours: {line[:200]!r}"
        assert not any(secret in line for secret in secrets), line[:200]


def _is_notification(body: bytes) -> bool:
    try:
        parse_notification(body, received_at=datetime.now(UTC))
    except InvalidNotification:
        return False
    return True
