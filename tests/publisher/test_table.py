"""Listing a table that answers nonsense, or slowly: an error, and never a short list or an endless one."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from aiohttp import web

from publisher.errors.kinds import MalformedAnswer, Throttled, TransientFailure
from publisher.resource_ids import ApplicationId
from publisher.retry import Patience
from publisher.settings import ReconcileSettings
from registry.registry import Registry
from sandbox.faults.effects import Call, Effect, Status, WithoutValue, empty, html
from sandbox.faults.operations import TableRequest
from sandbox.local_azure import Sandbox
from tests.registry.conftest import RawTable

ONCE = Patience(attempts=1)


@dataclass(frozen=True)
class SameContinuation:
    """A page that names as the next one the page that it named before."""

    async def __call__(self, call: Call) -> web.StreamResponse:
        page = await call.answer()
        page.headers["x-ms-continuation-NextPartitionKey"] = "again"
        page.headers["x-ms-continuation-NextRowKey"] = "and again"
        return page


def open_registry(settings: ReconcileSettings, patience: Patience) -> Registry:
    return Registry(settings, patience=patience)


async def test_pages_that_lead_in_a_circle_are_an_error(
    sandbox: Sandbox, settings: ReconcileSettings, table: RawTable
) -> None:
    sandbox.faults.add(TableRequest("GET"), SameContinuation())
    async with open_registry(settings, ONCE) as registry:
        with pytest.raises(MalformedAnswer, match="already read"):
            _ = [one async for one in registry.applications()]


async def test_a_list_without_value_is_no_empty_list(
    sandbox: Sandbox, settings: ReconcileSettings, table: RawTable
) -> None:
    sandbox.faults.add(TableRequest("GET"), WithoutValue())
    async with open_registry(settings, ONCE) as registry:
        with pytest.raises(MalformedAnswer):
            _ = [one async for one in registry.applications()]


async def test_a_call_ends_by_its_deadline_and_waits_as_it_is_told(
    sandbox: Sandbox, settings: ReconcileSettings, table: RawTable
) -> None:
    waits: list[float] = []

    async def instantly(seconds: float) -> None:
        waits.append(seconds)

    sandbox.faults.add(TableRequest("GET"), Status(429, retry_after=20))
    async with open_registry(settings, Patience(attempts=3, sleep=instantly)) as registry:
        with pytest.raises(Throttled):
            _ = [one async for one in registry.applications()]
    assert [int(wait) for wait in waits] == [20, 20]
    async with open_registry(settings, Patience(deadline=time.monotonic() + 10, sleep=instantly)) as registry:
        with pytest.raises(TransientFailure):
            _ = [one async for one in registry.applications()]
    assert len(waits) == 2


@pytest.mark.parametrize("answer", [html(404), empty(404)])
async def test_a_404_of_anybody_else_is_not_taken_for_an_absence(
    sandbox: Sandbox, settings: ReconcileSettings, table: RawTable, answer: Effect
) -> None:
    customer = ApplicationId.parse(sandbox.arm.add_customer("Contoso").application_id)
    sandbox.faults.add(TableRequest("GET"), answer)
    async with open_registry(settings, ONCE) as registry:
        with pytest.raises(TransientFailure):
            await registry.find(customer)
        with pytest.raises(TransientFailure):
            _ = [one async for one in registry.applications()]
    sandbox.faults.clear()
    async with open_registry(settings, ONCE) as registry:
        assert await registry.find(customer) is None
