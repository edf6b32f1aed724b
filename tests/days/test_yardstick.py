"""Nobody becomes compliant by moving the yardstick: the alarm stays, and the change of the guard is told."""

from __future__ import annotations

import pytest

from sandbox.world.customers import Customer
from tests.days.conftest import ASSIGNMENT, GUARD, NONCOMPLIANT, STORAGE_ALONE
from tests.days.days import Days

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

FOUR_DAYS = 96


async def assert_stays(days: Days, customer: Customer, *, told_by: str | None = GUARD) -> None:
    """The alert about violations outlives four days and Azure's two days of look-back."""
    await days.play(FOUR_DAYS)
    assert days.history(customer, NONCOMPLIANT) == ["Fired"], days.story()
    if told_by is not None:
        assert days.history(customer, told_by) == ["Fired"], days.story()
    assert days.active(days.customers[1]) == set(), days.story()


async def assert_repair_closes(days: Days, customer: Customer) -> None:
    """With the yardstick back in its place, the true repair closes everything."""
    customer.repair(STORAGE_ALONE, ASSIGNMENT)
    await days.play(30)
    assert days.history(customer, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    assert days.active() == set(), days.story()


async def test_deleting_the_assignment_closes_nothing_and_the_repair_under_a_new_one_does(
    days: Days, violating: Customer
) -> None:
    deleted = violating.unassign(ASSIGNMENT)
    await assert_stays(days, violating)

    violating.assign(deleted)
    await assert_repair_closes(days, violating)
