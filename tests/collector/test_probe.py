"""The probe brings a collection forward, and does nothing else."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collector import probe
from collector.probe import Probed, bring_forward
from sandbox.faults.effects import Dropped, Edited, Status
from sandbox.faults.operations import GraphQuery, PolicyQuery, TableRequest, Upload
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.collector.conftest import RESULTS_STREAM, RUNS_TABLE, VERDICTS_TABLE, Fleet
from verdicts.alarms import NAMED_BY_CAUSE
from verdicts.ledger import LEDGER_TABLE

pytestmark = pytest.mark.usefixtures("deployed")

MINUTES = timedelta(minutes=1)


@pytest.fixture
async def deployed(fleet: Fleet) -> list[Customer]:
    """Contoso and Fabrikam, both collected an hour ago."""
    customers = await fleet.deploy("Contoso", "Fabrikam")
    await fleet.collect()
    fleet.sandbox.clock.advance(timedelta(hours=1))
    fleet.sandbox.clear_counts()
    return customers


@pytest.fixture
def contoso(deployed: list[Customer]) -> Customer:
    return deployed[0]


async def probed_once(fleet: Fleet, *, probes_in_an_interval: int = 1, **settings: Any) -> Probed:
    async def instantly(seconds: float) -> None:
        fleet.waits.append(seconds)
        await asyncio.sleep(0)

    fleet.sandbox.clock.advance(5 * MINUTES)
    return await bring_forward(
        replace(fleet.settings, **settings),
        probes_in_an_interval=probes_in_an_interval,
        time_limit=timedelta(minutes=1),
        sleep=instantly,
        clock=fleet.sandbox.clock,
    )


def read_groups(fleet: Fleet) -> list[str]:
    """The managed resource groups whose policy states were read, one for each page."""
    found = fleet.sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="policyStates")
    return [request.path.split("/")[4] for request in found]


async def ledger_rows(fleet: Fleet) -> list[dict[str, Any]]:
    """Everything in the ledger's table, the control rows and the ETags included."""
    async with fleet.tables() as tables:
        rows = [row async for row in tables.get_table_client(LEDGER_TABLE).list_entities()]
    return [dict(row) | {"etag": row.metadata["etag"]} for row in rows]


async def test_who_has_other_counts_is_collected_at_once_and_nobody_else(fleet: Fleet, contoso: Customer) -> None:
    contoso.break_resource("storage1", "secure-transfer")

    done = await probed_once(fleet)

    assert (done.compared, done.collected, done.postponed, done.failure) == (2, 1, 0, None)
    assert set(read_groups(fleet)) == {contoso.managed_resource_group}
    assert fleet.verdicts(contoso)["secure-transfer"]["Verdict"] == "NonCompliant"
    facts = await fleet.facts(contoso)
    assert facts.probed == f"1/{len(contoso.owned_states()) - 1}/0"
    assert facts.last_read is not None
    assert fleet.sandbox.clock() - facts.last_read < MINUTES
    assert len(fleet.rows(RUNS_TABLE)) == 1  # a partial run writes no run row


async def test_a_repair_comes_through_as_fast(fleet: Fleet, contoso: Customer) -> None:
    contoso.break_resource("storage1", "secure-transfer")
    await probed_once(fleet)
    contoso.repair("storage1")
    assert (await probed_once(fleet)).collected == 1
    contoso.break_resource("storage1", "secure-transfer")
    assert (await probed_once(fleet)).collected == 1
    assert (await probed_once(fleet)).collected == 0


async def test_a_violation_that_comes_again_comes_through_although_the_collection_saw_its_repair(
    fleet: Fleet, contoso: Customer
) -> None:
    contoso.break_resource("storage1", "secure-transfer")
    assert (await probed_once(fleet)).collected == 1
    contoso.repair("storage1")
    await fleet.collect()
    contoso.break_resource("storage1", "secure-transfer")
    assert (await probed_once(fleet)).collected == 1
    assert fleet.verdicts(contoso)["secure-transfer"]["Verdict"] == "NonCompliant"


async def test_probes_share_the_alarms_of_their_own_that_one_run_may_open(
    fleet: Fleet, deployed: list[Customer]
) -> None:
    """One event at both: with as many probes as alarms, one is told by its name and the other by the cause."""
    for customer in deployed:
        customer.break_resource("storage1", "secure-transfer")

    assert (await probed_once(fleet, probes_in_an_interval=NAMED_BY_CAUSE)).collected == 2

    alarms = [
        alarm
        for customer in deployed
        for assignment in (await fleet.facts(customer)).assignments.values()
        for alarm in assignment.alarms.values()
    ]
    assert sorted(bool(alarm.cause) for alarm in alarms) == [False, True]


