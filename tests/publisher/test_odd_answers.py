"""Answers that are right but odd: a byte order mark, half a pair, other letter case; and a token that ARM refuses."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from publisher.credentials import own_identity_credential, service_principal_credential
from publisher.errors.kinds import AuthenticationFailed, NotProjected
from publisher.resource_ids import ApplicationId
from publisher.resource_manager import ResourceManager
from publisher.settings import ReconcileSettings
from sandbox.azure.identity.directory import USER_ASSIGNED
from sandbox.faults.effects import Rewritten, Status
from sandbox.faults.operations import ApplicationRead, IdentityTokenRequest, TokenRequest
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sandbox.faults.effects import Call
    from sandbox.local_azure import Sandbox
    from sandbox.world.customers import Customer

MARK = b"\xef\xbb\xbf"
MONITOR = "https://monitor.azure.com/.default"


def marked(body: bytes) -> bytes:
    return MARK + body


def with_odd_outputs(body: bytes) -> bytes:
    deep = b"[" * 300 + b"]" * 300
    odd = b'"outputs": {"half": "\\ud83d", "none": NaN, "huge": 1e400, "deep": ' + deep + b"}, "
    return MARK + body.replace(b'"properties":{', b'"properties":{' + odd).replace(
        b'"properties": {', b'"properties": {' + odd
    )


def in_other_case(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    return lambda body: re.sub(rb'"(\w+)"\s*:', lambda found: b'"' + change(found[1].decode()).encode() + b'":', body)


@pytest.fixture
def settings(sandbox: Sandbox) -> ReconcileSettings:
    return ReconcileSettings.from_environment(sandbox.environment)


@pytest.fixture
async def arm(settings: ReconcileSettings) -> AsyncIterator[ResourceManager]:
    credential = service_principal_credential(settings.service_principal, settings.cloud)
    async with credential, ResourceManager(credential, settings.cloud) as client:
        yield client


@pytest.mark.parametrize(
    "rewrite",
    [marked, with_odd_outputs, lambda body: body.decode().encode("utf-16"), *map(in_other_case, (str.upper, str.lower, str.title))],
)  # fmt: skip
async def test_an_application_is_read_however_its_description_is_written(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, rewrite: Callable[[bytes], bytes]
) -> None:
    identity = ApplicationId.parse(customer.application_id)
    plain = await arm.application(identity)
    sandbox.faults.add(ApplicationRead(), Rewritten(rewrite))
    assert await arm.application(identity) == plain


async def test_a_token_behind_a_byte_order_mark_is_a_token(sandbox: Sandbox, settings: ReconcileSettings) -> None:
    sandbox.faults.add(TokenRequest(), Rewritten(marked))
    sandbox.faults.add(IdentityTokenRequest(), Rewritten(marked))
    for credential in (
        service_principal_credential(settings.service_principal, settings.cloud),
        own_identity_credential(USER_ASSIGNED.client_id),
    ):
        async with credential:
            assert (await credential.get_token(MONITOR)).token


@pytest.mark.parametrize("code", ["ExpiredAuthenticationToken", "InvalidAuthenticationTokenAudience", "SomethingNew"])
async def test_one_fresh_token_is_tried_when_arm_refuses_the_one_we_have(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, code: str
) -> None:
    identity = ApplicationId.parse(customer.application_id)
    await arm.application(identity)
    script = sandbox.faults.add(ApplicationRead(), Status(401, code=code), times=1)

    assert (await arm.application(identity)).id == identity
    assert script.played == 1
    assert sandbox.directory.tokens_issued() == {sandbox.url(Service.RESOURCE_MANAGER): 2}


async def test_a_token_that_arm_refuses_again_is_our_fault_and_costs_no_third_one(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    script = sandbox.faults.add(ApplicationRead(), Status(401, code="ExpiredAuthenticationToken"))

    for _ in range(3):
        with pytest.raises(AuthenticationFailed):
            await arm.application(ApplicationId.parse(customer.application_id))
    assert script.played == 6
    assert sandbox.directory.tokens_issued() == {sandbox.url(Service.RESOURCE_MANAGER): 2}


async def test_a_tenant_that_is_not_projected_costs_no_fresh_token(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    customer.hide()
    with pytest.raises(NotProjected):
        await arm.application(ApplicationId.parse(customer.application_id))
    assert sandbox.directory.tokens_issued() == {sandbox.url(Service.RESOURCE_MANAGER): 1}


@dataclass(frozen=True, slots=True)
class Challenge:
    """A 401 with a challenge whose claims are these, as continuous access evaluation has it."""

    claims: str

    async def __call__(self, _: Call) -> web.StreamResponse:
        challenge = f'Bearer realm="", error="insufficient_claims", claims="{self.claims}"'
        body = json.dumps({"error": {"code": "InvalidAuthenticationToken", "message": "Once more, please."}}).encode()
        return web.Response(
            status=401, body=body, headers={"WWW-Authenticate": challenge}, content_type="application/json"
        )


@pytest.mark.parametrize(
    "claims",
    [b"\xff\xfe", b"\xc3", b"no JSON", b'"text"', b"[]", b"{", b'{"access_token": "\xff"}', "a", "=", "ü", "*"],
)
async def test_a_challenge_that_nobody_can_read_is_a_refusal_like_any_other(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, claims: bytes | str
) -> None:
    encoded = claims if isinstance(claims, str) else base64.urlsafe_b64encode(claims).decode().rstrip("=")
    sandbox.faults.add(ApplicationRead(), Challenge(encoded))

    with pytest.raises(AuthenticationFailed) as caught:
        await arm.application(ApplicationId.parse(customer.application_id))
    assert (caught.value.status, caught.value.code) == (401, "InvalidAuthenticationToken")


async def test_the_claims_of_a_challenge_are_asked_for_once(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    claims = base64.urlsafe_b64encode(b'{"access_token":{"nbf":{"essential":true,"value":"1"}}}').decode()
    sandbox.faults.add(ApplicationRead(), Challenge(claims), times=1)

    identity = ApplicationId.parse(customer.application_id)
    assert (await arm.application(identity)).id == identity
    assert sandbox.directory.tokens_issued() == {sandbox.url(Service.RESOURCE_MANAGER): 2}
