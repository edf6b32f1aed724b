"""Nobody becomes compliant by moving the yardstick: the alarm stays, and the change of the guard is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.world.customers import Access, Customer
from tests.days.conftest import ASSIGNMENT, GUARD, NONCOMPLIANT, NOTICED, STORAGE_ALONE
from tests.days.days import Days

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

FOUR_DAYS = 96


def storage_of(customer: Customer) -> str:
    return next(one.id(customer.managed_resource_group_id) for one in customer.resources if one.name == STORAGE_ALONE)


def lose_states(customer: Customer) -> None:
    """Azure reports the violating resource no more."""
    with customer.states.lock:
        customer.states.documents[:] = [
            state
            for state in customer.states.documents
            if not (
                state["policyAssignmentName"] == ASSIGNMENT
                and str(state["resourceId"]).lower() == storage_of(customer).lower()
            )
        ]


def leave_out(customer: Customer) -> None:
    customer.change_assignment(ASSIGNMENT, notScopes=[storage_of(customer)])
    lose_states(customer)


def select_elsewhere(customer: Customer) -> None:
    selectors = [{"name": "elsewhere", "selectors": [{"kind": "resourceLocation", "in": ["brazilsouth"]}]}]
    customer.change_assignment(ASSIGNMENT, resourceSelectors=selectors)
    lose_states(customer)


def override_the_effect(customer: Customer) -> None:
    customer.change_assignment(ASSIGNMENT, overrides=[{"kind": "policyEffect", "value": "Disabled"}])
    customer.set_compliance("Compliant", assignment=ASSIGNMENT)


def not_enforce(customer: Customer) -> None:
    customer.change_assignment(ASSIGNMENT, enforcementMode="DoNotEnforce")


def ask_for_something_else(customer: Customer) -> None:
    customer.change_assignment(ASSIGNMENT, parameters={"strictness": {"value": "none"}})
    customer.set_compliance("Compliant", assignment=ASSIGNMENT)


def disable(customer: Customer) -> None:
    customer.disable(ASSIGNMENT)


WEAKENINGS = [disable, override_the_effect, leave_out, select_elsewhere, not_enforce, ask_for_something_else]


async def assert_repair_closes(days: Days, customer: Customer) -> None:
    """With the yardstick back in its place the violation is still there, and its true repair closes everything."""
    customer.break_resource(STORAGE_ALONE, ASSIGNMENT)
    await days.play(3)
    assert days.history(customer, NONCOMPLIANT) == ["Fired"], days.story()

    customer.repair(STORAGE_ALONE, ASSIGNMENT)
    await days.play(2)

    assert days.history(customer, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    await days.play(8)
    assert days.active() == set(), days.story()


async def test_deleting_the_assignment_closes_nothing_and_is_told(days: Days, violating: Customer) -> None:
    deleted = violating.unassign(ASSIGNMENT)
    await days.play(2)
    assert days.history(violating, GUARD) == ["Fired"], days.story()
    await days.play(FOUR_DAYS)

    assert days.history(violating, NONCOMPLIANT) == ["Fired"], days.story()
    assert days.history(violating, GUARD) == ["Fired"], days.story()
    assert days.active(days.customers[1]) == set(), days.story()

    violating.assign(deleted)
    await assert_repair_closes(days, violating)
    assert days.history(violating, GUARD) == ["Fired", "Resolved"], days.story()


@pytest.mark.parametrize("weaken", WEAKENINGS)
async def test_changing_what_the_assignment_judges_closes_nothing_and_is_told(
    days: Days, violating: Customer, weaken: Callable[[Customer], None]
) -> None:
    before = violating.assignments
    weaken(violating)
    await days.play(30)
    assert days.history(violating, GUARD) == ["Fired"], days.story()
    await days.play(FOUR_DAYS - 30)

    assert days.history(violating, NONCOMPLIANT) == ["Fired"], days.story()
    assert days.history(violating, GUARD) == ["Fired"], days.story()
    assert days.active(days.customers[1]) == set(), days.story()

    violating.assignments = before
    violating.remove_states(ASSIGNMENT)
    violating.assign(violating.unassign(ASSIGNMENT))
    await assert_repair_closes(days, violating)


async def test_an_exemption_closes_nothing_and_is_told(days: Days, violating: Customer) -> None:
    violating.exempt(ASSIGNMENT, by="somebody@contoso.example")
    await days.play(30)
    assert days.history(violating, NOTICED) == ["Fired"], days.story()
    assert any("somebody@contoso.example" in text for one in days.told for text in one.dimensions), days.story()
    await days.play(FOUR_DAYS - 30)
    assert days.history(violating, NONCOMPLIANT) == ["Fired"], days.story()
    assert days.history(violating, GUARD) == [], days.story()

    violating.end_exemption()
    violating.set_compliance("Compliant", assignment=ASSIGNMENT)
    violating.break_resource(STORAGE_ALONE, ASSIGNMENT)
    await days.play(30)
    assert days.active(violating) == {NONCOMPLIANT}, days.story()

    violating.repair(STORAGE_ALONE, ASSIGNMENT)
    await days.play(2)
    assert days.active() == set(), days.story()


async def test_deleting_the_assignment_and_our_right_to_see_it_closes_nothing_and_is_told_after_two_days(
    days: Days, violating: Customer
) -> None:
    violating.unassign(ASSIGNMENT)
    violating.revoke_access(Access.ASSIGNMENTS)
    await days.play(FOUR_DAYS)

    assert days.history(violating, NONCOMPLIANT) == ["Fired"], days.story()
    assert days.history(violating, NOTICED) == ["Fired"] * 3, "none of three assignments can be compared"


async def test_losing_the_right_to_see_assignments_without_any_other_sign_is_told_after_two_days(days: Days) -> None:
    contoso, _ = days.customers
    await days.play(2)
    contoso.revoke_access(Access.ASSIGNMENTS)
    await days.play(53)
    assert days.history(contoso, NOTICED) == ["Fired"] * 3, days.story()

    contoso.grant_access()
    await days.play(8)
    assert days.active() == set(), days.story()


async def test_an_assignment_that_is_there_again_resolves_its_alarm_with_the_next_run(days: Days) -> None:
    contoso, _ = days.customers
    await days.play(5)
    deleted = contoso.unassign(ASSIGNMENT)
    await days.play(8)
    assert days.active(contoso) == {GUARD}, days.story()

    contoso.assign(deleted)
    await days.play(1)
    assert days.active() == set(), days.story()


@pytest.mark.parametrize("weaken", [disable, not_enforce])
async def test_a_guard_that_is_changed_where_nothing_is_wrong_is_told_within_a_day(
    days: Days, weaken: Callable[[Customer], None]
) -> None:
    contoso, _ = days.customers
    await days.play(2)
    weaken(contoso)
    await days.play(27)

    assert days.history(contoso, GUARD) == ["Fired"], days.story()
    assert days.active(contoso) == {GUARD}, days.story()


async def test_an_operator_can_accept_a_changed_guard_and_the_violation_stays(days: Days, violating: Customer) -> None:
    violating.change_assignment(ASSIGNMENT, enforcementMode="DoNotEnforce")
    await days.play(30)
    assert days.active(violating) == {NONCOMPLIANT, GUARD}, days.story()

    violating.break_resource(STORAGE_ALONE, ASSIGNMENT)
    await days.accept(violating, ASSIGNMENT, until=days.now + timedelta(days=30))
    violating.break_resource("storage2", ASSIGNMENT)
    await days.play(30)

    assert days.active(violating) == {NONCOMPLIANT}, days.story()
    assert days.history(violating, GUARD) == ["Fired", "Resolved"], days.story()
