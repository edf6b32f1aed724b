"""The first hours of what the other files play for days: quick enough for every test run."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from sandbox.world.customers import Customer
from tests.days.conftest import ASSIGNMENT, GUARD, NONCOMPLIANT, NOTICED, STORAGE_ALONE, UNREAD
from tests.days.days import Days


async def test_a_repair_closes_the_alarm_by_the_third_evaluation_after_the_next_run(
    days: Days, violating: Customer
) -> None:
    violating.repair(STORAGE_ALONE, ASSIGNMENT)
    await days.play(0.5)
    assert days.history(violating, NONCOMPLIANT) == ["Fired"], "two healthy evaluations do not resolve"
    await days.play(0.5)

    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    assert days.active() == set(), days.story()


async def test_a_deleted_assignment_is_told_with_the_next_run_and_its_alarm_stays(
    days: Days, violating: Customer
) -> None:
    violating.unassign(ASSIGNMENT)
    await days.play(2)

    assert_open(days, violating, beside={GUARD})


async def test_states_that_azure_no_longer_lists_close_nothing(days: Days, violating: Customer) -> None:
    violating.remove_states(ASSIGNMENT)
    await days.play(2)
    violating.remove_states(None)
    await days.play(2)

    assert_open(days, violating)


async def test_a_customer_who_can_no_longer_be_read_gets_another_alarm_which_ends_with_the_next_read(
    days: Days, violating: Customer
) -> None:
    violating.revoke_access()
    await days.play(2)
    assert_open(days, violating, beside={UNREAD})

    violating.grant_access()
    await days.play(1)
    assert_open(days, violating)


async def test_a_registry_row_that_vanishes_closes_nothing_and_the_daily_job_brings_it_back(
    days: Days, violating: Customer
) -> None:
    days.lose_registry_row(violating)
    await days.play(2)
    assert_open(days, violating, beside={UNREAD})

    await days.reconcile()
    await days.play(1)
    assert_open(days, violating)


async def test_an_exemption_closes_nothing_and_is_told_once_it_is_read(days: Days, violating: Customer) -> None:
    violating.exempt(ASSIGNMENT)
    await days.play(1)
    assert_open(days, violating)

    await days.reconcile()
    await days.play(2)
    assert_open(days, violating, beside={NOTICED})


def assert_open(days: Days, customer: Customer, *, beside: AbstractSet[str] = frozenset()) -> None:
    """The alert about violations has fired once and never been resolved; nobody else is bothered."""
    assert days.history(customer, NONCOMPLIANT) == ["Fired"], days.story()
    assert days.active(customer) == {NONCOMPLIANT, *beside}, days.story()
    assert days.active(days.customers[1]) == set(), days.story()
