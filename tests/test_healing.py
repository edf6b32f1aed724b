"""The inventory heals, and whoever has to know is told: notifications, reconciliation, collector and alert rules together."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from collector.run import failure_of
from publisher.errors.kinds import NotFound
from publisher.settings import ReconcileSettings
from registry.clients import shared_refresher
from registry.managed_application import MalformedRow, ManagedApplication
from registry.reconcile import Reconciliation, reconcile_registry
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import read_rules
from sandbox.faults.effects import Status
from sandbox.faults.operations import ApplicationRead
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Access, Customer
from sandbox.world.policies import BASELINE, SECURE_TRANSFER, WEB_HTTPS, Assignment
from tests.collector.conftest import Fleet
from tests.worker_side import open_worker_side

FREQUENCY = timedelta(minutes=30)


class Installation(Fleet):
    """A fleet with its worker, its daily timer and its alert rules."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        not_played = {"collector-silent", "registry-not-exported"}  # neither timer fires in these stories
        rules = [rule for rule in read_rules("PT1H") if rule.name not in not_played]
        self.alerts = AlertEvaluator(rules, sandbox.workspace)
        self.now = datetime.now(UTC) + timedelta(minutes=1)

    async def tell(self, customer: Customer, event_type: str, state: str, **when: timedelta) -> str:
        """Azure tells of an event, and the worker asks about it; return what became of it."""
        happened = datetime.now(UTC) - when.get("ago", timedelta())
        async with open_worker_side(self.sandbox) as worker:
            return (await worker.deliver(customer, event_type, state, at=happened)).action

    async def ask(self, *, later: timedelta) -> None:
        """Let the worker ask about what is due by then."""
        async with open_worker_side(self.sandbox) as worker:
            worker.passed = later
            await worker.ask()

    async def reconcile(self) -> Reconciliation:
        async with shared_refresher(ReconcileSettings.from_environment(self.sandbox.environment)) as refresher:
            return await reconcile_registry(refresher, deadline=time.monotonic() + 30)

    async def registered(self) -> dict[str, ManagedApplication | MalformedRow]:
        async with shared_refresher(ReconcileSettings.from_environment(self.sandbox.environment)) as refresher:
            try:
                return {str(item.application_id): item async for item in refresher.registry.applications()}
            except NotFound:
                return {}

    def told(self, *, later: timedelta = FREQUENCY) -> set[tuple[str, str, str]]:
        """What the alert rules tell when they are evaluated next: rule, application, Fired or Resolved."""
        self.now += later
        return {
            (told.rule.name, _name(told.dimensions), told.condition)
            for told in self.alerts.evaluate(self.now)
            if told.rule.name not in ("alarms-ending", "rows-missing")
        }

    def told_within(self, evaluations: int) -> set[tuple[str, str, str]]:
        return {told for _ in range(evaluations) for told in self.told()}


def _name(dimensions: Mapping[str, str]) -> str:
    """The application that an alert is about; the rules about events name its id alone."""
    return dimensions.get("Application") or dimensions.get("Application_id", "").rpartition("/")[2]


@pytest.fixture
def installation(sandbox: Sandbox) -> Installation:
    return Installation(sandbox)


async def test_lost_access_is_recorded_and_alerted_and_the_customer_kept_until_it_is_back(
    installation: Installation,
) -> None:
    customer = installation.sandbox.arm.add_customer("Contoso")
    assert await installation.tell(customer, "PUT", "Succeeded") == "Registered"
    await installation.collect()
    assert installation.told() == set()

    customer.revoke_access()
    assert (await installation.reconcile()).changes == {"AccessLost": 1}
    summary = await installation.collect()

    assert failure_of(summary) is None
    assert installation.told() == {("application-unread", customer.application_name, "Fired")}
    kept = (await installation.registered())[customer.application_id]
    assert kept.access_lost_at is not None

    customer.grant_access()
    assert (await installation.reconcile()).changes == {"Updated": 1}
    await installation.collect()
    assert installation.told_within(3) == {("application-unread", customer.application_name, "Resolved")}
    back = (await installation.registered())[customer.application_id]
    assert back.access_lost_at is None


async def test_a_deletion_that_nobody_told_ends_with_a_tombstone_and_a_resolved_alert(
    installation: Installation,
) -> None:
    customer, other = (installation.sandbox.arm.add_customer(name) for name in ("Contoso", "Fabrikam"))
    for one in (customer, other):
        await installation.tell(one, "PUT", "Succeeded")
    await installation.collect()
    customer.delete()
    await installation.collect()
    assert installation.told() == {("application-unread", customer.application_name, "Fired")}

    # The subscription of a customer who has nothing else there is not visible any more: only a neighbour proves the rest.
    installation.sandbox.arm.add_customer("Contoso Two", subscription_id=customer.subscription_id)
    assert (await installation.reconcile()).changes == {"Removed": 1, "Updated": 1}
    await installation.collect()

    assert list(await installation.registered()) == [other.application_id]
    assert installation.told_within(3) == {("application-unread", customer.application_name, "Resolved")}


