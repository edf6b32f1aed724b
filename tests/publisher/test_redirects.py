"""No client follows a redirect: what it sends stays with the service that it was sent to."""

from __future__ import annotations

import pytest

from publisher.configuration.resource_settings import Storage
from publisher.errors.kinds import RequestRefused
from publisher.queue import Queue
from publisher.resource_ids import ApplicationId
from publisher.resource_manager import ResourceManager
from publisher.retry import Patience
from publisher.settings import ReconcileSettings
from registry.registry import Registry
from sandbox.faults.effects import Redirect
from sandbox.faults.operations import ApplicationRead, QueueRequest, TableRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service

STATUSES = pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
ONCE = Patience(attempts=1)


def elsewhere(sandbox: Sandbox, status: int) -> Redirect:
    return Redirect(f"{sandbox.url(Service.LOG_ANALYTICS)}/elsewhere?sig=secret", status)


def assert_told(refusal: RequestRefused, sandbox: Sandbox, status: int) -> None:
    assert "the answer is a redirect to" in str(refusal)
    assert "secret" not in str(refusal)
    assert (refusal.status, refusal.code) == (status, f"Http{status}")
    assert sandbox.requests.count(Service.LOG_ANALYTICS) == 0


@STATUSES
async def test_resource_manager_leads_nowhere_else(sandbox: Sandbox, arm: ResourceManager, status: int) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    sandbox.faults.add(ApplicationRead(), elsewhere(sandbox, status))
    with pytest.raises(RequestRefused) as refusal:
        await arm.application(ApplicationId.parse(customer.application_id))
    assert_told(refusal.value, sandbox, status)


@STATUSES
async def test_a_table_leads_nowhere_else(sandbox: Sandbox, settings: ReconcileSettings, status: int) -> None:
    sandbox.faults.add(TableRequest("GET"), elsewhere(sandbox, status))
    async with Registry(settings, patience=ONCE) as registry:
        with pytest.raises(RequestRefused) as refusal:
            _ = [one async for one in registry.applications()]
    assert_told(refusal.value, sandbox, status)


@STATUSES
async def test_a_queue_leads_nowhere_else(sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add(QueueRequest("POST"), elsewhere(sandbox, status))
    account = Storage(connection_string=sandbox.environment["AzureWebJobsStorage"])
    async with Queue(account, "letters", patience=ONCE) as queue:
        with pytest.raises(RequestRefused) as refusal:
            await queue.send("text")
    assert_told(refusal.value, sandbox, status)
