"""Every scripted fault, seen by an ordinary HTTP client; and which requests a fault is for."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest

from sandbox.faults.effects import (
    AnswerLost,
    CutHalfWay,
    Dropped,
    NextLink,
    SkewedClock,
    Slow,
    Status,
    TruncatedJson,
    WithoutValue,
    empty,
    html,
)
from sandbox.faults.operations import ApplicationRead, AssignmentList, PolicyQuery
from sandbox.services import Service

if TYPE_CHECKING:
    from sandbox.faults.effects import Effect
    from sandbox.local_azure import Sandbox
    from tests.sandbox.conftest import Caller

APPLICATIONS = {"api-version": "2021-07-01"}


async def test_a_fault_hits_one_customer_one_page_and_as_often_as_told(sandbox: Sandbox, caller: Caller) -> None:
    hit, spared = sandbox.arm.add_customer("Hit"), sandbox.arm.add_customer("Spared")
    sandbox.arm.page_size = 10
    fault = sandbox.faults.add(PolicyQuery(hit, page=2), Status(429, retry_after=3), times=1)
    first = await caller.states(hit)
    second = await caller.arm("POST", first.body["@odata.nextLink"])
    assert (second.status, second.code, second.headers["Retry-After"]) == (429, "ResourceRequestsThrottled", "3")
    assert (await caller.arm("POST", first.body["@odata.nextLink"])).status == 200
    link = (await caller.states(spared)).body["@odata.nextLink"]
    assert (await caller.arm("POST", link)).status == 200
    assert fault.played == 1


async def test_faults_are_played_in_the_order_they_were_added(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    sandbox.faults.add(PolicyQuery(), Status(500), after=1, times=1)
    forever = sandbox.faults.add(PolicyQuery(customer), Status(403, code="Odd"), after=2)
    answers = [await caller.states(customer) for _ in range(6)]
    assert [answer.status for answer in answers] == [200, 500, 403, 403, 403, 403]
    assert answers[-1].code == "Odd"
    sandbox.faults.remove(forever)
    assert (await caller.states(customer)).status == 200


async def test_each_read_of_arm_can_fail_by_itself(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    sandbox.faults.add(ApplicationRead(customer), Status(404))
    sandbox.faults.add(AssignmentList(), Status(503, retry_after="Fri, 31 Dec 2100 23:59:59 GMT"))
    assert (await caller.arm("GET", customer.application_id, params=APPLICATIONS)).code == "ResourceNotFound"
    path = f"{customer.managed_resource_group_id}/providers/Microsoft.Authorization/policyAssignments"
    answer = await caller.arm("GET", path, params={"api-version": "2022-06-01"})
    assert (answer.status, answer.headers["Retry-After"][-3:]) == (503, "GMT")
    assert (await caller.states(customer)).status == 200


@pytest.mark.parametrize("effect", [Dropped(), AnswerLost(), CutHalfWay()])
async def test_a_connection_can_break(sandbox: Sandbox, caller: Caller, effect: Effect) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    sandbox.faults.add(PolicyQuery(), effect, times=1)
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)):
        await caller.states(customer)
    assert sandbox.requests.count(Service.RESOURCE_MANAGER, 200) == 0
    assert (await caller.states(customer)).status == 200


async def test_an_answer_can_be_something_else(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    for effect in (html(502), empty(), WithoutValue(), NextLink("https://elsewhere.example/?$skiptoken=1"), NextLink()):
        sandbox.faults.add(PolicyQuery(), effect, times=1)
    page = await caller.states(customer)
    assert (page.status, page.body[:6]) == (502, b"<html>")
    assert (await caller.states(customer)).body == b""
    assert "value" not in (await caller.states(customer)).body
    assert (await caller.states(customer)).body["@odata.nextLink"].startswith("https://elsewhere.example/")
    looping = (await caller.states(customer)).body
    assert (await caller.arm("POST", looping["@odata.nextLink"])).body["value"] == looping["value"]


async def test_json_can_stop_in_the_middle(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    sandbox.faults.add(PolicyQuery(), TruncatedJson())
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
        await caller.states(customer)


async def test_clocks_can_differ(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    right = (await caller.states(customer)).body["value"]
    sandbox.faults.add(PolicyQuery(), SkewedClock(dt.timedelta(hours=6)))
    wrong = (await caller.states(customer)).body["value"]
    for before, after in zip(right, wrong, strict=True):
        moved = dt.datetime.fromisoformat(after["timestamp"]) - dt.datetime.fromisoformat(before["timestamp"])
        assert moved == dt.timedelta(hours=6)


async def test_an_answer_can_take_its_time(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    sandbox.faults.add(PolicyQuery(), Slow(3600), times=1)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(caller.states(customer), 0.2)
    sandbox.set_latency(Service.RESOURCE_MANAGER, 0.05)
    started = time.monotonic()
    assert (await caller.states(customer)).status == 200
    assert time.monotonic() - started >= 0.05


async def test_a_spoiled_refusal_is_still_spoiled(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    customer.revoke_access()
    sandbox.faults.add(PolicyQuery(), Slow(0.01), times=1)
    assert (await caller.states(customer)).code == "AuthorizationFailed"