async def test_a_move_and_a_new_plan_version_are_found_without_any_notice(installation: Installation) -> None:
    customer = installation.sandbox.arm.add_customer("Contoso")
    await installation.tell(customer, "PUT", "Succeeded")
    customer.upgrade("2.0.0")
    customer.unassign("baseline")
    customer.assign(Assignment("tls", "Only TLS 1.2", SECURE_TRANSFER))
    installation.sandbox.arm.customers.move(customer, managed_resource_group="mrg-moved")

    await installation.reconcile()

    found = (await installation.registered())[customer.application_id]
    assert isinstance(found, ManagedApplication)
    assert found.plan_version == "2.0.0"
    assert str(found.managed_resource_group_id) == customer.managed_resource_group_id
    assert found.assignments
    assert {one.display_name for one in found.assignments} == {one.display_name for one in customer.assignments}
    summary = await installation.collect()
    assert summary.succeeded == 1
    assert {row["Plan_version"] for row in installation.rows()} == {"2.0.0"}


async def test_throttling_is_waited_for(installation: Installation) -> None:
    customers = [installation.sandbox.arm.add_customer(name) for name in ("Contoso", "Fabrikam", "Tailspin")]
    for customer in customers:
        await installation.tell(customer, "PUT", "Succeeded")
        customer.upgrade("2.0.0")
    fault = installation.sandbox.faults.add(ApplicationRead(), Status(429, retry_after=0), times=5)
    result = await installation.reconcile()
    assert (result.changes, result.failures) == ({"Updated": 3}, {})
    assert fault.played == 5


async def test_an_assignment_that_is_never_evaluated_is_alerted_after_two_days(installation: Installation) -> None:
    customer, other = (installation.sandbox.arm.add_customer(name) for name in ("Contoso", "Fabrikam"))
    customer.assign(Assignment("forgotten", "Never looked at", WEB_HTTPS), evaluated=False)
    for one in (customer, other):
        await installation.tell(one, "PUT", "Succeeded")
    clock = installation.sandbox.clock
    clock.stop(datetime.now(UTC) - timedelta(hours=50))
    for _ in range(4):
        await installation.collect()
        assert ("assignment-undecided", customer.application_name, "Fired") not in installation.told()
        clock.advance(timedelta(hours=12))
    clock.stop(datetime.now(UTC))

    await installation.collect()
    told = installation.told()

    assert ("assignment-undecided", customer.application_name, "Fired") in told
    assert not any(name == other.application_name for _, name, _ in told)


async def test_a_deployment_that_refuses_us_is_alerted_from_its_first_notification_to_its_healing(
    installation: Installation,
) -> None:
    customer = installation.sandbox.arm.add_customer("Contoso")
    customer.revoke_access()
    assert await installation.tell(customer, "PUT", "Succeeded") == "Pending"
    fired = {("application-unregistered", customer.application_name, "Fired")}
    assert installation.told(later=timedelta(minutes=95)) == fired
    assert await installation.registered() == {}, "only what ARM confirms enters the registry"

    customer.grant_access()
    await installation.ask(later=timedelta(minutes=96))
    await installation.collect()
    assert installation.outcome(customer) == "Succeeded"
    assert installation.told_within(3) == {("application-unregistered", customer.application_name, "Resolved")}


async def test_a_deployment_that_refuses_us_for_days_stays_alerted(installation: Installation) -> None:
    customer = installation.sandbox.arm.add_customer("Contoso")
    customer.revoke_access()
    await installation.tell(customer, "PUT", "Succeeded")
    rules = [rule for rule in read_rules("PT1H") if rule.name == "application-unregistered"]
    installation.alerts = AlertEvaluator(rules, installation.sandbox.workspace)
    assert len(installation.told(later=timedelta(minutes=95))) == 1
    for hours in range(4, 24 * 4, 2):
        installation.sandbox.clock.stop(datetime.now(UTC) + timedelta(hours=hours))
        await installation.ask(later=timedelta(hours=hours))
        assert installation.told(later=timedelta(hours=2)) == set(), f"after {hours} hours"


async def test_a_failed_deployment_is_alerted_with_azures_error_and_resolved_by_the_next(
    installation: Installation,
) -> None:
    customer = installation.sandbox.arm.add_customer("Contoso")
    for _ in range(2):
        assert await installation.tell(customer, "PUT", "Failed", ago=timedelta(minutes=5)) == "Ignored"
    assert installation.told() == {("deployment-failed", customer.application_name, "Fired")}
    assert await installation.tell(customer, "PUT", "Succeeded") == "Registered"
    assert installation.told_within(3) == {("deployment-failed", customer.application_name, "Resolved")}


async def test_assignments_of_another_resource_group_are_not_expected(installation: Installation) -> None:
    customer = installation.sandbox.arm.add_customer("Contoso")
    await installation.tell(customer, "PUT", "Succeeded")
    installation.sandbox.arm.customers.move(customer, managed_resource_group="mrg-moved")
    customer.revoke_access(Access.ASSIGNMENTS)
    await installation.reconcile()
    found = (await installation.registered())[customer.application_id]
    assert isinstance(found, ManagedApplication)
    assert found.assignments is None


async def test_rows_name_the_rules_inside_an_initiative(installation: Installation) -> None:
    customer = installation.sandbox.arm.add_customer("Contoso")
    await installation.tell(customer, "PUT", "Succeeded")
    await installation.collect()
    members = {member.id.lower(): member.display_name for _, member in BASELINE.members}
    named = {
        row["Policy_definition_id"]: row["Policy_definition_display_name"]
        for row in installation.rows()
        if row["Policy_set_definition_id"] == BASELINE.id.lower()
    }
    assert named == members
