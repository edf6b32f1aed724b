"""What a run remembers and tells: violations stay open until somebody has read that they are repaired."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from collector.run import failure_of
from sandbox.faults.effects import Status
from sandbox.faults.operations import PolicyQuery, Upload
from sandbox.world.customers import Customer
from tests.collector.conftest import RESULTS_TABLE, RUNS_TABLE, STATES_STREAM, VERDICTS_TABLE, Fleet

HOUR = timedelta(hours=1)
VAULT = "baseline"
"""The assignment that judges the vault."""


async def broken(fleet: Fleet, name: str = "Contoso") -> Customer:
    """A customer whose vault is a known violation."""
    customer = fleet.sandbox.arm.add_customer(name)
    await fleet.register(customer, assignments=True)
    customer.break_resource("vault")
    await fleet.collect()
    fleet.sandbox.clock.advance(HOUR)
    return customer


async def test_a_violation_is_a_verdict_row_with_an_alarm_and_names_what_is_wrong(fleet: Fleet) -> None:
    customer = await broken(fleet)

    rows = fleet.verdicts(customer)

    assert {name: row["Verdict"] for name, row in rows.items()} == {
        "secure-transfer": "Compliant",
        "web-https": "Compliant",
        VAULT: "NonCompliant",
    }
    assert rows[VAULT]["Alarm_key"]
    assert "vault" in rows[VAULT]["Resources"]
    assert rows[VAULT]["Noncompliant_states"] == 2
    assert rows[VAULT]["Current"]
    assert rows["web-https"]["Alarm_key"] == ""
    (run,) = fleet.rows(RUNS_TABLE)
    assert (run["Open_alarms"], run["Named_alarms"], run["Verdict_rows"], run["Result_rows"]) == (1, 1, 3, 1)
    assert run["Due_by"] == run["TimeGenerated"] + timedelta(hours=3, minutes=30)


async def test_a_true_repair_closes_in_the_first_run_that_reads_it_and_says_so(fleet: Fleet) -> None:
    customer = await broken(fleet)
    customer.repair("vault")

    await fleet.collect()

    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Alarm_key"], row["Noncompliant_states"]) == ("Compliant", "", 0)
    assert fleet.rows(RUNS_TABLE)[-1]["Open_alarms"] == 0


@pytest.mark.parametrize("compliance_state", ["Unknown", "Error", "Conflict", "InventedTomorrow"])
async def test_a_violation_whose_state_no_longer_says_anything_is_held(fleet: Fleet, compliance_state: str) -> None:
    customer = await broken(fleet)
    customer.set_compliance(compliance_state, resource="vault")

    await fleet.collect()

    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Held_reason"]) == ("NonCompliant", "Undecided")


async def test_a_violation_whose_states_are_gone_is_held_while_its_resource_is_not_proven_gone(fleet: Fleet) -> None:
    customer = await broken(fleet)
    customer.remove_states(VAULT)

    await fleet.collect()

    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Held_reason"]) == ("NonCompliant", "NoStates")


async def test_a_deleted_assignment_takes_no_violation_with_it(fleet: Fleet) -> None:
    customer = await broken(fleet)
    fleet.sandbox.clock.advance(HOUR)
    await fleet.collect()
    customer.unassign(VAULT)

    for _ in range(4):
        fleet.sandbox.clock.advance(timedelta(hours=7))
        customer.set_compliance("Compliant")
        await fleet.collect()

    row = fleet.verdicts(customer)[VAULT]
    assert row["Verdict"] == "NonCompliant"
    assert row["Held_reason"]
    assert row["Guard"] != "Intact"


async def test_an_application_that_cannot_be_read_keeps_its_violations_for_days(fleet: Fleet) -> None:
    customer = await broken(fleet)
    alarm = fleet.verdicts(customer)[VAULT]["Alarm_key"]
    customer.revoke_access()

    for _ in range(6):
        fleet.sandbox.clock.advance(timedelta(hours=12))
        await fleet.collect()

    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Held_reason"], row["Alarm_key"]) == ("NonCompliant", "Unread", alarm)
    assert row["Unread_outcome"] == "AccessDenied"
    assert not row["Current"]
    result = fleet.latest_result(customer)
    assert (result["Failures_in_a_row"], bool(result["Unread_alarm_key"])) == (6, True)

    customer.grant_access()
    customer.repair()
    await fleet.collect()

    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "Compliant"
    assert fleet.latest_result(customer)["Unread_alarm_key"] == ""


async def test_states_that_were_not_stored_close_nothing(fleet: Fleet) -> None:
    customer = await broken(fleet)
    customer.repair()
    fleet.sandbox.faults.add(Upload(STATES_STREAM), Status(400))

    await fleet.collect()

    assert fleet.outcome(customer) == "UploadFailed"
    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Held_reason"], row["Unread_outcome"]) == ("NonCompliant", "Unread", "UploadFailed")


async def test_states_that_were_not_stored_open_nothing_either(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    customer.break_resource("vault")
    fleet.sandbox.faults.add(Upload(STATES_STREAM), Status(400))

    await fleet.collect()

    assert fleet.verdicts() == {}
    assert (await fleet.facts(customer)).unread is not None


async def test_a_read_that_broke_off_opens_what_it_saw_and_closes_nothing(fleet: Fleet) -> None:
    customer = await broken(fleet)
    customer.repair("vault")
    customer.break_resource("web")
    fleet.sandbox.arm.page_size = len(customer.owned_states()) - 1
    fleet.sandbox.faults.add(PolicyQuery(customer, page=2), Status(500))

    await fleet.collect()

    assert fleet.outcome(customer) == "Failed"
    rows = fleet.verdicts(customer)
    assert {name for name, row in rows.items() if row["Verdict"] == "NonCompliant"} == {VAULT, "web-https"}


async def test_a_fleet_that_stands_still_is_listed_and_not_written(fleet: Fleet) -> None:
    customers = await fleet.deploy(*(f"Customer {number}" for number in range(12)))
    customers[3].break_resource("vault")
    for _ in range(3):
        await fleet.collect()
        fleet.sandbox.clock.advance(HOUR)
    fleet.sandbox.requests.clear()
    due = await fleet.whose_turn_it_is()

    summary = await fleet.collect()

    assert summary.completed
    assert len(fleet.ledger_writes()) == len(due) < 12
    assert summary.open_alarms == 1


async def test_a_run_over_one_application_judges_it_and_counts_no_failure(fleet: Fleet) -> None:
    customer = await broken(fleet)
    customer.revoke_access()
    before = await fleet.facts(customer)

    for _ in range(3):
        fleet.sandbox.clock.advance(HOUR)
        await fleet.collect(only=customer.application_id)

    assert (await fleet.facts(customer)).unread == before.unread is None
    assert len(fleet.rows(RUNS_TABLE)) == 1

    customer.grant_access()
    customer.repair()
    await fleet.collect(only=customer.application_id)

    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "Compliant"


async def test_a_registry_row_that_cannot_be_collected_leaves_what_is_open(fleet: Fleet) -> None:
    customer = await broken(fleet)
    await fleet.spoil_registration(customer)

    await fleet.collect()

    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Held_reason"]) == ("NonCompliant", "Unread")


async def test_an_application_that_lost_its_row_has_vanished_and_keeps_its_violations(fleet: Fleet) -> None:
    customer = await broken(fleet)
    await fleet.forget_registration(customer)

    summary = await fleet.collect()

    result = fleet.latest_result(customer)
    assert (result["Outcome"], bool(result["Unread_alarm_key"])) == ("Vanished", True)
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "NonCompliant"
    assert (summary.applications, summary.failed) == (1, 1)
    assert failure_of(summary) is None, "the alert tells; the run itself did its work"


async def test_an_application_that_azure_confirms_as_deleted_has_left_and_is_forgotten_later(fleet: Fleet) -> None:
    customer = await broken(fleet)
    await fleet.remove_registration(customer)

    summary = await fleet.collect()

    assert fleet.latest_result(customer)["Outcome"] == "Left"
    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Alarm_key"]) == ("Left", "")
    assert (summary.applications, summary.left) == (0, 1)
    assert fleet.rows(RUNS_TABLE)[-1]["Left"] == 1

    fleet.sandbox.clock.advance(timedelta(hours=20))
    await fleet.collect()
    assert len(fleet.rows(VERDICTS_TABLE, Verdict="Left")) == 6, "closing rows are repeated"

    fleet.sandbox.clock.advance(timedelta(hours=60))
    summary = await fleet.collect()
    assert summary.left == 0
    assert await fleet.ledger() == {}


async def test_two_runs_at_once_agree_in_the_ledger_and_nobody_fails(fleet: Fleet) -> None:
    customers = await fleet.deploy(*(f"Customer {number}" for number in range(8)))
    for customer in customers:
        customer.break_resource("vault")

    summaries = await asyncio.gather(*(fleet.collect() for _ in range(3)))

    assert [summary.ledger_failures for summary in summaries] == [0, 0, 0]
    assert {len(one.assignments[key].open) for one in (await fleet.ledger()).values() for key in one.assignments} == {
        0,
        2,
    }
    assert {row["Outcome"] for row in fleet.rows(RESULTS_TABLE)} == {"Succeeded"}


async def test_an_assignment_that_only_protects_is_decided_and_never_told_as_undecided(fleet: Fleet) -> None:
    customer = fleet.sandbox.arm.add_customer("Contoso")
    await fleet.register(customer, assignments=True)
    customer.set_compliance("Protected", assignment=VAULT)

    for _ in range(4):
        fleet.sandbox.clock.advance(24 * HOUR)
        customer.age_states(timedelta())
        await fleet.collect()

    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Undecided_alarm_key"], row["Unknown_states"]) == ("Compliant", "", 0)
    assert row["Compliant_states"] == 0
    assert fleet.latest_result(customer)["Compliance"] == "Compliant"
