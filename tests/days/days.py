"""Plays days of a publisher's life on a clock of its own: timers fire, customers act, alert rules are evaluated.

Everything but time is real: the product's own entry points, SDK clients, Azurite, and the alert rules of infra/ over
the workspace. A scripted day of hourly runs takes a second or two.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.data.tables import TableClient, TableServiceClient

from collector.publication import publish_ledger
from collector.run import run_collection
from operations.__main__ import main as operate
from publisher.configuration.version import VERSION
from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import ApplicationId
from publisher.settings import CollectorSettings, PublicationSettings, ReconcileSettings
from registry.clients import shared_logs_endpoint, shared_refresher
from sandbox.alerts.evaluation import AlertEvaluator, Notification
from sandbox.alerts.mail import MailAction
from sandbox.alerts.rules import read_rules
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.days.rules import RememberingWorkspace
from tests.worker_side import open_worker_side
from verdicts.daily import hold_against_azure
from verdicts.exports.daily import ExportFailed, export_daily
from verdicts.ledger import Ledger

HOUR = timedelta(hours=1)
STEP = HOUR / 4
"""Time moves in steps of this, the frequency of the rules; timers fire at full hours."""

CLOSE_LOOK, LONG_LOOK = 2 * HOUR, 12 * HOUR
"""In the first and the last hours of `Days.play` every rule is looked at each hour; else those beside WATCHED seldom."""

WATCHED = ("application-noncompliant",)

DIGEST = "weekly-digest"
"""Comes on Mondays whatever happens, and these days begin on any day of the week: it is left out."""

EVERY_DAY = 24
RECONCILED_AT = 3
EVALUATED_AT = 5
"""Hours of a day, counted from the start, at which the daily job runs and Azure Policy evaluates everything."""
PUBLISHED_EVERY = 6
"""Hours between two publications from the ledger."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the action group was told, and how long after the start."""

    after: timedelta
    condition: str
    rule: str
    dimensions: tuple[str, ...]
    value: float = 0.0

    def is_about(self, customer: Customer) -> bool:
        """Whether a dimension has the customer's application id or name in it."""
        texts = [text.casefold() for text in self.dimensions]
        return any(customer.application_id.casefold() in text or customer.name.casefold() in text for text in texts)


