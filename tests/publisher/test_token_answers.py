"""What token endpoints answer: only a token is taken for one, and nothing of the answer gets into a log or a message."""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from publisher.credentials import SharedCredential, own_identity_credential, service_principal_credential
from publisher.errors.kinds import AzureFailure, MalformedAnswer, NoToken, Throttled, TransientFailure
from publisher.settings import ReconcileSettings
from sandbox.azure.identity.directory import USER_ASSIGNED
from sandbox.faults.effects import Body, Redirect, html
from sandbox.faults.operations import IdentityTokenRequest, TokenRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service

MONITOR = "https://monitor.azure.com/.default"
SECRET = "eyJ0b3Atc2VjcmV0.eyJ0b3Atc2VjcmV0.c2VjcmV0"
USUAL = {"token_type": "Bearer", "expires_in": 3599, "access_token": SECRET, "resource": "https://monitor.azure.com"}
DEEP = b'{"access_token": "' + SECRET.encode() + b'", "expires_in": 3599, "x": ' + b"[" * 5000 + b"]" * 5000 + b"}"

Ask = Callable[[], SharedCredential]


@pytest.fixture(params=["Entra ID", "managed identity"])
def ask(request: pytest.FixtureRequest, sandbox: Sandbox) -> Ask:
    """Make the credential whose token endpoint is asked."""
    settings = ReconcileSettings.from_environment(sandbox.environment)
    if request.param == "Entra ID":
        return lambda: service_principal_credential(settings.service_principal, settings.cloud)
    return lambda: own_identity_credential(USER_ASSIGNED.client_id)


def answer(sandbox: Sandbox, fault: Body | Redirect) -> None:
    for operation in (TokenRequest(), IdentityTokenRequest()):
        sandbox.faults.add(operation, fault)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in USUAL.items() if key != name}


async def failure_of(ask: Ask) -> AzureFailure:
    async with ask() as credential:
        with pytest.raises(AzureFailure, match="no token for the") as raised:
            await credential.get_token(MONITOR)
    return raised.value


NO_TOKENS: dict[str, object] = {
    "another letter case": without("access_token") | {"Access_Token": SECRET},
    "two envelopes": {"result": USUAL},
    "a list": [USUAL],
    "a text": SECRET,
    "null": USUAL | {"access_token": None, "refresh_token": SECRET},
    "a number": USUAL | {"access_token": 7, "refresh_token": SECRET},
    "nothing": USUAL | {"access_token": "", "refresh_token": SECRET},
    "a list of tokens": USUAL | {"access_token": [SECRET]},
    "an object": USUAL | {"access_token": {"value": SECRET}},
    "a line break": USUAL | {"access_token": f"{SECRET}\r\nX-Injected: 1"},
    "a line break at the end": USUAL | {"access_token": f"{SECRET}\n"},
    "a blank": USUAL | {"access_token": f"{SECRET} x"},
    "blanks": USUAL | {"access_token": "   ", "refresh_token": SECRET},
    "quotes": USUAL | {"access_token": f'"{SECRET}"'},
    "other letters": USUAL | {"access_token": f"{SECRET}\u00e9"},
    "half a surrogate pair": USUAL | {"access_token": f"{SECRET}\ud83d"},
    "an error beside it": USUAL | {"error": "invalid_client", "error_description": "No."},
    "no time": without("expires_in"),
    "a time that is null": USUAL | {"expires_in": None},
    "a time in words": USUAL | {"expires_in": "an hour"},
    "a fraction as text": USUAL | {"expires_in": "3599.5"},
    "a date": without("expires_in") | {"expires_on": "06/20/2031 02:57:58 +00:00"},
    "true": USUAL | {"expires_in": True},
    "a list of times": USUAL | {"expires_in": [3599]},
    "no seconds": USUAL | {"expires_in": 0},
    "less than no seconds": USUAL | {"expires_in": -1},
    "the past": without("expires_in") | {"expires_on": str(int(time.time()) - 10)},
    "a hundred years": USUAL | {"expires_in": 3_155_760_000},
    "digits without end": USUAL | {"expires_in": "9" * 5000},
    "infinity": USUAL | {"expires_in": float("inf")},
    "no number": USUAL | {"expires_on": float("nan")},
}


@pytest.mark.parametrize("content", NO_TOKENS.values(), ids=NO_TOKENS)
async def test_an_answer_that_is_no_token_is_malformed_and_nothing_of_it_is_told(
    sandbox: Sandbox, ask: Ask, caplog: pytest.LogCaptureFixture, content: object
) -> None:
    caplog.set_level(logging.DEBUG)
    answer(sandbox, Body(json.dumps(content).encode()))
    failure = await failure_of(ask)
    assert isinstance(failure, MalformedAnswer)
    told = "".join(traceback.format_exception(failure)) + caplog.text
    assert SECRET not in told


BODIES = {
    "deep": Body(DEEP),
    "deep as text": Body(DEEP, "text/plain"),
    "half an answer": Body(json.dumps(USUAL).encode()[:-3]),
    "a web page": Body(f"<html>{json.dumps(USUAL)}</html>".encode(), "text/html"),
    "called a text": Body(json.dumps(USUAL).encode(), "text/plain"),
    "called XML": Body(json.dumps(USUAL).encode()[:-3], "application/xml"),
    "no text": Body(b"\xff\xfe" + json.dumps(USUAL).encode("utf-16-le")),
    "control characters": Body(json.dumps(USUAL).encode().replace(b"Bearer", b"Be\x01arer")),
    **{f"status {status}": Body(json.dumps(USUAL).encode(), status=status) for status in (201, 202, 203, 206)},
}


