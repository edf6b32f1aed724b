"""Many at once: an on-call engineer is told of the cause, not of three hundred customers, and nothing flaps."""

from __future__ import annotations

import pytest

from sandbox.world.customers import Customer, Resource
from sandbox.world.policies import SECURE_TRANSFER, STORAGE, Assignment
from tests.days.conftest import ASSIGNMENT, MANY, NONCOMPLIANT, UNREAD
from tests.days.days import Days

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

STORAGE_ACCOUNTS = [Resource("storage", STORAGE)]
PLAN = [Assignment(ASSIGNMENT, "Storage only accepts HTTPS", SECURE_TRANSFER)]
INTAKE = "intake-unusual"
"""Told in these stories, which begin with many registrations in a day."""


@pytest.fixture
async def many(days: Days) -> list[Customer]:
    """Three hundred and twenty small customers, all well; that so many came in a day is told."""
    names = [f"Customer {number:03}" for number in range(320)]
    found = await days.deploy(*names, resources=STORAGE_ACCOUNTS, assignments=PLAN, foreign=False)
    await days.play(1)
    assert [one.rule for one in days.told] == [INTAKE], days.story()
    return found


def count(days: Days, rule: str, condition: str = "Fired") -> int:
    return sum((one.rule, one.condition) == (rule, condition) for one in days.told)


async def test_three_hundred_violations_at_once_are_one_alarm_by_cause_and_stay_so_until_repaired(
    days: Days, many: list[Customer]
) -> None:
    for customer in many:
        customer.break_resource("storage")
    await days.play(4)

    assert count(days, MANY) == 1, days.story()[:5]
    assert count(days, NONCOMPLIANT) <= 25
    assert count(days, NONCOMPLIANT, "Resolved") == count(days, MANY, "Resolved") == 0
    assert sum(days.alerts.dropped.values()) == sum(days.mail.dropped.values()) == 0

    for customer in many:
        customer.repair("storage")
    await days.play(2)

    assert days.active() - {INTAKE} == set()
    assert count(days, MANY) == count(days, MANY, "Resolved") == 1


async def test_credentials_that_expired_are_one_alarm_for_everybody_and_close_nothing(
    days: Days, many: list[Customer]
) -> None:
    many[0].break_resource("storage")
    await days.play(2)
    assert days.active() - {INTAKE} == {NONCOMPLIANT}

    secrets = list(days.sandbox.entra_id.secrets)
    days.sandbox.entra_id.secrets.clear()
    await days.play(5)

    assert days.history(many[0], NONCOMPLIANT) == ["Fired"]
    assert count(days, MANY) == 1, days.story()[:9]
    assert count(days, UNREAD) <= 25
    assert sum(days.mail.dropped.values()) == 0

    days.sandbox.entra_id.secrets.extend(secrets)
    await days.play(2)

    assert days.active() - {INTAKE} == {NONCOMPLIANT}
    assert days.history(many[0], NONCOMPLIANT) == ["Fired"]
