"""How long ARM is asked, how often, and what stays told meanwhile."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from publisher.errors.kinds import AccessDenied, AzureFailure, NotFound, NotProjected, TransientFailure
from publisher.notifications import Notification
from publisher.resource_ids import ApplicationId
from registry.notifications.asking import AT_ONCE, MOST_IN_A_ROUND
from registry.notifications.pending import Pending, waiting
from sandbox.faults.effects import Dropped, Status
from sandbox.faults.operations import ApplicationRead, TableRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.worker_side import WorkerSide

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
REFUSED = AccessDenied("no", code="AuthorizationFailed", status=403)
NOT_PROJECTED = NotProjected("no", code="InvalidAuthenticationTokenTenant", status=401)
UNKNOWN = NotFound("no", code="SubscriptionNotFound", status=404)
DOWN = TransientFailure("no", code="ServerBusy", status=503)


def told(event_type: str = "PUT", state: str = "Succeeded") -> Notification:
    return Notification(
        event_type=event_type,
        provisioning_state=state,
        application_id=ApplicationId("abcdef00-0000-4000-8000-00000000000a", "rg", "app"),
        event_time=NOW,
        received_at=NOW,
    )


def waits(failure: AzureFailure, hours: float) -> list[timedelta]:
    """The waits of one that fails always for so many hours."""
    pending, now, found = waiting(told(), NOW), NOW, []
    while now - NOW < timedelta(hours=hours):
        pending = pending.after_failure(failure, now)
        found.append(pending.due_at - now)
        now = pending.due_at
    return found


def test_waits_grow_from_a_minute_to_half_an_hour_for_ten_hours_and_are_daily_then() -> None:
    minutes = [wait / timedelta(minutes=1) for wait in waits(DOWN, 80)]
    assert minutes[:6] == [1, 2, 4, 8, 16, 30]
    often = minutes[: minutes.index(1440)]
    assert timedelta(hours=10) <= timedelta(minutes=sum(often)) < timedelta(hours=10.5)
    assert set(minutes[len(often) :]) == {1440}


@pytest.mark.parametrize(
    ("failure", "event", "given_up_after"),
    [
        (REFUSED, ("PUT", "Succeeded"), None),
        (NOT_PROJECTED, ("PUT", "Succeeded"), timedelta(days=30)),
        (UNKNOWN, ("PATCH", "Succeeded"), timedelta(days=30)),
        (DOWN, ("PUT", "Succeeded"), None),
        (REFUSED, ("DELETE", "Deleted"), timedelta(hours=10)),
        (UNKNOWN, ("DELETE", "Deleted"), timedelta(hours=10)),
        (DOWN, ("DELETE", "Deleted"), None),
        (REFUSED, ("DELETE", "Failed"), None),
        (UNKNOWN, ("DELETE", "Failed"), timedelta(days=30)),
    ],
)
def test_only_what_arm_does_not_let_us_see_is_given_up(
    failure: AzureFailure, event: tuple[str, str], given_up_after: timedelta | None
) -> None:
    pending = Pending(told(*event), NOW, NOW)
    moment = timedelta(seconds=1)
    if given_up_after is None:
        assert not pending.is_given_up(failure, NOW + timedelta(days=3650))
    else:
        assert not pending.is_given_up(failure, NOW + given_up_after - moment)
        assert pending.is_given_up(failure, NOW + given_up_after)


async def test_an_application_that_refuses_us_for_ever_stays_told_every_day(
    worker: WorkerSide, customer: Customer
) -> None:
    customer.revoke_access()
    await worker.take(customer, "PUT", "Succeeded")
    for _ in range(3 * 24 * 2):
        await worker.ask()
        worker.passed += timedelta(minutes=30)
    days = [row["TimeGenerated"] for row in worker.events() if row["Registry_error"].startswith("AuthorizationFailed")]
    gaps = [later - earlier for earlier, later in itertools.pairwise(days)]
    assert len(days) == 4, "one at first, one after ten hours, and one every day then"
    assert max(gaps) < timedelta(hours=25)
    worker.passed += timedelta(days=300)
    await worker.ask()
    assert worker.events()[-1]["Registry_action"] == "Pending"


async def test_one_that_arm_never_shows_is_given_up_after_a_month_with_a_last_word(
    worker: WorkerSide, customer: Customer
) -> None:
    customer.hide()
    await worker.take(customer, "PUT", "Succeeded")
    await worker.ask()
    worker.passed += timedelta(days=31)
    await worker.ask()
    last = worker.events()[-1]
    assert (last["Registry_action"], last["Registry_error"]) == ("GivenUp", "")
    assert "InvalidAuthenticationTokenTenant" in last["Reason"]
    assert await worker.waiting() == []
    assert await worker.row(customer) is None


async def test_a_round_asks_eight_at_a_time_and_ends_when_arm_is_down(worker: WorkerSide, sandbox: Sandbox) -> None:
    for number in range(60):
        await worker.take(sandbox.arm.add_customer(f"customer {number}"), "PUT", "Succeeded")
    sandbox.faults.add(ApplicationRead(), Dropped())
    sandbox.clear_counts()
    done = await worker.ask()
    assert done.is_over
    assert len(sandbox.requests.of(Service.RESOURCE_MANAGER)) <= 4 * (16 + AT_ONCE), (
        "two attempts, each on two connections"
    )
    sandbox.faults.clear()
    worker.passed += timedelta(minutes=1)
    await worker.ask()
    assert len(await worker.registered()) == 60
    assert await worker.waiting() == []


async def test_a_round_ends_when_the_publishers_credential_is_refused(worker: WorkerSide, sandbox: Sandbox) -> None:
    for number in range(60):
        await worker.take(sandbox.arm.add_customer(f"customer {number}"), "PUT", "Succeeded")
    sandbox.directory.entra_id.secrets.clear()
    assert (await worker.ask()).is_over
    asked = [one for one in await worker.waiting() if one.attempts]
    assert 0 < len(asked) < 16 + AT_ONCE + 1


async def test_those_asked_least_often_come_first(worker: WorkerSide, sandbox: Sandbox) -> None:
    refused = [sandbox.arm.add_customer(f"refused {number}") for number in range(5)]
    for customer in refused:
        customer.revoke_access()
        await worker.deliver(customer, "PUT", "Succeeded")
    worker.passed += timedelta(hours=1)
    fresh = sandbox.arm.add_customer("fresh")
    await worker.take(fresh, "PUT", "Succeeded")
    [first] = await worker.asker.pending.due(worker.now(), 1)
    identity = ApplicationId.parse(fresh.application_id)
    assert first == (identity.partition_key, identity.row_key)
    assert len(await worker.asker.pending.due(worker.now(), MOST_IN_A_ROUND)) == 6


async def test_whoever_is_due_for_longest_is_not_kept_waiting_by_new_ones(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    customer.revoke_access()
    await worker.deliver(customer, "PUT", "Succeeded")
    worker.passed += timedelta(minutes=5)
    for number in range(20):
        await worker.take(sandbox.arm.add_customer(f"new {number}"), "PUT", "Succeeded")
    worker.passed += timedelta(minutes=5)
    identity = ApplicationId.parse(customer.application_id)
    for most in (4, 8, 20):
        due = await worker.asker.pending.due(worker.now(), most)
        assert (identity.partition_key, identity.row_key) in due
        assert len(set(due)) == len(due) == most
    assert len(set(await worker.asker.pending.due(worker.now(), 100))) == 21


async def test_trouble_with_one_application_stops_no_other(worker: WorkerSide, sandbox: Sandbox) -> None:
    customers = [sandbox.arm.add_customer(f"customer {number}") for number in range(6)]
    for customer in customers:
        await worker.take(customer, "PUT", "Succeeded")
    sandbox.faults.add(ApplicationRead(customers[2]), Status(500))
    await worker.ask()
    assert len(await worker.registered()) == 5
    assert [one.application_id for one in await worker.waiting()] == [ApplicationId.parse(customers[2].application_id)]


async def test_while_the_registry_is_down_messages_are_delivered_again(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    sandbox.faults.add(TableRequest(), Status(503))
    with pytest.raises(AzureFailure):
        await worker.take(customer, "PUT", "Succeeded")
    assert worker.events() == []


async def test_while_our_own_registry_is_denied_us_no_notification_is_given_up(
    worker: WorkerSide, sandbox: Sandbox, customer: Customer
) -> None:
    await worker.deliver(customer, "PUT", "Succeeded")
    customer.delete()
    await worker.take(customer, "DELETE", "Deleted")
    sandbox.faults.add(TableRequest(table="applications"), Status(403))
    for hours in (0, 11):
        worker.passed = timedelta(hours=hours)
        await worker.ask()
    sandbox.faults.clear()
    worker.passed += timedelta(days=1)
    await worker.ask()
    assert {row["Registry_action"] for row in worker.events()} == {"Pending", "Registered", "Removed"}
    assert await worker.registered() == {}
