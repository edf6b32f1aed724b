"""Clients are shared by those who need them at the same time, and closed by the last."""

from __future__ import annotations

import asyncio

import pytest

from publisher.resource_ids import ApplicationId
from publisher.settings import ReconcileSettings
from registry.clients import shared_refresher
from sandbox.local_azure import Sandbox
from sandbox.services import Service


async def test_invocations_at_the_same_time_share_one_token_and_one_pool(
    sandbox: Sandbox, settings: ReconcileSettings
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    arrived = asyncio.Barrier(10)

    async def invocation() -> None:
        async with shared_refresher(settings) as refresher:
            await arrived.wait()
            await refresher.arm.application(ApplicationId.parse(customer.application_id))

    await asyncio.gather(*(invocation() for _ in range(10)))
    assert sandbox.requests.count(Service.ENTRA_ID) == 1
    assert sandbox.requests.count(Service.RESOURCE_MANAGER) == 10


async def test_different_settings_never_share(settings: ReconcileSettings) -> None:
    async with (
        shared_refresher(settings) as one,
        shared_refresher(settings) as same,
        shared_refresher(settings, attempts=1) as other,
    ):
        assert one is same
        assert one is not other


async def test_the_last_one_closes_even_after_a_failure(sandbox: Sandbox, settings: ReconcileSettings) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    with pytest.raises(KeyError):
        async with shared_refresher(settings) as broken:
            raise KeyError("defect")
    async with shared_refresher(settings) as fresh:
        assert fresh is not broken
        await fresh.arm.application(ApplicationId.parse(customer.application_id))
    with pytest.raises(ValueError, match="already been closed"):
        await fresh.arm.application(ApplicationId.parse(customer.application_id))
