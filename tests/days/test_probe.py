"""The goal of the probe: a violation is in the mailbox within ten minutes of Azure's evaluation.

The collector's schedule stays hourly; the probe's timer and the rules that tell of violations fire every five minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from collector.probe import bring_forward
from compliance_api.workspace import saved_queries
from publisher.settings import ProbeSettings
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import read_rules
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.days.days import Days

MINUTE = timedelta(minutes=1)
PROBE_SCHEDULE = "0 */5 * * * *"
EVERY, PROBED_AT = 5, 3
"""Minutes between two probes, and between two looks of the rules; and the minute of the first probe."""

GOAL = 10 * MINUTE


class ProbedDays(Days):
    """Days of an installation whose probe is switched on; they pass by the minute.

    The probe's timer fires at minutes that end with 3 and 8; `looked_at` is when the rules do, counted from there.
    """

    looked_at: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        rules = read_rules("PT1H", is_probed=True, installed_at=self.start)
        self.alerts = AlertEvaluator(rules, self.sandbox.workspace, self.mail, unattended=True)
        self.settings = ProbeSettings.from_environment(self.sandbox.environment | {"PROBE_SCHEDULE": PROBE_SCHEDULE})

    async def minutes(self, count: int, *, probes: bool = True) -> None:
        """Let minutes pass, with every timer that is due."""
        for _ in range(count):
            minute = (self.now - self.start) // MINUTE
            if minute % 60 == 0:
                await self.collect()
            if probes and minute % EVERY == PROBED_AT:
                done = await bring_forward(self.settings.collector, clock=self.sandbox.clock)
                assert done.failure is None
            if minute % EVERY == (PROBED_AT + self.looked_at) % EVERY:
                self.evaluate()
            self.sandbox.clock.advance(MINUTE)

    def mailed(self, customer: Customer, condition: str) -> datetime | None:
        """When the first mail about a violation of this customer came."""
        for one in self.mail.mails:
            essentials = one.payload["data"]["essentials"]
            is_about_it = "not compliant" in essentials["alertRule"] and customer.name in str(one.payload)
            if is_about_it and essentials["monitorCondition"] == condition:
                return one.at
        return None


@pytest.fixture
async def days(sandbox: Sandbox, environment: dict[str, str]) -> ProbedDays:
    days = ProbedDays(sandbox)
    assert environment["COLLECTION_SCHEDULE"] == "0 0 * * * *"
    assert days.settings.interval == EVERY * MINUTE
    await days.deploy("Contoso", "Fabrikam")
    await days.minutes(PROBED_AT + 1)
    assert days.told == []
    return days


@pytest.mark.parametrize("looked_at", range(EVERY))
async def test_a_violation_is_in_the_mailbox_within_ten_minutes_of_its_evaluation(
    days: ProbedDays, looked_at: int
) -> None:
    """The worst case for both timers: Azure evaluates right after a probe."""
    days.looked_at = looked_at
    contoso, fabrikam = days.customers
    evaluated_at = days.now
    contoso.break_resource("storage1", "secure-transfer")

    await days.minutes(12)

    mailed_at = days.mailed(contoso, "Fired")
    assert mailed_at is not None, days.story()
    assert mailed_at - evaluated_at <= GOAL
    assert days.mailed(fabrikam, "Fired") is None
    findings = days.sandbox.workspace.query(saved_queries.text("findings"))
    assert [row["Customer_name"] for row in findings] == [contoso.name], "the page shows what the mail tells"


async def test_without_the_probe_the_mail_waits_for_the_collectors_turn(days: ProbedDays) -> None:
    contoso, _ = days.customers
    contoso.break_resource("storage1", "secure-transfer")
    await days.minutes(50, probes=False)
    assert days.told == []
    await days.minutes(20, probes=False)
    assert days.mailed(contoso, "Fired") is not None


async def test_when_resource_graph_is_late_the_mail_comes_with_the_collectors_turn_as_before(days: ProbedDays) -> None:
    contoso, _ = days.customers
    days.sandbox.graph.fall_behind()
    contoso.break_resource("storage1", "secure-transfer")
    await days.minutes(50)
    assert days.told == []
    await days.minutes(20)
    assert days.mailed(contoso, "Fired") is not None
    assert days.mailed(contoso, "Resolved") is None
