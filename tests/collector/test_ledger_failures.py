"""A ledger that cannot be read or written: the application has failed, and what stood before stands and is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.run import failure_of
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import read_rules
from sandbox.faults.effects import AnswerLost, Status
from sandbox.faults.operations import TableRequest, Upload
from sandbox.world.customers import Customer
from tests.collector.conftest import RESULTS_TABLE, RUNS_TABLE, VERDICTS_STREAM, VERDICTS_TABLE, Fleet
from verdicts.ledger import LEDGER_TABLE

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
    assert failure_of(summary, partial_run=False) is not None
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


async def test_a_ledger_row_that_cannot_be_read_does_not_keep_the_others_from_being_as_of_the_latest_run(
    fleet: Fleet,
) -> None:
    customer = await broken(fleet)
    bystander = fleet.sandbox.arm.add_customer("Fabrikam")
    await fleet.register(bystander, assignments=True)
    await fleet.collect()
    await fleet.spoil_ledger_row(customer)
    fleet.sandbox.clock.advance(HOUR)
    await fleet.collect()
    fleet.sandbox.clock.advance(HOUR)
    latest = await fleet.collect()
    bystander.revoke_access()
    fleet.sandbox.clock.advance(HOUR)

    await fleet.collect()

    assert (await fleet.facts(bystander)).last_read == latest.run.started_at


async def test_a_violation_that_nobody_remembers_is_one_alert_however_many_runs_read_it(fleet: Fleet) -> None:
    customer = await broken(fleet)
    customer.break_resource("web")
    await fleet.spoil_ledger_row(customer)
    (rule,) = [one for one in read_rules("PT1H") if one.name == "application-noncompliant"]
    alerts = AlertEvaluator([rule], fleet.sandbox.workspace)

    told = []
    for _ in range(3):
        await fleet.collect()
        told += [one for _ in range(4) for one in alerts.evaluate(fleet.sandbox.clock())]
        fleet.sandbox.clock.advance(HOUR)

    assert {one.condition for one in told} == {"Fired"}
    assert len({one.dimensions["Alarm_key"] for one in told}) == len(told) == 2


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
