"""A day of a publisher's life on a clock of its own: customers act, things fail, timers fire, alerts are evaluated."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from collector.reporting.outcomes import ApplicationResult, RunSummary
from collector.run import failure_of, run_collection
from publisher.errors.kinds import AzureFailure
from publisher.settings import IntakeSettings, ReconcileSettings
from registry.clients import shared_refresher
from registry.notifications.opening import open_asker, shared_intake
from registry.notifications.pending_table import PendingRow, PendingTable
from registry.reconcile import Reconciliation, reconcile_registry
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.faults.effects import AnswerLost, CutHalfWay, Dropped, Effect, Status, TruncatedJson, html
from sandbox.faults.operations import (
    ApplicationRead,
    AssignmentList,
    IdentityTokenRequest,
    Operation,
    PolicyQuery,
    TableRequest,
    TokenRequest,
    Upload,
)
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.collector.conftest import RESULTS_STREAM, RUNS_STREAM, STATES_STREAM, Fleet, key_of, key_of_row
from tests.reliability.collector_cell import RULES
from tests.worker_side import message_about

HOUR = timedelta(hours=1)
RECONCILIATION_AT = 3
RESOURCES = ("storage1", "storage2", "vault", "web")
TARGETS: list[Operation] = [
    TokenRequest(),
    IdentityTokenRequest(),
    TableRequest("GET"),
    TableRequest("PUT"),
    TableRequest("POST"),
    ApplicationRead(),
    AssignmentList(),
    PolicyQuery(page=1),
    PolicyQuery(page=2),
    Upload(STATES_STREAM),
    Upload(RESULTS_STREAM),
    Upload(RUNS_STREAM),
    Upload("Custom-ManagedApplicationEvents_CL"),
]
EFFECTS: list[Effect] = [
    Status(401),
    Status(429),
    Status(429, retry_after=7),
    Status(429, retry_after=10_000_000),
    Status(500),
    Status(503, retry_after=2),
    Dropped(),
    CutHalfWay(),
    AnswerLost(),
    TruncatedJson(),
    html(),
    html(502),
]


async def _instantly(_: float) -> None:
    await asyncio.sleep(0)


@dataclass
class Day:
    """Plays hours; `dice` decides what happens in each."""

    sandbox: Sandbox
    dice: random.Random
    customers: list[Customer] = field(default_factory=list)
    untold: list[bytes] = field(default_factory=list)
    faults_played: int = 0
    failed_runs: int = 0
    events: int = 0

    def __post_init__(self) -> None:
        self.sandbox.clock.stop(datetime.now(UTC).replace(minute=0, second=0, microsecond=0))
        self.sandbox.arm.page_size = 8
        self.alerts = AlertEvaluator(RULES, self.sandbox.workspace)
        self.fleet = Fleet(self.sandbox)
        for _ in range(6):
            self._deploy()

    async def hour(self, number: int) -> None:
        """What customers do, what breaks for this hour, what is told, and what the timers do."""
        for _ in range(self.dice.randrange(4)):
            self._act()
        scripted = [
            self.sandbox.faults.add(
                self.dice.choice(TARGETS), self.dice.choice(EFFECTS), times=self.dice.choice([1, 2, 5, None])
            )
            for _ in range(self.dice.choice([0, 1, 1, 2, 3]))
        ]
        await self.tell_everything()
        if number == RECONCILIATION_AT:
            await self.reconcile()
        await self.collect()
        self.faults_played += sum(fault.played for fault in scripted)
        self.sandbox.faults.clear()
        self.evaluate_alerts()
        self.sandbox.clock.advance(HOUR)

    async def tell_everything(self) -> None:
        """The queue delivers what was not taken yet, in any order, and some of it twice; then the timer asks ARM."""
        repeated = self.untold + self.dice.sample(self.untold, len(self.untold) // 3)
        self.dice.shuffle(repeated)
        settings = IntakeSettings.from_environment(self.sandbox.environment)
        taken = set[bytes]()
        async with shared_intake(settings, sleep=_instantly) as opened:
            intake = replace(opened, clock=self.sandbox.clock)

            async def take(message: bytes) -> None:
                with suppress(AzureFailure):
                    await intake.take(message)
                    taken.add(message)

            await asyncio.gather(*(take(message) for message in repeated))
        self.untold = [message for message in self.untold if message not in taken]
        async with open_asker(ReconcileSettings.from_environment(self.sandbox.environment), sleep=_instantly) as asker:
            with suppress(AzureFailure):  # of the table: the next round asks
                refresher = replace(asker.refresher, clock=self.sandbox.clock)
                await replace(asker, refresher=refresher).ask(deadline=time.monotonic() + 60)

    async def replay_everything(self) -> None:
        """As `operations pending replay --all`."""
        settings = IntakeSettings.from_environment(self.sandbox.environment)
        async with PendingTable(settings.storage) as table:
            for row in [one async for one in table.all()]:
                assert isinstance(row, PendingRow)
                await table.ask_anew(row.pending.application_id, self.sandbox.clock())

    async def reconcile(self) -> Reconciliation:
        """Fire the daily timer."""
        settings = ReconcileSettings.from_environment(self.sandbox.environment)
        async with shared_refresher(settings, sleep=_instantly) as refresher:
            return await reconcile_registry(
                replace(refresher, clock=self.sandbox.clock), deadline=time.monotonic() + 60
            )

    async def collect(self) -> RunSummary:
        """Fire the hourly timer; whoever is called read must have been read in full."""
        results: dict[str, ApplicationResult] = {}
        summary = await run_collection(
            self.fleet.settings,
            trigger="timer",
            on_result=lambda one: results.update({one.application_id: one}),
            sleep=_instantly,
            clock=self.sandbox.clock,
        )
        self.failed_runs += failure_of(summary) is not None
        for customer in self.customers:
            result = results.get(customer.application_id)
            if result is not None and result.outcome.value == "Succeeded":
                rows = await self.fleet.standing_rows(customer)
                assert {key_of_row(row) for row in rows} == {key_of(state) for state in customer.owned_states()}
        return summary

    def evaluate_alerts(self) -> None:
        """As Azure Monitor does; half an hour after the collection."""
        self.alerts.evaluate(self.sandbox.clock() + HOUR / 2)

    def fired(self, rule: str) -> set[str]:
        """Whom a rule's active alerts are about: folded application ids."""
        keys = (one.dimensions.get("Alarm_key", "") for one in self.alerts.fired if one.rule.name == rule)
        return {key.partition("#")[0] for key in keys}

    def living(self) -> list[Customer]:
        """Those who have not left."""
        return [customer for customer in self.customers if not customer.deleted]

    async def registered(self) -> dict[str, str]:
        """What the registry says: plan version by application."""
        settings = ReconcileSettings.from_environment(self.sandbox.environment)
        async with shared_refresher(settings) as refresher:
            found = [item async for item in refresher.registry.applications()]
        return {str(item.application_id): getattr(item, "plan_version", "") for item in found}

    def _act(self) -> None:
        living = self.living()
        what = self.dice.choice(["break", "break", "repair", "upgrade", "deploy", "delete", "shut out", "let in"])
        if what == "deploy" or not living:
            self._deploy()
            return
        customer = self.dice.choice(living)
        match what:
            case "break":
                customer.break_resource(self.dice.choice(RESOURCES))
            case "repair":
                customer.repair(self.dice.choice(RESOURCES))
            case "upgrade":
                customer.upgrade(f"{self.dice.randrange(2, 100)}.0.0")
                self._happened(customer, ("PUT", "Accepted"), ("PUT", "Succeeded"))
            case "delete":
                customer.delete()
                self._happened(customer, ("DELETE", "Deleting"), ("DELETE", "Deleted"))
            case "shut out":
                customer.revoke_access()
            case _:
                customer.grant_access()

    def _deploy(self) -> None:
        customer = self.sandbox.arm.add_customer(f"customer {len(self.customers)}")
        self.customers.append(customer)
        self._happened(customer, ("PUT", "Accepted"), ("PUT", "Succeeded"))

    def _happened(self, customer: Customer, *kinds: tuple[str, str]) -> None:
        """Azure will tell; one notification in ten never comes (a webhook that is away for ten hours misses it)."""
        for position, kind in enumerate(kinds):
            if kind[1] != "Succeeded" and self.dice.random() < 0.1:
                continue
            moment = self.sandbox.clock() + timedelta(milliseconds=position)
            self.untold.append(message_about(customer, *kind, happened=moment, received_at=moment))
            self.events += 1
