"""Rows are stored only when the Logs Ingestion API says so, with 204, and go nowhere else."""

from __future__ import annotations

import gzip
import json
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from publisher.credentials import own_identity_credential
from publisher.errors.kinds import AzureFailure, MalformedAnswer, RequestRefused, Throttled, TransientFailure
from publisher.logs_endpoint import LogsEndpoint
from publisher.retry import Patience
from publisher.settings import CollectorSettings
from sandbox.faults.effects import Body, Call, Redirect, Status, html
from sandbox.faults.operations import Upload
from sandbox.local_azure import Sandbox
from sandbox.services import Service

STREAM = "Custom-PolicyCollectionRuns_CL"
DEEP = b'{"error": ' + b"[" * 5000 + b"]" * 5000 + b"}"


class Waits:
    """Sleeps at once, and keeps how long it was to be, in seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@asynccontextmanager
async def opened(sandbox: Sandbox, waits: Waits) -> AsyncIterator[LogsEndpoint]:
    settings = CollectorSettings.from_environment(sandbox.environment)
    patience = Patience(attempts=4, sleep=waits)
    credential = own_identity_credential(settings.own_identity_client_id)
    async with credential, LogsEndpoint(settings, credential, patience=patience) as endpoint:
        yield endpoint


def rows(sandbox: Sandbox) -> bytes:
    row = {"TimeGenerated": sandbox.clock().isoformat(), "Run_id": "one"}
    return gzip.compress(json.dumps([row]).encode())


async def failure_of(sandbox: Sandbox, waits: Waits) -> AzureFailure:
    async with opened(sandbox, waits) as endpoint:
        with pytest.raises(AzureFailure) as raised:
            await endpoint.upload(STREAM, rows(sandbox))
    assert sandbox.ingestion.accepted == []
    return raised.value


@pytest.mark.parametrize(
    "fault",
    [
        *(Body(b"", status=status) for status in (200, 201, 202, 203, 206)),
        *(Body(b'{"status": "stored"}', status=status) for status in (200, 202, 206)),
        html(200),
        Body(b"{", status=200),
        Body(DEEP, status=200),
    ],
    ids=lambda fault: f"{fault.status} {fault.content[:10]!r}",
)
async def test_nothing_but_204_tells_that_rows_are_stored(sandbox: Sandbox, waits: Waits, fault: Body) -> None:
    sandbox.faults.add(Upload(), fault)
    failure = await failure_of(sandbox, waits)
    assert isinstance(failure, MalformedAnswer)
    assert len(waits.seconds) == 3
    assert "stored" not in "".join(traceback.format_exception(failure))


async def test_an_answer_that_made_no_sense_once_costs_one_more_upload(sandbox: Sandbox, waits: Waits) -> None:
    sandbox.faults.add(Upload(), html(200), times=1)
    async with opened(sandbox, waits) as endpoint:
        await endpoint.upload(STREAM, rows(sandbox))
    assert len(sandbox.ingestion.accepted) == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("is_near", [True, False], ids=["same host", "other host"])
async def test_rows_and_token_follow_no_redirect(sandbox: Sandbox, waits: Waits, status: int, *, is_near: bool) -> None:
    there = Service.LOGS_INGESTION if is_near else Service.LOG_ANALYTICS
    sandbox.faults.add(Upload(), Redirect(f"{sandbox.url(there)}/elsewhere?sig=secret", status), times=1)
    failure = await failure_of(sandbox, waits)
    assert isinstance(failure, RequestRefused)
    assert failure.status == status
    assert "redirect to" in str(failure)
    assert "secret" not in str(failure)
    assert sandbox.requests.count(Service.LOGS_INGESTION) == 1
    assert sandbox.requests.count(Service.LOG_ANALYTICS) == 0
    assert waits.seconds == []


@pytest.mark.parametrize("location", ["", "//", "http://[", "https://exa mple", "/elsewhere", "\u00e9"])
async def test_a_redirect_to_nowhere_is_one_too(sandbox: Sandbox, waits: Waits, location: str) -> None:
    sandbox.faults.add(Upload(), Redirect(location))
    assert "redirect to" in str(await failure_of(sandbox, waits))


PAST = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize("wish", [0, "-5", 0.001, PAST, "soon", "", "NaN", "1e400", "99:99"])
async def test_a_wish_that_is_none_leaves_the_growing_wait(sandbox: Sandbox, waits: Waits, wish: float | str) -> None:
    sandbox.faults.add(Upload(), Status(429, retry_after=wish))
    assert isinstance(await failure_of(sandbox, waits), Throttled)
    first, second, third = waits.seconds
    assert first >= 0.25
    assert second >= 0.5
    assert third >= 1.0


@pytest.mark.parametrize("wish", [7, " 7 ", "7.5"])
async def test_a_longer_wish_is_met(sandbox: Sandbox, waits: Waits, wish: float | str) -> None:
    sandbox.faults.add(Upload(), Status(429, retry_after=wish))
    assert isinstance(await failure_of(sandbox, waits), Throttled)
    assert len(waits.seconds) == 3
    assert min(waits.seconds) >= 7


async def test_rows_that_are_too_many_are_not_sent_again(sandbox: Sandbox, waits: Waits) -> None:
    sandbox.faults.add(Upload(), Status(413))
    failure = await failure_of(sandbox, waits)
    assert (failure.status, failure.code) == (413, "ContentLengthLimitExceeded")
    assert waits.seconds == []


@pytest.mark.parametrize(("status", "kind"), [(400, RequestRefused), (413, RequestRefused), (503, TransientFailure)])
async def test_an_error_that_is_nested_too_deep_still_has_its_status(
    sandbox: Sandbox, waits: Waits, status: int, kind: type[AzureFailure]
) -> None:
    sandbox.faults.add(Upload(), Body(DEEP, status=status))
    failure = await failure_of(sandbox, waits)
    assert isinstance(failure, kind)
    assert failure.status == status


async def of_unknown_encoding(_: Call) -> web.StreamResponse:
    headers = {"Content-Type": "application/json; charset=klingon"}
    return web.Response(status=400, body=b'{"error": {"code": "InvalidStream", "message": "No."}}', headers=headers)


async def test_an_error_in_an_unknown_encoding_still_has_its_status(sandbox: Sandbox, waits: Waits) -> None:
    sandbox.faults.add(Upload(), of_unknown_encoding)
    assert (await failure_of(sandbox, waits)).status == 400