@pytest.mark.parametrize("fault", BODIES.values(), ids=BODIES)
async def test_an_answer_that_is_written_oddly_is_malformed_and_nothing_of_it_is_told(
    sandbox: Sandbox, ask: Ask, caplog: pytest.LogCaptureFixture, fault: Body
) -> None:
    caplog.set_level(logging.DEBUG)
    answer(sandbox, fault)
    failure = await failure_of(ask)
    assert isinstance(failure, MalformedAnswer)
    assert SECRET not in "".join(traceback.format_exception(failure)) + caplog.text


@pytest.mark.parametrize(
    "times",
    [
        {"expires_in": "3599"},
        {"expires_in": 3599.7},
        {"expires_in": 24 * 3600},
        {"expires_on": str(int(time.time()) + 3600)},
        {"expires_in": 3599, "expires_on": int(time.time()) + 3600, "refresh_in": 1800},
    ],
)
async def test_a_token_is_taken_however_its_time_is_written(
    sandbox: Sandbox, ask: Ask, times: dict[str, object]
) -> None:
    answer(sandbox, Body(json.dumps(without("expires_in") | times).encode()))
    async with ask() as credential:
        token = await credential.get_token(MONITOR)
    assert token.token == SECRET
    assert 1800 <= token.expires_on - time.time() <= 24 * 3600


async def test_an_error_that_is_nested_too_deep_still_has_its_status(sandbox: Sandbox, ask: Ask) -> None:
    answer(sandbox, Body(b'{"error": ' + b"[" * 5000 + b"]" * 5000 + b"}", status=503))
    failure = await failure_of(ask)
    assert isinstance(failure, TransientFailure)
    assert failure.status == 503


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_a_redirect_of_a_token_endpoint_is_not_followed(sandbox: Sandbox, ask: Ask, status: int) -> None:
    elsewhere = sandbox.url(Service.LOGS_INGESTION)
    answer(sandbox, Redirect(f"{elsewhere}/?secret=1", status))
    failure = await failure_of(ask)
    assert isinstance(failure, NoToken)
    assert "redirect to 127.0.0.1" in str(failure) or "redirect to localhost" in str(failure)
    assert "secret=1" not in str(failure)
    assert sandbox.requests.count(Service.LOGS_INGESTION) == 0


def refused(code: str, error: str = "invalid_request") -> bytes:
    description = f"{code}: It is refused.\r\nTrace ID: 1" if code else "It is refused."
    return json.dumps({"error": error, "error_description": description}).encode()


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        *((refused(f"AADSTS{number}"), TransientFailure) for number in (50033, 90006, 90024, 90033, 90090)),
        *((refused(f"AADSTS{number}", "invalid_grant"), Throttled) for number in (50196, 90055)),
        (refused("", "temporarily_unavailable"), TransientFailure),
        (json.dumps({"error": "x", "error_description": "No.", "error_codes": [90033]}).encode(), TransientFailure),
        *((refused(f"AADSTS{number}"), NoToken) for number in (7000215, 90036, 90002, 900331)),
    ],
)
async def test_entras_code_says_whether_asking_again_can_help(
    sandbox: Sandbox, body: bytes, kind: type[AzureFailure], status: int
) -> None:
    settings = ReconcileSettings.from_environment(sandbox.environment)
    script = sandbox.faults.add(TokenRequest(), Body(body, status=status), times=1)
    async with service_principal_credential(settings.service_principal, settings.cloud) as credential:
        with pytest.raises(kind):
            await credential.get_token(MONITOR)
        if kind is NoToken:
            with pytest.raises(NoToken):
                await credential.get_token(MONITOR)
        else:
            assert (await credential.get_token(MONITOR)).token
    assert script.played == 1


async def test_a_proxys_page_in_place_of_a_refusal_says_what_the_page_says(sandbox: Sandbox, ask: Ask) -> None:
    answer(sandbox, html(403))
    failure = await failure_of(ask)
    assert isinstance(failure, NoToken)
    assert failure.status == 403
    assert "Service unavailable" in str(failure)


async def test_an_odd_token_is_not_exchanged_for_another(sandbox: Sandbox) -> None:
    settings = ReconcileSettings.from_environment(sandbox.environment_with("federation"))
    sandbox.faults.add(IdentityTokenRequest(), Body(json.dumps(USUAL | {"access_token": None}).encode()))
    async with service_principal_credential(settings.service_principal, settings.cloud) as credential:
        with pytest.raises(MalformedAnswer):
            await credential.get_token(MONITOR)
    assert sandbox.requests.count(Service.ENTRA_ID) == 0


async def test_the_endpoint_of_virtual_machines_is_told_like_the_others(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", sandbox.url(Service.LOGS_INGESTION))
    async with own_identity_credential(USER_ASSIGNED.client_id) as credential:
        with pytest.raises(TransientFailure, match="no token for the managed identity") as failure:
            await credential.get_token(MONITOR)
    assert failure.value.status == 404
