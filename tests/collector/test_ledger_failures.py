"""A ledger that cannot be read or written: the application has failed, and what stood before stands and is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.run import failure_of
from sandbox.faults.effects import AnswerLost, Status
from sandbox.faults.operations import TableRequest, Upload
from sandbox.world.customers import Customer
from tests.collector.conftest import RESULTS_TABLE, RUNS_TABLE, VERDICTS_STREAM, VERDICTS_TABLE, Fleet
from verdicts.ledger import LEDGER_TABLE, Ledger

HOUR = timedelta(hours=1)
VAULT = "baseline"


async def broken(fleet: Fleet) -> Customer:
    """A customer whose vault is a known violation, and was repaired since."""
    customer = fleet.sandbox.arm.add_customer("Contoso")
    await fleet.register(customer, assignments=True)
    customer.break_resource("vault")
    await fleet.collect()
    fleet.sandbox.clock.advance(HOUR)
    customer.repair()
    return customer


async def test_a_verdict_that_cannot_be_written_fails_and_what_stood_is_told_again(fleet: Fleet) -> None:
    customer = await broken(fleet)
    fault = fleet.sandbox.faults.add(TableRequest("PUT", LEDGER_TABLE), Status(403))

    summary = await fleet.collect()

    result = fleet.results[customer.application_id]
    assert (result.outcome.value, result.error_code) == ("Failed", "LedgerNotWritten")
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "NonCompliant"
    assert len(fleet.rows(VERDICTS_TABLE, Run_id=summary.run.run_id)) >= 1
    assert failure_of(summary) is not None
    assert summary.completed, "every application has its row"

    fleet.sandbox.faults.remove(fault)
    fleet.sandbox.clock.advance(HOUR)
    await fleet.collect()
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "Compliant"


async def test_an_answer_of_the_ledger_that_got_lost_changes_nothing(fleet: Fleet) -> None:
    customer = await broken(fleet)
    fleet.sandbox.faults.add(TableRequest("PUT", LEDGER_TABLE), AnswerLost(), times=1)

    summary = await fleet.collect()

    assert summary.ledger_failures == 0
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "Compliant"


async def test_a_ledger_that_cannot_be_listed_ends_the_run_without_a_run_row(fleet: Fleet) -> None:
    customer = await broken(fleet)
    fleet.sandbox.faults.add(TableRequest("GET", LEDGER_TABLE), Status(500))

    summary = await fleet.collect()

    assert summary.error is not None
    assert len(fleet.rows(RUNS_TABLE)) == 1
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "NonCompliant"


async def test_verdict_rows_that_are_refused_leave_the_run_incomplete(fleet: Fleet) -> None:
    customer = await broken(fleet)
    fault = fleet.sandbox.faults.add(Upload(VERDICTS_STREAM), Status(400))

    summary = await fleet.collect()
    assert not summary.completed
    fleet.sandbox.faults.remove(fault)
    fleet.sandbox.clock.advance(HOUR)
    await fleet.collect()

    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "Compliant", "the closing row comes with a later run"


@pytest.mark.parametrize("registered", [True, False], ids=["registered", "vanished"])
async def test_a_ledger_row_that_cannot_be_read_is_a_named_failure_and_is_not_touched(
    fleet: Fleet, registered: bool
) -> None:
    customer = await broken(fleet)
    customer.break_resource("web")
    await fleet.spoil_ledger_row(customer)
    if not registered:
        await fleet.forget_registration(customer)
    before = await fleet.ledger_row(customer)
    fleet.sandbox.requests.clear()

    summary = await fleet.collect()

    assert fleet.ledger_writes() == []
    assert await fleet.ledger_row(customer) == before
    (row,) = fleet.rows(RESULTS_TABLE, Run_id=summary.run.run_id)
    assert (row["Outcome"], row["Error_code"]) == ("Failed", "MalformedLedgerRow")
    assert row["Unread_alarm_key"]
    assert summary.ledger_failures == 1
    told = {row["Policy_assignment_name"] for row in fleet.rows(VERDICTS_TABLE, Run_id=summary.run.run_id)}
    assert told == ({"web-https"} if registered else set())


async def test_violations_of_an_unreadable_ledger_row_are_told_in_the_same_words_by_every_run(fleet: Fleet) -> None:
    customer = await broken(fleet)
    customer.break_resource("vault")
    await fleet.spoil_ledger_row(customer)

    words = []
    for _ in range(3):
        summary = await fleet.collect()
        (row,) = fleet.rows(VERDICTS_TABLE, Run_id=summary.run.run_id)
        words.append((row["Alarm_key"], row["Alarm_says"]))
        fleet.sandbox.clock.advance(HOUR)

    assert len(set(words)) == 1
    assert words[0][1].startswith("2 violations: ")


async def test_an_application_whose_row_others_keep_writing_fails_by_name_and_no_other_does(fleet: Fleet) -> None:
    customer = await broken(fleet)
    (bystander,) = await fleet.deploy("Fabrikam")
    lost_race = Status(412, code="UpdateConditionNotSatisfied")
    fault = fleet.sandbox.faults.add(TableRequest("PUT", LEDGER_TABLE), lost_race)

    summary = await fleet.collect()

    assert fault.played >= 2, "it was read and judged again"
    assert fleet.results[customer.application_id].error_code == "LedgerNotWritten"
    assert fleet.outcome(bystander) == "Succeeded"
    assert summary.ledger_failures == 1
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "NonCompliant"


async def test_a_row_that_others_wrote_once_is_read_and_judged_again(fleet: Fleet) -> None:
    customer = await broken(fleet)
    lost_race = Status(412, code="UpdateConditionNotSatisfied")
    fleet.sandbox.faults.add(TableRequest("PUT", LEDGER_TABLE), lost_race, times=1)

    summary = await fleet.collect()

    assert summary.ledger_failures == 0
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "Compliant"


@pytest.mark.parametrize("kind", ["declared-x", "snooze-x", "latest-run"])
async def test_a_control_row_that_cannot_be_read_fails_the_run_by_name_and_loses_nothing(
    fleet: Fleet, kind: str
) -> None:
    customer = await broken(fleet)
    await fleet.put_ledger_row("~control", kind, plan="Standard 1.0.0", document=b"cut")

    summary = await fleet.collect()

    assert summary.completed
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "Compliant"
    assert f"~control/{kind}" in str(failure_of(summary))
    assert fleet.outcome(customer) == "Succeeded"
    async with Ledger(fleet.settings) as ledger:
        control = await ledger.control()
    assert control.latest_run is not None
    assert control.latest_run.run_id == summary.run.run_id
    assert len(control.unreadable) == (kind != "latest-run"), "the record of the latest run is made again"


async def test_one_row_that_cannot_be_read_does_not_make_every_other_application_look_long_unread(
    fleet: Fleet,
) -> None:
    customer = await broken(fleet)
    (bystander,) = await fleet.deploy("Fabrikam")
    await fleet.collect()
    await fleet.spoil_ledger_row(customer)
    for _ in range(52):  # until what the first look at its assignments changed has been told for fifty hours
        fleet.sandbox.clock.advance(2 * HOUR)
        bystander.set_compliance("Compliant")
        latest = await fleet.collect()
    told = [
        row
        for row in fleet.rows(VERDICTS_TABLE, Application_id=bystander.application_id)
        if row["TimeGenerated"] > latest.run.started_at - 19 * HOUR
    ]
    assert len(told) <= len(bystander.assignments), "what stands still is told every twenty hours, not in every run"
    bystander.revoke_access()
    fleet.sandbox.clock.advance(2 * HOUR)

    await fleet.collect()

    assert latest.run.started_at - fleet.latest_result(bystander)["Last_read"] < HOUR


async def test_a_run_that_could_not_write_what_it_learned_is_not_the_latest_completed_one(fleet: Fleet) -> None:
    await broken(fleet)
    async with Ledger(fleet.settings) as ledger:
        before = (await ledger.control()).latest_run
        fleet.sandbox.faults.add(TableRequest("PUT", LEDGER_TABLE), Status(403), times=1)
        assert (await fleet.collect()).ledger_failures == 1
        assert (await ledger.control()).latest_run == before


@pytest.mark.parametrize("method", ["PUT", "POST"], ids=["known applications", "new applications"])
async def test_a_ledger_that_takes_no_writes_alarms_until_it_does(fleet: Fleet, method: str) -> None:
    customer = await broken(fleet)
    if method == "POST":
        await fleet.forget_ledger()
    fault = fleet.sandbox.faults.add(TableRequest(method, LEDGER_TABLE), Status(403))

    said = set()
    for hours in range(1, 7):
        fleet.sandbox.clock.advance(HOUR)
        assert (await fleet.collect()).completed
        result = fleet.latest_result(customer)
        if hours >= 4:
            said.add((result["Unread_alarm_cause"], result["Unread_alarm_says"]))
    assert len(said) == 1, "the words stay the same, so the alert does not fire anew"
    [(cause, says)] = said
    assert cause == "unread: Failed: LedgerNotWritten"
    assert "the ledger cannot be written" in says
    assert result["Customer_name"]

    fleet.sandbox.faults.remove(fault)
    fleet.sandbox.clock.advance(HOUR)
    await fleet.collect()
    assert fleet.latest_result(customer)["Unread_alarm_key"] == ""
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "Compliant"


async def test_a_single_run_that_could_not_write_alarms_nobody(fleet: Fleet) -> None:
    customer = await broken(fleet)
    fleet.sandbox.faults.add(TableRequest("PUT", LEDGER_TABLE), Status(403))
    await fleet.collect()
    assert fleet.latest_result(customer)["Unread_alarm_key"] == ""
