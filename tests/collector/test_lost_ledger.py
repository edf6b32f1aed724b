"""A ledger that was deleted is no new installation: nothing is collected or concluded until somebody restores it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from azure.data.tables import TableClient, TableServiceClient

from collector import blueprint
from collector.run import failure_of
from publisher.resource_ids import ApplicationId, fold
from sandbox.faults.effects import Status
from sandbox.faults.operations import BlobRequest
from sandbox.world.customers import Customer
from tests.collector.conftest import RESULTS_TABLE, RUNS_TABLE, VERDICTS_TABLE, Fleet
from tests.collector.test_blueprint import Tick
from tests.collector.test_publication import publish
from verdicts.exports.loss import RowsLost
from verdicts.ledger import LEDGER_TABLE

WORDS = "rows of the ledger were lost"


def connection(fleet: Fleet) -> str:
    return fleet.sandbox.environment["AzureWebJobsStorage"]


def delete_ledger(fleet: Fleet) -> None:
    with TableServiceClient.from_connection_string(connection(fleet)) as service:
        service.delete_table(LEDGER_TABLE)


@pytest.fixture
async def exported(fleet: Fleet, environment: dict[str, str]) -> list[Customer]:
    """Two customers, the first with a violation, who were collected and exported."""
    assert environment
    customers = [fleet.sandbox.arm.add_customer(name) for name in ("Contoso", "Fabrikam")]
    for one in customers:
        await fleet.register(one, assignments=True)
    customers[0].break_resource("vault")
    await fleet.collect()
    await blueprint.export_registry_and_ledger(Tick())
    return customers


@pytest.fixture
async def lost(fleet: Fleet, exported: list[Customer]) -> list[Customer]:
    """Two customers, one with a violation, of whom somebody deleted the ledger after an export."""
    delete_ledger(fleet)
    fleet.sandbox.clock.advance(timedelta(hours=1))
    return exported


async def test_a_run_is_none_and_says_what_to_do(fleet: Fleet, lost: list[Customer]) -> None:
    rows = {table: fleet.rows(table) for table in (RUNS_TABLE, RESULTS_TABLE, VERDICTS_TABLE)}

    summary = await fleet.collect()

    assert not summary.completed
    failure = failure_of(summary)
    assert failure is not None
    assert WORDS in str(failure)
    assert "python -m operations restore" in str(failure)
    assert {table: fleet.rows(table) for table in rows} == rows
    with TableServiceClient.from_connection_string(connection(fleet)) as service:
        assert LEDGER_TABLE not in {table.name for table in service.list_tables()}, "nothing was learned from it"


async def test_the_publication_fails_too(fleet: Fleet, lost: list[Customer]) -> None:
    with pytest.raises(RowsLost, match=WORDS):
        await publish(fleet)


async def test_rows_that_somebody_wrote_meanwhile_do_not_make_it_whole(fleet: Fleet, lost: list[Customer]) -> None:
    """Such as a restore that broke off, or a baseline that an operator declares."""
    with TableClient.from_connection_string(connection(fleet), LEDGER_TABLE) as table:
        table.create_table()
        table.create_entity({"PartitionKey": "~control", "RowKey": "snooze-1"})

    assert WORDS in str((await fleet.collect()).error)


async def test_exports_that_cannot_be_read_are_not_missing_ones(fleet: Fleet, lost: list[Customer]) -> None:
    fleet.sandbox.faults.add(BlobRequest("GET", "exports"), Status(403))

    summary = await fleet.collect()

    assert summary.error is not None
    assert (summary.error.code, summary.completed) == ("AuthorizationFailure", False)


async def test_an_outage_of_the_exports_stops_nobody_whose_ledger_is_there(
    fleet: Fleet, environment: dict[str, str]
) -> None:
    assert environment
    await fleet.deploy("Contoso")
    await fleet.collect()
    await blueprint.export_registry_and_ledger(Tick())
    fault = fleet.sandbox.faults.add(BlobRequest(), Status(403))

    assert (await fleet.collect()).completed
    assert fault.seen == 0, "nobody asks for exports in a usual run"


async def test_a_new_installation_collects_before_and_after_its_first_export(
    fleet: Fleet, environment: dict[str, str]
) -> None:
    assert environment
    await blueprint.export_registry_and_ledger(Tick())
    await fleet.deploy("Contoso")

    assert (await fleet.collect()).completed


async def test_a_record_of_the_run_that_cannot_be_read_is_no_lost_ledger(
    fleet: Fleet, environment: dict[str, str]
) -> None:
    assert environment
    await fleet.deploy("Contoso")
    await fleet.collect()
    await blueprint.export_registry_and_ledger(Tick())
    with TableClient.from_connection_string(connection(fleet), LEDGER_TABLE) as table:
        table.upsert_entity({"PartitionKey": "~control", "RowKey": "latest-run", "document": b"?"})
    assert (await fleet.collect()).error is None

    with TableClient.from_connection_string(connection(fleet), LEDGER_TABLE) as table:
        table.delete_entity("~control", "latest-run")  # as `ledger repair` does
    assert (await fleet.collect()).completed, "every row besides is there"


async def test_chosen_applications_are_not_collected_either(fleet: Fleet, lost: list[Customer]) -> None:
    summary = await fleet.collect(only=lost[0].application_id)

    assert WORDS in str(summary.error)


@pytest.fixture
async def half_lost(fleet: Fleet, exported: list[Customer]) -> list[Customer]:
    """Two customers, one with a violation, whose row somebody deleted after an export."""
    identity = ApplicationId.parse(exported[0].application_id)
    with TableClient.from_connection_string(connection(fleet), LEDGER_TABLE) as table:
        table.delete_entity(identity.partition_key, identity.row_key)
    fleet.sandbox.clock.advance(timedelta(hours=1))
    return exported


async def test_one_row_that_was_lost_is_told_and_nothing_is_learned_in_its_place(
    fleet: Fleet, half_lost: list[Customer]
) -> None:
    contoso, fabrikam = half_lost
    newcomer = fleet.sandbox.arm.add_customer("Northwind")
    await fleet.register(newcomer, assignments=True)
    before = len(fleet.rows(VERDICTS_TABLE, Application_id=contoso.application_id, Verdict="NonCompliant"))
    contoso.repair("vault")

    summary = await fleet.collect()

    assert summary.completed
    assert (fleet.outcome(contoso), fleet.outcome(fabrikam), fleet.outcome(newcomer)) == (
        "Failed",
        "Succeeded",
        "Succeeded",
    )
    told = fleet.results[contoso.application_id]
    assert "the latest export has it" in str(told.error_message)
    known = {fold(one.application_id) for one in (fabrikam, newcomer)}
    assert set(await fleet.ledger()) == known, "nothing is written"
    verdicts = fleet.rows(VERDICTS_TABLE, Application_id=contoso.application_id)
    assert [row["Verdict"] for row in verdicts].count("NonCompliant") == before
    assert "NonCompliant" in {row["Verdict"] for row in fleet.verdicts(contoso).values()}, "nothing closed"


async def test_whether_a_row_was_lost_is_unknown_while_no_export_can_be_read_and_others_are_collected(
    fleet: Fleet, half_lost: list[Customer]
) -> None:
    contoso, fabrikam = half_lost
    fault = fleet.sandbox.faults.add(BlobRequest("GET", "exports"), Status(403))

    summary = await fleet.collect()

    assert summary.completed
    assert (fleet.outcome(contoso), fleet.outcome(fabrikam)) == ("Failed", "Succeeded")
    assert "cannot be told" in str(fleet.results[contoso.application_id].error_message)
    fleet.sandbox.faults.remove(fault)
