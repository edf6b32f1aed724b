"""Plays one cell of the collector's fault matrix and tells what came of it."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from collector.reporting.outcomes import ApplicationResult, RunSummary
from collector.run import failure_of, run_collection
from publisher.settings import CollectorSettings
from publisher.transport import longest_silence
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import read_rules
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.collector.conftest import Fleet, key_of
from tests.reliability.collector_faults import DEPENDENCIES, OF_A_SERVICE, effect_of
from tests.reliability.secrets_watch import MARKER

EARLIER = timedelta(hours=7)
"""How long ago everything was read: longer than the alert about a silent collector waits."""

BETWEEN = timedelta(hours=3)
"""Between the two runs under a lasting fault: longer than an application may be unread before it is told."""

PATIENCE_SECONDS = 0.8
TIME_LIMIT = 120.0
RULES = tuple(
    rule
    for rule in read_rules("PT1H")
    if rule.name in {"application-noncompliant", "application-unread", "collector-silent"}
)


@dataclass
class Played:
    """What a run under a fault left behind."""

    fleet: Fleet
    affected: Customer
    bystander: Customer
    summary: RunSummary
    results: dict[str, ApplicationResult]
    seconds: float

    def outcome(self, customer: Customer) -> str:
        """The outcome that the run gave a customer; "-" for none."""
        result = self.results.get(customer.application_id)
        return result.outcome.value if result else "-"

    @property
    def failed(self) -> bool:
        """Whether the Functions host marks the invocation as failed."""
        return failure_of(self.summary) is not None

    @property
    def exit_status(self) -> int:
        """What `python -m collector` ends with."""
        return 1 if self.failed or self.summary.failed else 0

    def rows(self, table: str, customer: Customer | None = None) -> list[dict[str, Any]]:
        """This run's rows of a table, all or a customer's."""
        where = {"Application_id": customer.application_id} if customer else {}
        return self.fleet.rows(table, Run_id=self.summary.run.run_id, **where)

    def truth(self, customer: Customer) -> set[tuple[str, ...]]:
        """What makes up each state that Azure Policy has of a customer's application."""
        return {key_of(state) for state in customer.owned_states()}

    def alerts(self) -> set[str]:
        """What has fired after the run: the rule, and whom it is about."""
        names = {one.application_id.lower(): one.name for one in (self.affected, self.bystander)}
        evaluator = AlertEvaluator(RULES, self.fleet.sandbox.workspace)
        evaluator.evaluate(self.fleet.sandbox.clock())
        return {
            " ".join((fired.rule.name, names.get(fired.dimensions.get("Alarm_key", "").partition("#")[0], ""))).strip()
            for fired in evaluator.fired
        }


async def play(sandbox: Sandbox, dependency: str, fault: str, *, passing: bool = False) -> Played:
    """Collect a fleet of two, both with a violation, while something goes wrong: for good, or for two attempts.

    Before a lasting fault the fleet was read well seven hours ago, so that alerts have something to lose; and the fault
    lasts for two runs, because what can pass is told from the second one on.
    """
    now = datetime.now(UTC)
    sandbox.clock.stop(now if passing else now - EARLIER)
    fleet = Fleet(sandbox)
    affected, bystander = await fleet.deploy("Contoso", "Fabrikam")
    for customer in (affected, bystander):
        customer.break_resource("vault")
        customer.add_state(resourceId=f"{customer.managed_resource_group_id}/providers/a/b/{MARKER}")
    if not passing:
        await fleet.collect()
        sandbox.clock.stop(now - BETWEEN)
    sandbox.clear_counts()
    sandbox.arm.page_size = 8
    target = DEPENDENCIES[dependency]
    switch = OF_A_SERVICE.get(fault)
    with ExitStack() as back, longest_silence(PATIENCE_SECONDS) if fault == "time-out" else nullcontext():
        times = (1 if switch or fault == "time-out" else 2) if passing else None  # a silence is met twice at most
        sandbox.faults.add(target.operation(affected), effect_of(fault, target), times=times)
        waits = 0

        async def instantly(_: float) -> None:
            nonlocal waits
            waits += 1
            if switch and waits == 1:  # blocks the run, so that it is the same every time what meets the outage
                back.enter_context(switch(sandbox, target.service))
            if passing and waits == 2:
                back.close()
            await asyncio.sleep(0)

        results: dict[str, ApplicationResult] = {}
        settings = CollectorSettings.from_environment(sandbox.environment)
        seconds = 0.0
        for moment in (now,) if passing else (now - BETWEEN, now):
            sandbox.clock.stop(moment)
            for customer in (affected, bystander):  # only states that changed are uploaded
                customer.add_state(resourceId=f"{customer.managed_resource_group_id}/providers/a/b/{moment:%H%M%S}")
            results.clear()
            started = time.monotonic()
            summary = await run_collection(
                replace(settings, max_concurrent_applications=1 if switch else 2),
                trigger="test",
                on_result=lambda result: results.update({result.application_id: result}),
                time_limit=timedelta(seconds=TIME_LIMIT),
                sleep=instantly,
                clock=sandbox.clock,
            )
            seconds = max(seconds, time.monotonic() - started)
    sandbox.faults.clear()
    return Played(fleet, affected, bystander, summary, results, seconds)
