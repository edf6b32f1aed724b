"""The ledger's control rows in real table storage (Azurite): the latest run, declared baselines, snoozes, settings."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from publisher.table import Row, RowChanged
from registry.managed_application import ExpectedAssignment, Posture
from sandbox.faults.effects import Status
from sandbox.faults.operations import TableRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.verdicts.conftest import LedgerRows
from tests.verdicts.remembered import NOW
from verdicts.control import Control, RunRecord, Snooze
from verdicts.guard.declared import Declared
from verdicts.ledger import LEDGER_TABLE, Ledger
from verdicts.plan_settings import PlanSettings, Severity
from verdicts.stored.control_rows import (
    control_of,
    plan_settings_key,
    plan_settings_properties,
    unreadable_settings_of,
)

RUN = RunRecord("run", NOW, 3)
SNOOZE = Snooze("Standard", "1.0.0", NOW, "ada", "migration")
DECLARED = Declared(
    "contoso/offer/standard/1.0.0",
    {"baseline": ExpectedAssignment("baseline", "Baseline", "/d", "D", Posture(not_scopes=("/x",), disabled=()))},
    NOW,
    "ada",
    "release",
)

SETTINGS = PlanSettings(
    "Standard", Severity.LOW, {"tags": Severity.HIGH}, settled_at=NOW, person="ada", reason="agreed"
)


async def test_the_control_rows_are_one_query(sandbox: Sandbox, ledger: Ledger) -> None:
    await ledger.note_run(RUN)
    await ledger.declare(DECLARED)
    await ledger.snooze(SNOOZE)
    await ledger.settle(SETTINGS)
    sandbox.requests.clear()
    assert await ledger.control() == Control(RUN, {DECLARED.plan: DECLARED}, (SNOOZE,), {"standard": SETTINGS})
    assert len(sandbox.requests.of(Service.TABLES)) == 1


async def test_the_newest_run_wins(ledger: Ledger) -> None:
    later = RunRecord("later", NOW + timedelta(hours=1), 0)
    for record in (RUN, later, RUN):
        await ledger.note_run(record)
    assert (await ledger.control()).latest_run == later


async def test_of_many_runs_that_end_at_once_the_newest_wins(ledger: Ledger) -> None:
    await ledger.note_run(RUN)
    records = [RunRecord(f"run {n}", NOW + timedelta(minutes=n), n) for n in range(4)]
    await asyncio.gather(*(ledger.note_run(one) for one in records))
    assert (await ledger.control()).latest_run == records[-1]


async def test_a_snooze_takes_the_place_of_an_earlier_one_until_it_is_ended(ledger: Ledger) -> None:
    for until in (NOW, NOW + timedelta(days=1)):
        await ledger.snooze(replace(SNOOZE, until=until))
    await ledger.snooze(replace(SNOOZE, plan_name="STANDARD"))  # letter case does not matter
    assert (await ledger.control()).snoozes == (replace(SNOOZE, plan_name="STANDARD"),)
    assert await ledger.end_snooze("standard", "1.0.0")
    assert not await ledger.end_snooze("standard", "1.0.0")
    assert (await ledger.control()).snoozes == ()


async def test_settings_take_the_place_of_earlier_ones_until_they_are_ended(ledger: Ledger) -> None:
    for severity in Severity:
        await ledger.settle(
            replace(SETTINGS, severity=severity, plan_name="STANDARD" if severity is Severity.LOW else "Standard")
        )
    assert [one.severity for one in (await ledger.control()).plans.values()] == [Severity.LOW]
    assert await ledger.end_settings("standard")
    assert not await ledger.end_settings("standard")
    assert (await ledger.control()).plans == {}


async def test_settings_that_cannot_be_read_are_named(ledger: Ledger, ledger_rows: LedgerRows) -> None:
    await ledger.settle(SETTINGS)
    [row] = await ledger_rows.rows()
    await ledger_rows.client.upsert_entity(row | {"document": b"cut"}, mode="replace")
    control = await ledger.control()
    assert control.plans == {}
    assert "settings of Standard cannot be read" in str(control.unreadable[0])


async def test_a_control_row_that_others_keep_writing_is_never_lost_in_silence(
    sandbox: Sandbox, ledger: Ledger
) -> None:
    await ledger.declare(DECLARED)
    await ledger.snooze(SNOOZE)
    await ledger.note_run(RUN)
    sandbox.faults.add(TableRequest("PUT", LEDGER_TABLE), Status(412, code="UpdateConditionNotSatisfied"))
    writes: list[Callable[[], Any]] = [
        lambda: ledger.declare(DECLARED),
        lambda: ledger.snooze(SNOOZE),
        lambda: ledger.note_run(RunRecord("later", NOW + timedelta(hours=1), 0)),
    ]
    for write in writes:
        with pytest.raises(RowChanged):
            await write()


@pytest.mark.parametrize("document", [None, "text", b"cut"])
async def test_a_control_row_that_cannot_be_read_is_named_and_hides_no_other(
    ledger: Ledger, ledger_rows: LedgerRows, document: Any
) -> None:
    await ledger.snooze(SNOOZE)
    [row] = await ledger_rows.rows()
    await ledger_rows.client.upsert_entity(
        {name: value for name, value in (row | {"document": document}).items() if value is not None}, mode="replace"
    )
    await ledger.note_run(RUN)
    await ledger.declare(DECLARED)
    control = await ledger.control()
    assert replace(control, unreadable=()) == Control(RUN, {DECLARED.plan: DECLARED})
    [unreadable] = control.unreadable
    assert "snooze of Standard 1.0.0 cannot be read" in str(unreadable)
    assert f'--row "~control/{row["RowKey"]}"' in str(unreadable)


async def test_a_record_of_a_run_that_cannot_be_read_is_replaced(ledger: Ledger, ledger_rows: LedgerRows) -> None:
    await ledger_rows.put("~control", "latest-run", document=b"cut")
    await ledger.note_run(RUN)
    assert (await ledger.control()).latest_run == RUN


# Settings of plans, and the checks in them

CHECKED = replace(SETTINGS, checks={"route-past-firewall": {"firewall_addresses": ("10.0.0.4",)}})


def settings_row(plan_name: str, **changed: Any) -> Row:
    properties = plan_settings_properties(replace(CHECKED, plan_name=plan_name))
    return Row("~control", plan_settings_key(plan_name), "", properties | changed)


def test_checks_are_read_as_they_were_settled() -> None:
    assert control_of([settings_row("Standard")]).plans == {"standard": CHECKED}


def test_settings_that_a_version_without_checks_wrote_switch_on_none() -> None:
    document = orjson.loads(zlib.decompress(settings_row("Standard").properties["document"]))
    assert document.pop() == {"route-past-firewall": {"firewall_addresses": ["10.0.0.4"]}}
    row = settings_row("Standard", document=zlib.compress(orjson.dumps(document)))
    assert control_of([row]).plans == {"standard": SETTINGS}


@pytest.mark.parametrize(
    ("rows", "is_known"),
    [
        ([], True),
        ([settings_row("Standard")], True),
        ([settings_row("standard", document=b"x")], False),
        ([settings_row("standard", document=b"x"), settings_row("")], False),
        ([settings_row("", document=b"x")], False),
        ([settings_row("", document=b"x"), settings_row("Standard")], True),
        ([settings_row("other", document=b"x")], True),
    ],
)
def test_settings_that_cannot_be_read_are_those_of_their_plan(rows: list[Row], is_known: bool) -> None:
    assert (unreadable_settings_of(control_of(rows), "STANDARD") is None) == is_known
