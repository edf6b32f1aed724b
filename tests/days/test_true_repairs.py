"""What is truly repaired, gone, deleted or accepted closes its alarm within two evaluations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.world.customers import Customer
from tests.days.conftest import ASSIGNMENT, NONCOMPLIANT, STORAGE_ALONE
from tests.days.days import HOUR, Days

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

TWO_EVALUATIONS = timedelta(hours=1)
"""Of a rule that is evaluated every half hour; the run before them comes within an hour."""


async def assert_closes(days: Days, customer: Customer) -> None:
    """The alert about violations resolves by the second evaluation after the next run, and stays so for two days."""
    since = days.now - days.start
    await days.play(2)
    assert days.history(customer, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    [resolved] = [one for one in days.told if (one.rule, one.condition) == (NONCOMPLIANT, "Resolved")]
    assert resolved.after - since <= HOUR + TWO_EVALUATIONS
    await days.play(50)
    assert days.history(customer, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    assert days.active() == set(), days.story()


async def test_a_repaired_resource(days: Days, violating: Customer) -> None:
    violating.repair(STORAGE_ALONE, ASSIGNMENT)

    await assert_closes(days, violating)


async def test_a_deleted_resource(days: Days, violating: Customer) -> None:
    violating.remove_resource(STORAGE_ALONE)

    await assert_closes(days, violating)


async def test_an_application_that_azure_confirms_as_deleted(days: Days, violating: Customer) -> None:
    violating.delete()
    await days.notify(violating, "DELETE", "Deleted")

    await assert_closes(days, violating)


async def test_a_deletion_that_no_notification_told_of_closes_with_the_reconciliation(
    days: Days, violating: Customer
) -> None:
    violating.delete()
    await days.play(30)

    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    assert days.active() == set(), days.story()


async def test_a_violation_that_an_operator_accepts_until_the_acceptance_ends(days: Days, violating: Customer) -> None:
    await days.accept(violating, ASSIGNMENT, until=days.now + timedelta(days=2))
    await days.play(2)
    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()

    await days.play(50)

    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved", "Fired"], days.story()


async def test_a_new_violation_beside_an_accepted_one_fires(days: Days, violating: Customer) -> None:
    await days.accept(violating, ASSIGNMENT, until=days.now + timedelta(days=9))
    await days.play(2)

    violating.break_resource("storage2", ASSIGNMENT)
    await days.play(2)

    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved", "Fired"], days.story()


@pytest.mark.parametrize("hours", [3, 30])
async def test_what_was_repaired_fires_anew_when_it_is_broken_again(
    days: Days, violating: Customer, hours: int
) -> None:
    violating.repair(STORAGE_ALONE, ASSIGNMENT)
    await days.play(hours)
    violating.break_resource(STORAGE_ALONE, ASSIGNMENT)
    await days.play(2)

    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved", "Fired"], days.story()
