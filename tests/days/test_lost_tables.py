"""Registry and ledger are deleted: nothing closes by that, somebody is told, and a restore brings everything back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from azure.data.tables import TableServiceClient

from publisher.resource_ids import ApplicationId
from sandbox.world.customers import Customer
from tests.days.conftest import ASSIGNMENT, ENDING, GUARD, NONCOMPLIANT, NOT_EXPORTED, SILENT, STORAGE_ALONE, UNREAD
from tests.days.days import Days
from tests.operations.ledger_facts import LedgerNow
from verdicts.facts import ApplicationFacts

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

REGISTRY, LEDGER = "applications", "verdicts"
A_DAY = 25
"""Hours after which the day's export has what was there before."""

RESTORE = ("restore", "--reason", "deleted by mistake")
COLLECTIONS = "PolicyCollectionRuns_CL | summarize count()"


async def facts_of(days: Days, customer: Customer) -> ApplicationFacts:
    return await asyncio.to_thread(LedgerNow(days.sandbox.environment).facts, customer)


def remembered(facts: ApplicationFacts) -> dict[str, object]:
    """By assignment: what is open and since when, what is accepted, the baseline, and the alarms in all their words."""
    return {
        key: (
            [(one.key, one.opened_at, one.suspended, one.acceptance) for one in found.open],
            (found.guard.baseline, found.guard.state),
            sorted((alarm.key, alarm.says, alarm.opened_at) for alarm in found.alarms.values()),
        )
        for key, found in facts.assignments.items()
    }


def runs(days: Days) -> int:
    [row] = days.sandbox.workspace.query(COLLECTIONS)
    return int(row["count_"])


async def make_a_fleet(days: Days) -> tuple[Customer, Customer, Customer]:
    """Somebody whose violation is accepted, somebody with an exemption, and somebody who has left."""
    accepted = days.customers[1]
    exempted, gone = await days.deploy("Northwind", "Tailspin")
    accepted.break_resource(STORAGE_ALONE, ASSIGNMENT)
    exempted.break_resource(STORAGE_ALONE, ASSIGNMENT)
    await days.play(2, closely=False)
    exempted.exempt(ASSIGNMENT)
    gone.delete()
    await days.notify(gone, "DELETE", "Deleted")
    await days.accept(accepted, ASSIGNMENT, until=days.now + timedelta(days=30))
    await days.play(2 * A_DAY)  # the exemption is noticed within the first
    return accepted, exempted, gone


async def test_both_tables_are_deleted_and_restored_and_every_alarm_is_as_it_was(
    days: Days, violating: Customer
) -> None:
    accepted, exempted, gone = await make_a_fleet(days)
    everybody = (violating, accepted, exempted)
    before = {one.name: remembered(await facts_of(days, one)) for one in everybody}
    told, active = list(days.told), days.active()
    days.delete_tables(REGISTRY, LEDGER)
    completed = runs(days)

    await days.play(5)
    assert runs(days) == completed, "no run tells that nobody is there"
    assert days.active() == active | {SILENT}, days.story()
    assert [one for one in days.told if one not in told] == [one for one in days.told if one.rule == SILENT]

    assert await days.operate("restore") == 1, "a dry run tells what is missing"
    await days.play(1)
    assert runs(days) == completed, "and changes nothing"

    assert await days.operate(*RESTORE, "--yes") == 0
    await days.play(3)

    assert runs(days) > completed
    assert days.active() == active, days.story()
    assert [one for one in days.told if one not in told and one.rule != SILENT] == [], "nothing closed, nothing anew"
    for one in everybody:
        assert remembered(await facts_of(days, one)) == before[one.name]
    with days.registry() as table:
        tombstones = [row["application_id"] for row in table.query_entities("status eq 'deleted'")]
    assert tombstones == [gone.application_id]

    violating.repair(STORAGE_ALONE, ASSIGNMENT)
    await days.play(2)
    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()


async def test_deleting_the_ledger_does_not_move_the_yardstick(days: Days, violating: Customer) -> None:
    await days.play(A_DAY, closely=False)
    days.delete_tables(LEDGER)
    violating.change_assignment(ASSIGNMENT, enforcementMode="DoNotEnforce")
    await days.play(5)
    assert days.active() == {NONCOMPLIANT, SILENT}, days.story()

    assert await days.operate(*RESTORE, "--yes") == 0
    await days.play(A_DAY)

    assert days.history(violating, GUARD) == ["Fired"], days.story()
    assert days.history(violating, NONCOMPLIANT) == ["Fired"], days.story()


async def test_tables_that_a_deployment_made_again_are_no_fleet_without_customers(
    days: Days, violating: Customer
) -> None:
    await days.play(A_DAY, closely=False)
    days.delete_tables(REGISTRY, LEDGER)
    with TableServiceClient.from_connection_string(days.sandbox.environment["AzureWebJobsStorage"]) as service:
        for name in (REGISTRY, LEDGER):
            service.create_table(name)
    await days.play(30)

    assert days.active() == {NONCOMPLIANT, SILENT, ENDING, NOT_EXPORTED}, days.story()
    [not_exported] = [one for one in days.told if one.rule == NOT_EXPORTED]
    assert not_exported.dimensions == ("RowsLost",)
    assert days.history(violating, NONCOMPLIANT) == ["Fired"], days.story()

    assert await days.operate(*RESTORE, "--yes") == 0
    await days.play(3)
    assert days.active() == {NONCOMPLIANT}, days.story()


