"""What the ledger has of applications, in real table storage (Azurite)."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from publisher.errors.kinds import AccessDenied, NotFound, RequestRefused
from publisher.resource_ids import ApplicationId
from publisher.retry import Patience
from publisher.settings import ReconcileSettings
from publisher.table import KeyRange, RowChanged
from sandbox.faults.effects import AnswerLost, Dropped, Effect, Status
from sandbox.faults.operations import TableRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.verdicts.conftest import LedgerRows
from tests.verdicts.remembered import NOW, SUBSCRIPTION, assignment, identity, remembered
from verdicts.control import Control, RunRecord
from verdicts.facts import MOST_OPEN_KEYS, ApplicationFacts, OpenKey, StateKey
from verdicts.ledger import LEDGER_TABLE, Entry, Ledger, UnreadableEntry
from verdicts.stored.application_rows import properties_of

FACTS = remembered(assignment("baseline", "one", "two"))
OTHER = "bbbbbb00-0000-4000-8000-00000000000b"


async def entries(ledger: Ledger, within: KeyRange | None = None) -> list[Entry | UnreadableEntry]:
    return [one async for one in (ledger.entries(within) if within else ledger.entries())]


async def names(ledger: Ledger, within: KeyRange | None = None) -> list[str]:
    found = await entries(ledger, within)
    return [one.facts.application_name for one in found if isinstance(one, Entry)]


async def found(ledger: Ledger, facts: ApplicationFacts = FACTS) -> Entry:
    entry = await ledger.find(ApplicationId.parse(facts.application_id))
    assert isinstance(entry, Entry)
    return entry


async def test_a_table_that_does_not_exist_is_an_empty_ledger(ledger: Ledger) -> None:
    assert await entries(ledger) == []
    assert await ledger.find(identity()) is None
    assert await ledger.control() == Control()


@pytest.mark.parametrize(
    ("effect", "kind"), [(Status(403), AccessDenied), (Status(404, code="ResourceNotFound"), NotFound)]
)
async def test_a_ledger_that_cannot_be_read_is_never_an_empty_one(
    sandbox: Sandbox, settings: ReconcileSettings, effect: Effect, kind: type[Exception]
) -> None:
    async with Ledger(settings, patience=Patience(1)) as ledger:
        await ledger.write(FACTS, replacing=None)
        sandbox.faults.add(TableRequest("GET", LEDGER_TABLE), effect)
        with pytest.raises(kind):
            await entries(ledger)


async def test_what_was_written_is_found_and_listed(ledger: Ledger) -> None:
    written = await ledger.write(FACTS, replacing=None)
    assert written.facts == FACTS
    assert await found(ledger) == written
    assert await entries(ledger) == [written]


async def test_a_row_as_large_as_they_get_is_stored(ledger: Ledger) -> None:
    def resource(number: int) -> str:
        return hashlib.shake_256(str(number).encode()).hexdigest(80)

    keys = tuple(OpenKey(StateKey("", "/d", resource(number)), NOW) for number in range(MOST_OPEN_KEYS))
    written = await ledger.write(remembered(assignment(open=keys)), replacing=None)
    (one,) = written.facts.assignments.values()
    assert one.overflow
    assert written.row.properties["size"] > 700_000
    assert await found(ledger) == written


async def test_a_text_that_cannot_be_stored_as_it_is_is_told_as_it_is_stored(ledger: Ledger) -> None:
    written = await ledger.write(replace(FACTS, customer_name="Conto\udcffso"), replacing=None)
    assert written.facts.customer_name == "Conto?so"
    assert await found(ledger) == written


async def test_facts_that_cannot_be_stored_are_refused_before_they_are_written(ledger: Ledger) -> None:
    before = await ledger.write(FACTS, replacing=None)
    for facts in (
        replace(FACTS, customer_name=hashlib.shake_256(b"x").hexdigest(2_000_000)),
        replace(FACTS, applied_at=NOW.replace(year=9999)),
    ):
        with pytest.raises(RequestRefused, match="ledger table"):
            await ledger.write(facts, replacing=before)
    assert await found(ledger) == before


async def test_of_two_writers_one_is_told_that_the_row_changed(ledger: Ledger) -> None:
    first = await ledger.write(FACTS, replacing=None)
    with pytest.raises(RowChanged):
        await ledger.write(FACTS, replacing=None)
    second = await ledger.write(replace(FACTS, applied_run="second"), replacing=first)
    with pytest.raises(RowChanged):
        await ledger.write(replace(FACTS, applied_run="late"), replacing=first)
    assert await found(ledger) == second


async def test_of_many_writers_at_once_one_wins(ledger: Ledger) -> None:
    before = await ledger.write(FACTS, replacing=None)
    answers = await asyncio.gather(
        *(ledger.write(replace(FACTS, applied_run=f"run {number}"), replacing=before) for number in range(8)),
        return_exceptions=True,
    )
    (won,) = (one for one in answers if isinstance(one, Entry))
    assert [type(one) for one in answers if one is not won] == [RowChanged] * 7
    assert await found(ledger) == won


async def test_what_was_just_written_can_be_written_again(ledger: Ledger) -> None:
    entry = await ledger.write(FACTS, replacing=None)
    for run in ("second", "third"):
        entry = await ledger.write(replace(FACTS, applied_run=run), replacing=entry)
    assert (await found(ledger)).facts.applied_run == "third"


async def test_a_row_whose_version_nobody_knows_is_not_replaced(ledger: Ledger) -> None:
    entry = await ledger.write(FACTS, replacing=None)
    unknown = replace(entry, row=replace(entry.row, etag=""))
    with pytest.raises(RowChanged):
        await ledger.write(FACTS, replacing=unknown)
    with pytest.raises(RowChanged):
        await ledger.forget(unknown)


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_write_that_did_not_arrive_is_repeated(sandbox: Sandbox, ledger: Ledger, method: str) -> None:
    before = await ledger.write(FACTS, replacing=None) if method == "PUT" else None
    sandbox.faults.add(TableRequest(method, LEDGER_TABLE), Dropped(), times=1)
    assert await ledger.write(FACTS, replacing=before) == await found(ledger)


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_write_whose_answer_was_lost_is_read_again(sandbox: Sandbox, ledger: Ledger, method: str) -> None:
    before = await ledger.write(remembered(name="first"), replacing=None)
    if method == "PUT":
        before = await ledger.write(FACTS, replacing=None)
    sandbox.faults.add(TableRequest(method, LEDGER_TABLE), AnswerLost(), times=1)
    with pytest.raises(RowChanged):
        await ledger.write(replace(FACTS, applied_run="new"), replacing=before if method == "PUT" else None)
    assert (await found(ledger)).facts.applied_run == "new"


async def test_what_is_forgotten_is_gone_and_may_be_gone_already(ledger: Ledger) -> None:
    entry = await ledger.write(FACTS, replacing=None)
    await ledger.forget(entry)
    await ledger.forget(entry)
    assert await entries(ledger) == []


async def test_what_others_wrote_meanwhile_is_not_forgotten(ledger: Ledger) -> None:
    stale = await ledger.write(FACTS, replacing=None)
    fresh = await ledger.write(replace(FACTS, applied_run="again"), replacing=stale)
    with pytest.raises(RowChanged):
        await ledger.forget(stale)
    assert await found(ledger) == fresh


async def test_a_range_has_its_partitions_and_never_the_control_rows(ledger: Ledger) -> None:
    for name, subscription in (("a1", SUBSCRIPTION), ("a2", SUBSCRIPTION), ("b", OTHER)):
        await ledger.write(remembered(name=name, subscription=subscription), replacing=None)
    await ledger.note_run(RunRecord("run", NOW, 3))
    assert await names(ledger) == ["a1", "a2", "b"]
    assert await names(ledger, KeyRange("", OTHER)) == ["a1", "a2"]
    assert await names(ledger, KeyRange(OTHER)) == ["b"]
    assert await names(ledger, KeyRange("c")) == []


async def test_a_thousand_applications_are_one_call(sandbox: Sandbox, ledger: Ledger, ledger_rows: LedgerRows) -> None:
    for partition in range(4):
        subscription = f"{partition:08}-0000-4000-8000-000000000000"
        facts = [remembered(assignment(), name=f"app-{n:03}", subscription=subscription) for n in range(500)]
        rows = {identity(one.application_name).row_key: properties_of(one) for one in facts}
        await ledger_rows.put_all(subscription, rows)
    sandbox.requests.clear()
    assert len(await names(ledger)) == 2000
    calls = sandbox.requests.of(Service.TABLES, path_part=LEDGER_TABLE)
    assert len(calls) <= 3  # the last page of Azurite's can be an empty one
    assert {(call.method, call.query["$top"]) for call in calls} == {("GET", "1000")}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"form": 7}, "this version reads form 1"),
        ({"facts_00": None}, "its columns have 0 bytes"),
        ({"facts_00": b"cut"}, "its columns have 3 bytes"),
        ({"facts_00": "text"}, "is not binary"),
        ({"size": 1}, "should have '1'"),
        ({"facts_07": b"more"}, "facts_01 is missing"),
        (properties_of(remembered(name="other")), "another application than its keys"),
        (properties_of(replace(FACTS, application_id="nobody")), "another application than its keys"),
    ],
)
async def test_a_row_that_cannot_be_read_is_a_failure_of_its_application(
    ledger: Ledger, ledger_rows: LedgerRows, properties: dict[str, Any], reason: str
) -> None:
    for name in ("app", "sound"):
        await ledger.write(remembered(assignment("a", "one"), name=name), replacing=None)
    await ledger_rows.damage(FACTS, **properties)
    unreadable, sound = await entries(ledger)
    assert isinstance(unreadable, UnreadableEntry)
    assert reason in unreadable.reason
    assert ApplicationId.parse(unreadable.application_id) == identity()
    assert isinstance(sound, Entry)
    again = await ledger.find(identity())
    assert again == unreadable


@pytest.mark.parametrize("named", [None, "nonsense", 7, str(identity("other"))])
async def test_the_keys_of_an_unreadable_row_name_its_application(
    ledger: Ledger, ledger_rows: LedgerRows, named: Any
) -> None:
    await ledger.write(FACTS, replacing=None)
    await ledger_rows.damage(FACTS, form=2, application_id=named)
    (unreadable,) = await entries(ledger)
    assert isinstance(unreadable, UnreadableEntry)
    assert ApplicationId.parse(unreadable.application_id) == identity()


@pytest.mark.parametrize(
    ("partition", "row"), [(SUBSCRIPTION.upper(), "|rg|app"), (SUBSCRIPTION, "app"), ("x", "|rg|app")]
)
async def test_a_row_under_keys_of_no_application_is_named_by_its_keys(
    ledger: Ledger, ledger_rows: LedgerRows, partition: str, row: str
) -> None:
    await ledger_rows.put(partition, row, **properties_of(FACTS))
    (unreadable,) = await entries(ledger)
    assert isinstance(unreadable, UnreadableEntry)
    assert unreadable.application_id == f"{partition}/{row}"


async def test_an_unreadable_row_is_replaced_only_as_it_was_read(ledger: Ledger, ledger_rows: LedgerRows) -> None:
    await ledger.write(FACTS, replacing=None)
    await ledger_rows.damage(FACTS, form=2)
    unreadable = await ledger.find(identity())
    assert isinstance(unreadable, UnreadableEntry)
    await ledger_rows.damage(FACTS, form=3)
    with pytest.raises(RowChanged):
        await ledger.write(FACTS, replacing=unreadable)
    with pytest.raises(RowChanged):
        await ledger.forget(unreadable)
