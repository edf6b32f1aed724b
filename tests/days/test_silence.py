"""No silence closes an alarm: not of the customer, not of Azure, not of a table, and not our own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.workspace.arrival import Delay, Dropped, RandomDelay
from sandbox.world.customers import Access, Customer
from tests.days.conftest import ASSIGNMENT, ENDING, NONCOMPLIANT, SILENT, STORAGE_ALONE, UNDECIDED, UNREAD
from tests.days.days import Days

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

STATES, RESULTS, RUNS, VERDICTS = (
    "PolicyComplianceStates_CL",
    "PolicyCollectionResults_CL",
    "PolicyCollectionRuns_CL",
    "PolicyVerdicts_CL",
)
THREE_DAYS = 72


def assert_open(days: Days, customer: Customer) -> None:
    """The alert about violations has fired once and never been resolved, and nobody else is bothered."""
    assert days.history(customer, NONCOMPLIANT) == ["Fired"], days.story()
    assert days.active(days.customers[1]) == set(), days.story()


async def assert_repair_closes(days: Days, customer: Customer) -> None:
    """The true repair closes everything within two evaluations of the next run."""
    customer.repair(STORAGE_ALONE, ASSIGNMENT)
    await days.play(2)
    assert days.history(customer, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    await days.play(4)
    assert days.active() == set(), days.story()


async def test_a_customer_who_cannot_be_read_for_three_days_keeps_the_alarm_and_gets_another(
    days: Days, violating: Customer
) -> None:
    violating.revoke_access()
    await days.play(2)
    assert days.active(violating) == {NONCOMPLIANT, UNREAD}, days.story()
    await days.play(THREE_DAYS)

    assert_open(days, violating)
    assert days.history(violating, UNREAD) == ["Fired"], days.story()

    violating.grant_access()
    await assert_repair_closes(days, violating)
    assert days.history(violating, UNREAD) == ["Fired", "Resolved"], days.story()


async def test_a_repair_while_nobody_could_read_closes_when_somebody_can(days: Days, violating: Customer) -> None:
    violating.revoke_access(Access.STATES)
    await days.play(5)
    violating.repair(STORAGE_ALONE, ASSIGNMENT)
    await days.play(THREE_DAYS)
    assert_open(days, violating)

    violating.grant_access()
    await days.play(2)
    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()


@pytest.mark.parametrize("state", ["Unknown", "Conflict", "Error", "AStateOfTomorrow"])
async def test_a_state_that_decides_nothing_keeps_the_alarm_and_is_told_after_two_days(
    days: Days, violating: Customer, state: str
) -> None:
    violating.set_compliance(state, assignment=ASSIGNMENT)
    await days.play(THREE_DAYS)

    assert_open(days, violating)
    await assert_repair_of_all_closes(days, violating)


async def assert_repair_of_all_closes(days: Days, customer: Customer) -> None:
    customer.repair(assignment=ASSIGNMENT)
    await days.play(6)
    assert days.history(customer, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    assert days.active() == set(), days.story()


async def test_an_assignment_without_violations_that_is_no_longer_decided_is_told_after_two_days(days: Days) -> None:
    contoso, _ = days.customers
    await days.play(2)
    contoso.set_compliance("Unknown", assignment=ASSIGNMENT)
    await days.play(40)
    assert days.told == []
    await days.play(12)

    assert days.history(contoso, UNDECIDED) == ["Fired"], days.story()


@pytest.mark.parametrize("assignment", [ASSIGNMENT, None])
async def test_states_that_azure_no_longer_lists_keep_the_alarm(
    days: Days, violating: Customer, assignment: str | None
) -> None:
    kept = violating.owned_states()
    violating.remove_states(assignment)
    await days.play(THREE_DAYS)
    assert_open(days, violating)

    with violating.states.lock:
        violating.states.documents[:] = kept
    violating.age_states(timedelta())
    await assert_repair_closes(days, violating)


@pytest.mark.parametrize("table", [STATES, RESULTS, RUNS])
async def test_rows_that_are_dropped_after_they_were_accepted_close_nothing(
    days: Days, violating: Customer, table: str
) -> None:
    days.sandbox.workspace.arrival = Dropped(table)
    await days.play(THREE_DAYS)

    assert_open(days, violating)


async def test_a_closing_that_is_lost_is_told_again(days: Days, violating: Customer) -> None:
    days.sandbox.workspace.arrival = Dropped(VERDICTS)
    violating.repair(STORAGE_ALONE, ASSIGNMENT)
    await days.play(5)
    days.sandbox.workspace.arrival = Delay(timedelta(), VERDICTS)
    await days.play(2)

    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    await days.play(50)
    assert days.active() == set(), days.story()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_tables_that_are_up_to_an_hour_late_and_in_any_order_change_nothing_but_the_time(
    days: Days, violating: Customer, seed: int
) -> None:
    days.sandbox.workspace.arrival = RandomDelay(seed)
    await days.play(30)
    assert_open(days, violating)
    assert days.active() == {NONCOMPLIANT}, days.story()

    violating.repair(STORAGE_ALONE, ASSIGNMENT)
    await days.play(30)

    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    assert days.active() == set(), days.story()


async def test_a_dead_app_is_told_within_hours_and_its_open_alarms_come_back_with_it(
    days: Days, violating: Customer
) -> None:
    days.collects = days.publishes = days.reconciles = days.exports = False
    await days.play(6)
    assert days.active() == {NONCOMPLIANT, SILENT}, days.story()
    [silent] = [one for one in days.told if one.rule == SILENT]
    assert silent.value == 1, "one alarm is open"
    await days.play(6)
    [ending] = [one for one in days.told if one.rule == ENDING]
    assert ending.value == 1, days.story()
    assert datetime.fromisoformat(ending.dimensions[1]).replace(tzinfo=UTC) > days.now + timedelta(days=1)
    await days.play(THREE_DAYS)
    assert SILENT in days.active(), days.story()

    days.collects = days.publishes = days.reconciles = days.exports = True
    await days.play(2)

    assert days.active() == {NONCOMPLIANT}, days.story()
    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved", "Fired"], "Azure's two days ended it"


async def test_a_dead_collection_is_told_and_what_is_open_is_published_from_the_ledger(
    days: Days, violating: Customer
) -> None:
    days.collects = False
    await days.play(5 * 24)

    assert_open(days, violating)
    assert SILENT in days.active(), days.story()
    assert [one.condition for one in days.told if one.rule == SILENT] == ["Fired"], days.story()

    days.collects = True
    await assert_repair_closes(days, violating)


async def test_a_registry_row_that_vanishes_closes_nothing_and_the_reconciliation_brings_it_back(
    days: Days, violating: Customer
) -> None:
    days.reconciles = False
    days.lose_registry_row(violating)
    await days.play(THREE_DAYS)
    assert_open(days, violating)
    assert days.history(violating, UNREAD) == ["Fired"], days.story()

    days.reconciles = True
    await days.play(26)

    assert_open(days, violating)
    assert days.active(violating) == {NONCOMPLIANT}, days.story()
    await assert_repair_closes(days, violating)


async def test_a_customer_who_gets_another_name_does_not_fire_again(days: Days, violating: Customer) -> None:
    days.name(violating, "Contoso Limited")
    await days.play(THREE_DAYS)

    assert len([one for one in days.told if one.rule == NONCOMPLIANT]) == 1, days.story()
    assert days.active() == {NONCOMPLIANT}, days.story()


async def test_a_forged_deletion_ends_nothing(days: Days, violating: Customer) -> None:
    await days.notify(violating, "DELETE", "Deleting")
    await days.notify(violating, "DELETE", "Deleted")
    await days.play(THREE_DAYS)

    assert_open(days, violating)
    assert days.active(violating) == {NONCOMPLIANT}, days.story()


async def test_a_forged_deletion_of_an_application_that_cannot_be_read_leaves_an_alarm(
    days: Days, violating: Customer
) -> None:
    violating.revoke_access()
    await days.play(1)
    await days.notify(violating, "DELETE", "Deleted")
    await days.play(THREE_DAYS)

    assert days.active(violating) != set(), days.story()

    violating.grant_access()
    await days.play(26)
    assert NONCOMPLIANT in days.active(violating), days.story()


async def test_a_whole_quiet_week_tells_nobody_anything(days: Days) -> None:
    await days.play(7 * 24)

    assert days.told == []
    assert days.alerts.health_events == []
