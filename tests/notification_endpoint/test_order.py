"""Late, early, repeated and simultaneous notifications: ARM decides."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

from notification_endpoint.endpoint import answer_notification
from registry.tombstones import removal_in
from sandbox.azure.notifications import notification
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.notification_endpoint.conftest import Webhook, answer_of, now

LATER = timedelta(minutes=1)


async def test_a_late_put_never_revives_an_application_that_arm_does_not_know(
    webhook: Webhook, customer: Customer
) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded", at=now() - timedelta(hours=2))
    customer.delete()
    await webhook.deliver(customer, "DELETE", "Deleted", at=now() - timedelta(hours=1))
    status, body = answer_of(await webhook.deliver(customer, "PUT", "Succeeded", at=now() - timedelta(hours=2)))
    assert (status, body["result"]) == (200, "Ignored")
    assert await webhook.registered() == {}


async def test_a_young_event_about_an_application_that_arm_does_not_show_yet_is_asked_for_again(
    webhook: Webhook, customer: Customer
) -> None:
    customer.delete()
    assert (await webhook.deliver(customer, "PUT", "Succeeded", at=now() - timedelta(minutes=14))).status_code == 503
    assert (await webhook.deliver(customer, "PUT", "Succeeded", at=now() - timedelta(minutes=16))).status_code == 200


async def test_a_put_revives_a_tombstone_when_arm_calls_the_application_alive(
    webhook: Webhook, customer: Customer
) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded")
    customer.delete()
    await webhook.deliver(customer, "DELETE", "Deleted")
    customer.deleted, customer.provisioning_state = False, "Succeeded"
    _, body = answer_of(await webhook.deliver(customer, "PUT", "Succeeded", at=now() + LATER))
    assert body["result"] == "Registered"
    assert set(await webhook.registered()) == {customer.application_id}


async def test_a_replayed_old_deletion_takes_nobody_out_of_monitoring(webhook: Webhook, customer: Customer) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded", at=now() - LATER)
    customer.revoke_access()  # ARM would confirm
    status, body = answer_of(await webhook.deliver(customer, "DELETE", "Deleted", at=now() - 2 * LATER))
    assert (status, body["result"]) == (200, "Ignored")
    assert set(await webhook.registered()) == {customer.application_id}


async def test_a_forged_event_from_the_future_does_not_outdate_a_real_deletion(
    webhook: Webhook, customer: Customer
) -> None:
    await webhook.deliver(customer, "PUT", "Succeeded", at=now() + timedelta(days=100_000))
    customer.delete()
    _, body = answer_of(await webhook.deliver(customer, "DELETE", "Deleted", at=now() + LATER))
    assert body["result"] == "Removed"


async def test_duplicates_at_the_same_time_make_one_row(webhook: Webhook, customer: Customer) -> None:
    responses = await asyncio.gather(*(webhook.deliver(customer, "PUT", "Succeeded") for _ in range(5)))
    assert {response.status_code for response in responses} == {200}
    assert set(await webhook.registered()) == {customer.application_id}


async def test_a_burst_is_served_with_one_token(sandbox: Sandbox, webhook: Webhook) -> None:
    customers = [sandbox.arm.add_customer(f"customer {number}") for number in range(40)]
    responses = await asyncio.gather(*(webhook.deliver(customer, "PUT", "Succeeded") for customer in customers))
    assert {response.status_code for response in responses} == {200}
    assert len(await webhook.registered()) == 40
    assert sandbox.directory.tokens_issued()[sandbox.url(Service.RESOURCE_MANAGER)] == 1


async def test_a_removal_and_the_event_that_told_of_it_go_by_one_clock(webhook: Webhook, customer: Customer) -> None:
    in_a_week = now() + timedelta(days=7)
    sandbox = webhook.sandbox
    for event_type, state in (("PUT", "Succeeded"), ("DELETE", "Deleted")):
        body = json.dumps(notification(customer, event_type, state, event_time=in_a_week)).encode()
        await answer_notification(body, sandbox.notification_signature, sandbox.environment, clock=lambda: in_a_week)
        customer.revoke_access()

    row = await webhook.row(customer)
    removal = None if row is None else removal_in(row)
    assert removal is not None
    assert removal.at == in_a_week
