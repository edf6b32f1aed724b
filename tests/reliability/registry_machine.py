"""A model of customers and of Azure's notifications about them, for hypothesis to play with.

Whatever customers do and however their notifications arrive, twice, late, in any order, at two instances at the same
time, forged ones and reconciliations among them: nobody who lives is lost on the way, and in the end the registry is
what ARM says.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from azure.data.tables.aio import TableServiceClient
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from publisher.errors.kinds import AzureFailure
from publisher.settings import IntakeSettings, ReconcileSettings
from registry.clients import shared_refresher
from registry.notifications.opening import open_asker, shared_intake
from registry.reconcile import Reconciliation, reconcile_registry
from registry.registry import Registry
from sandbox.faults.effects import AnswerLost, CutHalfWay, Dropped, Status
from sandbox.faults.operations import ApplicationRead, AssignmentList, TableRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.worker_side import message_about

FAULTS = [
    *((operation, effect) for operation in (ApplicationRead(), AssignmentList(), Upload()) for effect in (
        Status(500), Status(429, retry_after=0), Status(429, retry_after=10_000_000), Dropped(), CutHalfWay()
    )),
    *((TableRequest(method), effect) for method in ("GET", "PUT", "POST") for effect in (
        Status(503), Dropped(), AnswerLost(), Status(412, code="UpdateConditionNotSatisfied")
    )),
]  # fmt: skip
FORGED = [("DELETE", "Deleted"), ("DELETE", "Deleting"), ("PUT", "Succeeded"), ("PATCH", "Succeeded")]
SHIFTS = [timedelta(), timedelta(days=-2), timedelta(days=2), timedelta(days=100_000)]
LATER = [timedelta(), timedelta(minutes=20), timedelta(hours=1)]
DAYS_LATER = timedelta(days=2)

whom = st.integers(0, 3)


@dataclass(frozen=True)
class Event:
    """One thing that happened, of which the queue tells until it was taken in."""

    customer: Customer
    event_type: str
    state: str
    happened: datetime

    def message(self) -> bytes:
        return message_about(
            self.customer, self.event_type, self.state, happened=self.happened, received_at=datetime.now(UTC)
        )


class RegistryMachine(RuleBasedStateMachine):
    """Set `sandbox` before it runs."""

    sandbox: ClassVar[Sandbox]
    deliveries: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.sandbox.reset()
        self.sandbox.entra_id.secrets.append("the-secret-of-another-instance")
        self.sandbox.next_storage_account()
        first = self.sandbox.environment
        self.instances = (first, first | {"AZURE_CLIENT_SECRET": "the-secret-of-another-instance"})
        self.storage = first["AzureWebJobsStorage"].replace(  # past the faults, for those who look
            self.sandbox.url(Service.TABLES), self.sandbox.storage.azurite.endpoint("table")
        )
        self.runner = asyncio.Runner()
        self.customers = [self.sandbox.arm.add_customer(f"customer {number}") for number in range(4)]
        for customer in self.customers:
            customer.delete()
        self.runner.run(self._create_table())  # as the deployment does
        self.untold: list[Event] = []
        self.told: list[Event] = []
        self.watched: set[str] = set()
        self.dice = random.Random(0)  # noqa: S311 - only spreads what happens at the same time

    # What customers do

    @rule(who=whom)
    def deploy(self, who: int) -> None:
        customer = self.customers[who]
        if customer.deleted:
            customer.deleted, customer.provisioning_state, customer.visible = False, "Succeeded", True
            customer.grant_access()
            self._tell(customer, ("PUT", "Accepted"), ("PUT", "Succeeded"))

    @rule(who=whom, version=st.integers(2, 9))
    def upgrade(self, who: int, version: int) -> None:
        customer = self.customers[who]
        if _lives(customer):
            customer.upgrade(f"{version}.0.0")
            self._tell(customer, ("PUT", "Accepted"), ("PUT", "Succeeded"))

    @rule(who=whom)
    def change_tags(self, who: int) -> None:
        if _lives(self.customers[who]):
            self._tell(self.customers[who], ("PATCH", "Succeeded"))

    @rule(who=whom)
    def begin_to_delete(self, who: int) -> None:
        if _lives(self.customers[who]):
            self.customers[who].start_deleting()
            self._tell(self.customers[who], ("DELETE", "Deleting"))

    @rule(who=whom, succeeds=st.booleans())
    def end_deleting(self, who: int, *, succeeds: bool) -> None:
        customer = self.customers[who]
        if customer.provisioning_state == "Deleting":
            if succeeds:
                customer.delete()
            else:
                customer.provisioning_state = "Succeeded"
            self._tell(customer, ("DELETE", "Deleted" if succeeds else "Failed"))

    @rule(who=whom, hidden=st.booleans())
    def shut_us_out(self, who: int, *, hidden: bool) -> None:
        self.customers[who].hide() if hidden else self.customers[who].revoke_access()

    @rule(who=whom)
    def let_us_in(self, who: int) -> None:
        self.customers[who].visible = True
        self.customers[who].grant_access()

    # What happens to us

    @rule(which=st.integers(0, len(FAULTS) - 1), times=st.integers(1, 4))
    def have_trouble(self, which: int, times: int) -> None:
        self.sandbox.faults.add(*FAULTS[which], times=times)

    @precondition(lambda self: self.untold or self.told)
    @rule(picks=st.lists(st.integers(0, 10_000), min_size=2, max_size=8), reconciling=st.booleans(), whose=whom)
    def deliver(self, picks: list[int], *, reconciling: bool, whose: int) -> None:
        """Some of what happened, told or not told before, at two instances at once, while somebody acts."""
        every = self.untold + self.told
        events = [every[pick % len(every)] for pick in picks]

        async def act() -> None:
            await asyncio.sleep(self.dice.random() * 0.02)
            self.dice.choice([self.upgrade_now, self.begin_to_delete_now])(whose)

        async def everything() -> None:
            also = [self._reconcile(0)] if reconciling else []
            sending = (self._send(event, number % 2) for number, event in enumerate(events))
            await asyncio.gather(*sending, self._ask(0, LATER[0]), self._ask(1, LATER[1]), *also, act())

        self.runner.run(everything())

    @rule(who=whom, kind=st.sampled_from(FORGED), shift=st.sampled_from(SHIFTS))
    def forge(self, who: int, kind: tuple[str, str], shift: timedelta) -> None:
        event = Event(self.customers[who], *kind, datetime.now(UTC) + shift)
        self.runner.run(self._take(event, 0))

    @rule(which=st.integers(0, 1), later=st.sampled_from(LATER))
    def ask(self, which: int, later: timedelta) -> None:
        """A timer fires, so much later that some of what waits is due."""
        self.runner.run(self._ask(which, later))

    @rule()
    def reconcile(self) -> None:
        self.runner.run(self._reconcile(1))

    @invariant()
    def nobody_who_lives_is_forgotten(self) -> None:
        registered = self.runner.run(self._registered())
        for customer in self.customers:
            if not (_lives(customer) and _lets_us_in(customer)):
                self.watched.discard(customer.application_id)
        assert self.watched <= registered.keys()
        self.watched |= {
            customer.application_id
            for customer in self.customers
            if _lives(customer) and _lets_us_in(customer) and customer.application_id in registered
        }

    def teardown(self) -> None:
        """Everything is told and asked about until ARM has answered; then the registry is what ARM says."""
        try:
            self.sandbox.faults.clear()
            for customer in self.customers:
                customer.visible = True
                customer.grant_access()
            for number in range(len(self.customers)):
                self.end_deleting_now(number)
            self.runner.run(self._tell_everything())
            assert not self.untold
            assert self.runner.run(self._waiting()) == 0
            result = self.runner.run(self._reconcile(0))
            result.raise_for_failures()
            assert self.runner.run(self._registered()) == {
                one.application_id: one.plan.version for one in self.customers if not one.deleted
            }
        finally:
            self.runner.close()

    # The same acts, while something else runs

    def upgrade_now(self, who: int) -> None:
        if _lives(self.customers[who]):
            self.customers[who].upgrade("1.2.3")
            self._tell(self.customers[who], ("PUT", "Accepted"), ("PUT", "Succeeded"))

    def begin_to_delete_now(self, who: int) -> None:
        if _lives(self.customers[who]):
            self.watched.discard(self.customers[who].application_id)
            self.customers[who].delete()
            self._tell(self.customers[who], ("DELETE", "Deleting"), ("DELETE", "Deleted"))

    def end_deleting_now(self, who: int) -> None:
        if self.customers[who].provisioning_state == "Deleting":
            self.customers[who].delete()
            self._tell(self.customers[who], ("DELETE", "Deleted"))

    def _tell(self, customer: Customer, *kinds: tuple[str, str]) -> None:
        self.untold += [Event(customer, *kind, datetime.now(UTC)) for kind in kinds]

    async def _create_table(self) -> None:
        connection = self.instances[0]["AzureWebJobsStorage"]
        async with TableServiceClient.from_connection_string(connection) as tables:
            await tables.create_table(self.instances[0]["TABLE_NAME"])

    async def _send(self, event: Event, instance: int) -> None:
        if await self._take(event, instance) and event in self.untold:
            self.untold.remove(event)
            self.told.append(event)

    async def _take(self, event: Event, instance: int) -> bool:
        """Deliver a message, and tell whether it was taken in; else the queue delivers it again."""
        type(self).deliveries += 1
        settings = IntakeSettings.from_environment(self.instances[instance])
        async with shared_intake(settings, sleep=_instantly) as intake:
            try:
                return await intake.take(event.message()) is not None
            except AzureFailure:
                return False

    async def _ask(self, instance: int, later: timedelta) -> None:
        settings = ReconcileSettings.from_environment(self.instances[instance])
        clock: Callable[[], datetime] = lambda: datetime.now(UTC) + later  # noqa: E731
        async with open_asker(settings, sleep=_instantly) as opened:
            asker = replace(opened, refresher=replace(opened.refresher, clock=clock))
            with suppress(AzureFailure):  # of the table: the next round asks
                await asker.ask(deadline=time.monotonic() + 60)

    async def _waiting(self) -> int:
        async with open_asker(ReconcileSettings.from_environment(self.instances[0])) as asker:
            return len([row async for row in asker.pending.all()])

    async def _tell_everything(self) -> None:
        for event in list(self.untold):
            await self._send(event, 0)
        for number in range(2):
            await self._ask(number, DAYS_LATER)

    async def _reconcile(self, instance: int) -> Reconciliation:
        settings = ReconcileSettings.from_environment(self.instances[instance])
        async with shared_refresher(settings, attempts=2, sleep=_instantly) as refresher:
            return await reconcile_registry(refresher, deadline=time.monotonic() + 60)

    async def _registered(self) -> dict[str, str]:
        settings = ReconcileSettings.from_environment(self.instances[0] | {"AzureWebJobsStorage": self.storage})
        async with Registry(settings) as registry:
            found = [item async for item in registry.applications()]
        return {str(item.application_id): getattr(item, "plan_version", "") for item in found}


async def _instantly(_: float) -> None:
    await asyncio.sleep(0)


def _lives(customer: Customer) -> bool:
    return not customer.deleted and customer.provisioning_state == "Succeeded"


def _lets_us_in(customer: Customer) -> bool:
    return customer.visible and bool(customer.access)