async def test_a_registry_that_a_notification_made_again_leaves_everybody_else_vanished(
    days: Days, violating: Customer
) -> None:
    await days.play(A_DAY, closely=False)
    days.reconciles = False
    days.delete_tables(REGISTRY)
    await days.deploy("Northwind")
    await days.play(3)
    assert days.active(violating) == {NONCOMPLIANT, UNREAD}, days.story()
    assert UNREAD in days.active(days.customers[1]), days.story()

    assert await days.operate(*RESTORE, "--table", REGISTRY, "--yes") == 0
    await days.play(3)

    assert days.active() == {NONCOMPLIANT}, days.story()
    assert days.history(violating, NONCOMPLIANT) == ["Fired"], days.story()


async def test_what_opened_after_the_export_opens_again_with_another_since(days: Days, violating: Customer) -> None:
    await days.play(A_DAY, closely=False)
    fabrikam = days.customers[1]
    fabrikam.break_resource(STORAGE_ALONE, ASSIGNMENT)
    days.exports = False
    await days.play(3)
    assert days.history(fabrikam, NONCOMPLIANT) == ["Fired"], days.story()
    days.delete_tables(REGISTRY, LEDGER)

    assert await days.operate(*RESTORE, "--yes") == 0
    await days.play(3)

    assert days.history(violating, NONCOMPLIANT) == ["Fired"], days.story()
    assert NONCOMPLIANT in days.active(fabrikam), days.story()
    assert days.history(fabrikam, NONCOMPLIANT).count("Fired") == 2, days.story()


async def test_whoever_left_after_the_export_leaves_again_with_the_reconciliation(
    days: Days, violating: Customer
) -> None:
    await days.play(A_DAY, closely=False)
    days.exports = False
    violating.delete()
    await days.notify(violating, "DELETE", "Deleted")
    await days.play(2)
    assert days.history(violating, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    days.delete_tables(REGISTRY, LEDGER)

    assert await days.operate(*RESTORE, "--yes") == 0
    await days.play(26)

    assert days.active() == set(), days.story()


async def test_who_begins_anew_is_collected_again_and_everything_violated_opens(
    days: Days, violating: Customer
) -> None:
    await days.play(A_DAY, closely=False)
    days.delete_tables(REGISTRY, LEDGER)
    await days.play(1)
    assert await days.operate("restore", "--begin-anew", "--reason", "the exports are gone too", "--yes") == 0
    for customer in days.customers:
        await days.notify(customer, "PATCH", "Succeeded")

    await days.play(3)

    assert NONCOMPLIANT in days.active(violating), days.story()
    assert SILENT not in days.active(), days.story()


def lose_ledger_row(days: Days, customer: Customer) -> None:
    identity = ApplicationId.parse(customer.application_id)
    with TableServiceClient.from_connection_string(days.sandbox.environment["AzureWebJobsStorage"]) as service:
        service.get_table_client(LEDGER).delete_entity(identity.partition_key, identity.row_key)


async def test_one_row_that_the_ledger_lost_moves_no_yardstick_and_is_told(days: Days, violating: Customer) -> None:
    await days.play(A_DAY, closely=False)
    before = remembered(await facts_of(days, violating))
    lose_ledger_row(days, violating)
    violating.change_assignment(ASSIGNMENT, enforcementMode="DoNotEnforce")
    [newcomer] = await days.deploy("Northwind")
    await days.play(A_DAY, closely=False)

    assert days.active(violating) == {NONCOMPLIANT, UNREAD}, days.story()
    assert NOT_EXPORTED in days.active(), "the next export has not what is left for all there is"
    assert days.active(newcomer) == set(), "who is new is judged"

    assert await days.operate(*RESTORE, "--yes") == 0
    assert remembered(await facts_of(days, violating)) == before
    await days.play(A_DAY)
    assert days.active() == {NONCOMPLIANT, GUARD}, days.story()


async def test_who_gives_a_lost_row_up_begins_afresh(days: Days, violating: Customer) -> None:
    await days.play(A_DAY, closely=False)
    lose_ledger_row(days, violating)
    await days.play(2)
    assert UNREAD in days.active(violating), days.story()

    why = ("--reason", "there is no way to restore it", "--yes")
    assert await days.operate("ledger", "repair", violating.application_id, *why) == 0
    await days.play(A_DAY)

    assert days.active() == {NONCOMPLIANT}, days.story()


async def test_somebody_whom_both_tables_lost_is_missed_although_a_newcomer_makes_up_the_number(
    days: Days, violating: Customer
) -> None:
    await days.play(A_DAY, closely=False)
    lose_ledger_row(days, violating)
    days.lose_registry_row(violating)
    await days.deploy("Northwind", "Tailspin")
    await days.play(A_DAY, closely=False)
    assert NOT_EXPORTED in days.active(), days.story()

    await days.notify(violating, "PATCH", "Succeeded")
    await days.play(2)
    assert days.active(violating) == {NONCOMPLIANT, UNREAD}, "found again, it is not taken for a new one"