async def test_without_a_difference_nothing_is_read_and_nothing_written(fleet: Fleet) -> None:
    before = await ledger_rows(fleet)
    done = await probed_once(fleet)
    assert (done.queries, done.compared, done.collected, done.untold) == (1, 2, 0, 0)
    assert read_groups(fleet) == []
    assert await ledger_rows(fleet) == before
    assert fleet.sandbox.requests.of(Service.LOGS_INGESTION) == []


async def test_a_difference_that_stays_brings_one_read_forward(fleet: Fleet, contoso: Customer) -> None:
    contoso.break_resource("storage1", "secure-transfer")
    fleet.sandbox.graph.fall_behind()
    contoso.repair("storage1")
    verdicts_before = await fleet.facts(contoso)

    assert [(await probed_once(fleet)).collected for _ in range(3)] == [1, 0, 0]

    facts = await fleet.facts(contoso)
    assert replace(
        facts, probed="", last_read=None, states=None, applied_at=facts.changed_at, applied_run=""
    ) == replace(verdicts_before, last_read=None, states=None, applied_at=facts.changed_at, applied_run="")
    await fleet.collect()
    assert (await probed_once(fleet)).collected == 0


@pytest.mark.parametrize("how", ["hidden", "behind", "revoked", "no-rows", "odd-rows", "strange"])
async def test_silence_of_any_kind_changes_nothing_in_the_ledger(
    fleet: Fleet, deployed: list[Customer], how: str, caplog: pytest.LogCaptureFixture
) -> None:
    contoso, fabrikam = deployed
    graph, before = fleet.sandbox.graph, await ledger_rows(fleet)
    if how == "behind":
        graph.fall_behind()
    contoso.break_resource("storage1", "secure-transfer")
    if how == "hidden":
        graph.hide(lambda owner, _: owner is contoso)
    elif how == "revoked":
        contoso.revoke_access()
        fabrikam.hide()
    elif how == "no-rows":
        fleet.sandbox.faults.add(GraphQuery(), Edited(lambda answer: answer.update(data=[])))
    elif how == "odd-rows":
        fleet.sandbox.faults.add(GraphQuery(), Edited(_spoil))
    elif how == "strange":
        fleet.sandbox.faults.add(GraphQuery(), Edited(_rename))

    done = await probed_once(fleet)

    assert done.collected == 0
    assert read_groups(fleet) == []
    assert await ledger_rows(fleet) == before
    assert ("rows that make no sense" in caplog.text) is (how == "odd-rows")


def _spoil(answer: dict[str, Any]) -> None:
    for row in answer["data"]:
        row["noncompliant"] = "many"


def _rename(answer: dict[str, Any]) -> None:
    for row in answer["data"]:
        row["id"] += "-2"


async def test_a_group_of_which_a_part_is_told_is_read_once_and_stays_as_it_is(fleet: Fleet, contoso: Customer) -> None:
    """Rows that are missing without a word look like a change: the read that they bring forward finds none."""
    contoso.break_resource("storage1", "secure-transfer")
    await fleet.collect()
    fleet.sandbox.graph.hide(lambda owner, state: owner is contoso and state["complianceState"] == "NonCompliant")

    assert [(await probed_once(fleet)).collected for _ in range(2)] == [1, 0]

    assert fleet.verdicts(contoso)["secure-transfer"]["Verdict"] == "NonCompliant"
    (open_key,) = [key for one in (await fleet.facts(contoso)).assignments.values() for key in one.open]
    assert open_key.repaired_since is None


