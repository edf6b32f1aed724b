"""The first hours of what the other files play for days: quick enough for every test run."""

from __future__ import annotations

from sandbox.world.customers import Customer
from tests.days.conftest import ASSIGNMENT, GUARD, NONCOMPLIANT, STORAGE_ALONE
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
    await days.play(3)

    assert days.active(violating) == {NONCOMPLIANT, GUARD}, days.story()
    assert days.history(violating, NONCOMPLIANT) == ["Fired"], days.story()
    assert days.active(days.customers[1]) == set(), days.story()
