"""Every documented event: what it is answered, and what it leaves in the registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from publisher.resource_ids import ApplicationId
from registry.rows import is_tombstone
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Access, Customer
from tests.notification_endpoint.conftest import Lines, Webhook, answer_of

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "deployment.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["MarketPlace", "ServiceCatalog"])
@pytest.mark.parametrize("event_type", ["PUT", "PATCH"])
async def test_a_finished_deployment_or_update_registers_the_application(
    sandbox: Sandbox, webhook: Webhook, kind: str, event_type: str
) -> None:
    customer = sandbox.arm.add_customer("Contoso", kind=kind)
    status, body = answer_of(await webhook.deliver(customer, event_type, "Succeeded"))
    assert (status, body["result"]) == (200, "Registered")
    stored = (await webhook.registered())[customer.application_id]
    assert str(stored.managed_resource_group_id) == customer.managed_resource_group_id
    assert stored.plan_name == ("standard" if kind == "MarketPlace" else "")
    assert stored.assignments


async def test_the_guide_says_what_the_events_of_a_first_deployment_show(webhook: Webhook, customer: Customer) -> None:
    said = re.findall(r"`(PUT)`, `(\w+)` (?:has the `Registry_action`|should have) `(\w+)`", GUIDE)
    assert [state for _, state, _ in said] == ["Accepted", "Succeeded"]
    for event_type, state, action in said:
        assert answer_of(await webhook.deliver(customer, event_type, state))[1]["result"] == action


TOLD = [
    ("PUT", "Accepted", "the deployment has begun"),
    ("PUT", "Failed", "the deployment failed"),
    ("DELETE", "Deleting", "the deletion has begun"),
    ("PUT", "Updating", "unknown event"),
    ("PATCH", "Failed", "unknown event"),
    ("POST", "Succeeded", "unknown event"),
    ("DELETE", "Succeeded", "unknown event"),
]


@pytest.mark.parametrize("event", TOLD)
@pytest.mark.parametrize("registered", [False, True])
async def test_what_is_only_told_changes_nothing(
    webhook: Webhook,
    customer: Customer,
    lines: Lines,
    event: tuple[str, str, str],
    registered: bool,
) -> None:
    event_type, state, told = event
    if registered:
        await webhook.deliver(customer, "PUT", "Succeeded")
    before = await webhook.row(customer)
    status, body = answer_of(await webhook.deliver(customer, event_type, state))
    assert (status, body["result"]) == (200, "Ignored")
    assert await webhook.row(customer) == before
    assert lines()[-1].endswith(f": {event_type}/{state} for {customer.application_id}: 200 Ignored ({told})")


@pytest.mark.parametrize("registered", [False, True])
async def test_a_failed_deletion_keeps_the_application_in_monitoring(
    webhook: Webhook, customer: Customer, registered: bool
) -> None:
    if registered:
        await webhook.deliver(customer, "PUT", "Succeeded")
    customer.start_deleting()
    # The end of a deployment, told when a deletion has begun already.
    assert answer_of(await webhook.deliver(customer, "PUT", "Succeeded"))[1]["result"] == "Ignored"
    customer.provisioning_state = "Succeeded"
    status, body = answer_of(await webhook.deliver(customer, "DELETE", "Failed"))
    assert (status, body["result"]) == (200, "Updated" if registered else "Registered")
    assert set(await webhook.registered()) == {customer.application_id}


async def test_an_update_refreshes_what_is_registered(webhook: Webhook, customer: Customer) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded")
    customer.upgrade("2.0.0")
    _, body = answer_of(await webhook.deliver(customer, "PUT", "Succeeded"))
    assert body["result"] == "Updated"
    assert (await webhook.registered())[customer.application_id].plan_version == "2.0.0"


@pytest.mark.parametrize("way", ["delete", "start_deleting", "revoke_access", "hide"])
async def test_a_deletion_leaves_a_tombstone(webhook: Webhook, customer: Customer, way: str) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded")
    getattr(customer, way)()
    status, body = answer_of(await webhook.deliver(customer, "DELETE", "Deleted"))
    assert (status, body["result"]) == (200, "Removed")
    assert await webhook.registered() == {}
    row = await webhook.row(customer)
    assert row
    assert is_tombstone(row)


async def test_a_deletion_that_arm_denies_us_is_not_confirmed(webhook: Webhook, customer: Customer) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded")
    customer.revoke_access()
    await webhook.deliver(customer, "DELETE", "Deleted")
    removal = await webhook.registry.removal_of(ApplicationId.parse(customer.application_id))
    assert removal
    assert not removal.confirmed
    assert removal.reason.startswith("Azure told of the deletion: ")


async def test_a_deletion_keeps_whose_managed_resource_group_can_be_read(webhook: Webhook, customer: Customer) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded")
    customer.revoke_access(Access.APPLICATION)
    status, body = answer_of(await webhook.deliver(customer, "DELETE", "Deleted"))
    assert (status, body["result"]) == (200, "Ignored")
    assert customer.application_id in await webhook.registered()


async def test_a_deletion_that_arm_contradicts_keeps_the_customer_in_monitoring(
    webhook: Webhook, customer: Customer, lines: Lines
) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded")
    status, body = answer_of(await webhook.deliver(customer, "DELETE", "Deleted"))
    assert (status, body["result"]) == (200, "Ignored")
    assert customer.application_id in await webhook.registered()
    assert "ARM calls the application alive" in lines()[-1]


async def test_a_deletion_of_an_unknown_application_is_fine_and_registers_nobody(
    webhook: Webhook, customer: Customer
) -> None:
    customer.delete()
    status, body = answer_of(await webhook.deliver(customer, "DELETE", "Deleted"))
    assert (status, body["result"]) == (200, "Ignored")
    remembered = await webhook.row(customer)
    assert remembered is not None
    assert is_tombstone(remembered)