async def test_a_query_that_fails_is_told_and_keeps_no_other_from_being_asked(
    fleet: Fleet, deployed: list[Customer], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("collector.probing.MOST_SUBSCRIPTIONS", 1)
    for customer in deployed:
        customer.break_resource("storage1", "secure-transfer")
    fleet.sandbox.faults.add(GraphQuery(), Status(403), times=1)

    with caplog.at_level(logging.WARNING):
        done = await probed_once(fleet)

    assert (done.queries, done.collected) == (2, 1)
    assert "Azure Resource Graph: AuthorizationFailed" in str(done.failure)
    assert "could not be asked about 1 applications" in caplog.text
    assert len(set(read_groups(fleet))) == 1


async def test_when_nothing_can_be_asked_the_ledger_stays_and_no_row_tells_of_customers(
    fleet: Fleet, contoso: Customer
) -> None:
    contoso.break_resource("storage1", "secure-transfer")
    before = await ledger_rows(fleet)
    fleet.sandbox.faults.add(GraphQuery(), Status(429, retry_after=2))

    done = await probed_once(fleet)

    assert "RateLimiting" in str(done.failure)
    assert await ledger_rows(fleet) == before
    assert fleet.sandbox.requests.of(Service.LOGS_INGESTION) == []
    assert max(fleet.waits) >= 2


async def test_a_ledger_that_cannot_be_read_fails_the_probe_and_brings_nobody_forward(fleet: Fleet) -> None:
    fleet.sandbox.faults.add(TableRequest("GET", LEDGER_TABLE), Dropped())
    done = await probed_once(fleet)
    assert "the registry and the ledger could not be read completely" in str(done.failure)
    assert done.collected == 0


async def test_at_most_a_number_of_applications_is_collected_and_the_others_at_the_next_probe(
    fleet: Fleet, deployed: list[Customer], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(probe, "MOST_AT_ONCE", 1)
    for customer in deployed:
        customer.break_resource("storage1", "secure-transfer")

    first = await probed_once(fleet)

    assert (first.collected, first.postponed, first.failure) == (1, 1, None)
    assert "1 more applications are due, at the next probe" in caplog.text
    second = await probed_once(fleet)
    assert (second.collected, second.postponed) == (1, 0)
    assert set(read_groups(fleet)) == {one.managed_resource_group for one in deployed}


async def test_counts_that_change_with_every_probe_keep_nobody_else_waiting(
    fleet: Fleet, deployed: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the two the tables have first."""
    monkeypatch.setattr(probe, "MOST_AT_ONCE", 1)
    for restless, other in (deployed, deployed[::-1]):
        for _ in range(2):
            restless.break_resource("storage1", "secure-transfer")
            await probed_once(fleet)
            restless.repair("storage1")
            await probed_once(fleet)
        restless.break_resource("storage2", "secure-transfer")
        other.break_resource("storage1", "secure-transfer")

        assert (await probed_once(fleet)).postponed == 1

        assert fleet.verdicts(other)["secure-transfer"]["Verdict"] == "NonCompliant"
        other.repair("storage1")
        restless.repair("storage2")
        for _ in range(3):
            await probed_once(fleet)


async def test_a_read_for_which_no_time_was_left_is_due_at_the_next_probe(fleet: Fleet, contoso: Customer) -> None:
    contoso.break_resource("storage1", "secure-transfer")
    before = await fleet.facts(contoso)

    fleet.sandbox.faults.add(PolicyQuery(contoso), Status(429, retry_after=600))

    assert "1 of 1 applications failed (1 Throttled)" in str((await probed_once(fleet)).failure)

    assert await fleet.facts(contoso) == before
    fleet.sandbox.faults.clear()
    assert (await probed_once(fleet)).collected == 1
    assert fleet.verdicts(contoso)["secure-transfer"]["Verdict"] == "NonCompliant"


async def test_a_read_that_fails_is_told_leaves_the_verdict_alone_and_is_not_brought_forward_again(
    fleet: Fleet, contoso: Customer
) -> None:
    contoso.break_resource("storage1", "secure-transfer")
    before = await fleet.facts(contoso)
    fleet.sandbox.faults.add(PolicyQuery(contoso), Status(500))

    done = await probed_once(fleet)

    assert "1 of 1 applications failed" in str(done.failure)
    facts = await fleet.facts(contoso)
    assert (facts.assignments, facts.unread, facts.last_read) == (before.assignments, None, before.last_read)
    assert facts.probed
    fleet.sandbox.faults.clear()
    assert (await probed_once(fleet)).collected == 0
    await fleet.collect()
    assert fleet.verdicts(contoso)["secure-transfer"]["Verdict"] == "NonCompliant"


async def test_rows_that_are_not_stored_fail_the_probe(fleet: Fleet, contoso: Customer) -> None:
    contoso.break_resource("storage1", "secure-transfer")
    fleet.sandbox.faults.add(Upload(RESULTS_STREAM), Status(403))
    done = await probed_once(fleet)
    assert (done.collected, str(done.failure)) == (1, "1 rows were not stored")
    assert "NonCompliant" in {row["Verdict"] for row in fleet.rows(VERDICTS_TABLE)}


async def test_who_was_removed_never_read_or_cannot_be_read_is_not_asked_for(
    fleet: Fleet, deployed: list[Customer]
) -> None:
    contoso, fabrikam = deployed
    contoso.revoke_access()
    await fleet.collect()
    contoso.grant_access()
    await fleet.remove_registration(fabrikam)
    await fleet.register(fleet.sandbox.arm.add_customer("Adventure Works"))

    done = await probed_once(fleet)

    assert (done.queries, done.compared, done.untold, done.collected) == (0, 0, 0, 0)


async def test_a_fanned_out_fleet_is_probed_in_the_same_way(fleet: Fleet, contoso: Customer) -> None:
    contoso.break_resource("storage1", "secure-transfer")
    assert (await probed_once(fleet, mode="fan-out")).collected == 1


async def test_an_empty_registry_asks_nothing(fleet: Fleet, deployed: list[Customer]) -> None:
    for customer in deployed:
        await fleet.remove_registration(customer)
    assert (await probed_once(fleet)).queries == 0