@dataclass
class Days:
    """The world, and what is switched on in it.

    `collects`, `publishes`, `reconciles` and `exports` tell which timers fire: the collector's, the publication's from
    the ledger, the daily job's, and the export's. `evaluates_policies` tells whether Azure Policy evaluates everything again once a day.
    """

    sandbox: Sandbox
    collects: bool = True
    publishes: bool = True
    reconciles: bool = True
    exports: bool = True
    evaluates_policies: bool = True
    told: list[Told] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self.sandbox.clock.stop(self.start)
        self.mail = MailAction(["on-call@example.com"])
        rules = [rule for rule in read_rules("PT1H", installed_at=self.start) if rule.name != DIGEST]
        watched = {rule.query for rule in rules if rule.name in WATCHED}
        self.answers = RememberingWorkspace(self.sandbox.workspace, watched)
        self.alerts = AlertEvaluator(rules, self.answers, self.mail, unattended=True)

    @property
    def now(self) -> datetime:
        """The scripted time."""
        return self.sandbox.clock()

    async def play(self, hours: float, *, closely: bool = True) -> None:
        """Let the time pass: fire what is due at each step, then evaluate the rules; see CLOSE_LOOK for `closely`."""
        began, ends = self.now, self.now + hours * HOUR
        for _ in range(round(hours * HOUR / STEP)):
            await self._fire_timers()
            is_close = self.now < began + CLOSE_LOOK or self.now >= ends - CLOSE_LOOK
            self.answers.others_every = HOUR if is_close and closely else LONG_LOOK
            self.evaluate()
            self.sandbox.clock.advance(STEP)

    async def deploy(self, *names: str, **options: Any) -> list[Customer]:
        """Let customers deploy the application; Azure tells of each."""
        customers = [self.sandbox.arm.add_customer(name, **options) for name in names]
        for customer in customers:
            self.customers.append(customer)
            await self.notify(customer, "PUT", "Accepted")
            await self.notify(customer, "PUT", "Succeeded")
            self.name(customer, customer.name)
        return customers

    async def notify(self, customer: Customer, event_type: str, state: str) -> None:
        """Azure tells of an event, and the worker asks about it."""
        async with open_worker_side(self.sandbox, self.sandbox.clock) as worker:
            told = await worker.deliver(customer, event_type, state)
        assert not told.error, told

    def name(self, customer: Customer, name: str) -> None:
        """An operator gives the customer a name."""
        with self.registry() as table:
            table.update_entity(self._keys(customer) | {"customer_name": name})

    def lose_registry_row(self, customer: Customer) -> None:
        """The registry's row disappears without a trace."""
        with self.registry() as table:
            table.delete_entity(self._keys(customer))

    def registry(self) -> TableClient:
        """The registry's table, as anybody with its key sees it."""
        environment = self.sandbox.environment
        return TableClient.from_connection_string(environment["AzureWebJobsStorage"], environment["TABLE_NAME"])

    async def collect(self) -> None:
        """Fire the collector's timer; that a run failed is in the tables."""
        settings = CollectorSettings.from_environment(self.sandbox.environment)
        await run_collection(settings, trigger="timer", clock=self.sandbox.clock, sleep=_instantly)

    async def publish(self) -> None:
        """Fire the timer that publishes what stands in the ledger; it fails where the ledger cannot be read."""
        settings = PublicationSettings.from_environment(self.sandbox.environment)
        with suppress(AzureFailure):
            await publish_ledger(settings, clock=self.sandbox.clock, sleep=_instantly)

    async def reconcile(self) -> None:
        """Fire the daily job's timer; it fails where the registry cannot be read."""
        settings = ReconcileSettings.from_environment(self.sandbox.environment)
        async with (
            shared_refresher(settings, sleep=_instantly) as shared,
            shared_logs_endpoint(settings, sleep=_instantly) as endpoint,
            Ledger(settings) as ledger,
        ):
            refresher = replace(shared, clock=self.sandbox.clock)
            deadline = time.monotonic() + 600
            with suppress(AzureFailure):
                await hold_against_azure(refresher, ledger, endpoint, settings.events_stream, deadline=deadline)

    async def export(self) -> None:
        """Fire the timer of the daily export; that it failed is in the tables."""
        settings = PublicationSettings.from_environment(self.sandbox.environment)
        with suppress(ExportFailed):
            await export_daily(settings, version=VERSION, clock=self.sandbox.clock, sleep=_instantly)

    def delete_tables(self, *names: str) -> None:
        """Somebody deletes tables, with all that is in them."""
        with TableServiceClient.from_connection_string(self.sandbox.environment["AzureWebJobsStorage"]) as service:
            for name in names:
                service.delete_table(name)

    async def operate(self, *arguments: str) -> int:
        """An operator runs a command; return its exit status."""
        return await asyncio.to_thread(operate, [*arguments, "--person", "Ada"])

    async def accept(self, customer: Customer, assignment: str, *, until: datetime) -> None:
        """An operator accepts what is open about an assignment."""
        words = ["--assignment", assignment, "--until", until.isoformat(), "--reason", "agreed", "--person", "Ada"]
        status = await asyncio.to_thread(operate, ["accept", customer.application_id, *words, "--yes"])
        assert status == 0

    def evaluate(self) -> list[Notification]:
        """Evaluate the rules that are due, and note what they tell."""
        found = self.alerts.evaluate_due(self.now)
        for one in found:
            dimensions = tuple(one.dimensions.values())
            self.told.append(Told(self.now - self.start, one.condition, one.rule.name, dimensions, one.value))
        return found

    def active(self, customer: Customer | None = None) -> set[str]:
        """Names of the rules with an active alert, about one customer or at all."""
        alerts = [
            Told(timedelta(), "Fired", one.rule.name, tuple(one.dimensions.values())) for one in self.alerts.fired
        ]
        return {one.rule for one in alerts if customer is None or one.is_about(customer)}

    def history(self, customer: Customer, rule: str) -> list[str]:
        """What was told about a customer by a rule, in order: "Fired", "Resolved"."""
        return [one.condition for one in self.told if one.rule == rule and one.is_about(customer)]

    def story(self) -> list[str]:
        """Everything that was told, for the message of a failed test."""
        return [f"{one.after}: {one.condition} {one.rule} {one.dimensions}" for one in self.told]

    async def _fire_timers(self) -> None:
        elapsed = self.now - self.start
        if elapsed % HOUR:
            return
        hour = elapsed // HOUR % EVERY_DAY
        await self._fire_timers_of(hour)

    async def _fire_timers_of(self, hour: int) -> None:
        if hour == EVALUATED_AT and self.evaluates_policies:
            for customer in self.customers:
                customer.age_states(timedelta())
        if hour == RECONCILED_AT and self.reconciles:
            await self.reconcile()
        if self.collects:
            await self.collect()
        if hour % PUBLISHED_EVERY == PUBLISHED_EVERY - 1 and self.publishes:
            await self.publish()
        if self.exports:
            await self.export()

    def _keys(self, customer: Customer) -> dict[str, str]:
        application_id = ApplicationId.parse(customer.application_id)
        return {"PartitionKey": application_id.partition_key, "RowKey": application_id.row_key}


async def _instantly(_: float) -> None:
    await asyncio.sleep(0)
