"""``restore``: what was deleted comes back as it was, and nothing else is touched."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from azure.data.tables import UpdateMode

from publisher.resource_ids import ApplicationId
from sandbox.faults.effects import Status
from sandbox.faults.operations import TableRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli, Done, listed
from tests.operations.restoring.conftest import LEDGER, PENDING, REGISTRY, TODAY, Export, Storage

WHY = ("--reason", "deleted by mistake")
ACT = (*WHY, "--yes")


def of(done: Done, kind: str) -> dict[str, Any]:
    [found] = [one for one in done.document["tables"] if one["kind"] == kind]
    assert isinstance(found, dict)
    return found


def keys_of(customer: Customer) -> dict[str, str]:
    identity = ApplicationId.parse(customer.application_id)
    return {"PartitionKey": identity.partition_key, "RowKey": identity.row_key}


def change(storage: Storage, table: str, customer: Customer, **properties: Any) -> None:
    storage.tables.get_table_client(table).update_entity(keys_of(customer) | properties, mode=UpdateMode.MERGE)


def restored_events(sandbox: Sandbox) -> list[tuple[str, str]]:
    rows = sandbox.workspace.query("ManagedApplicationEvents_CL | where Registry_action == 'Restored'")
    return [(row["Person"], row["Reason"]) for row in rows]


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(
    cli: Cli, sandbox: Sandbox, exported: list[Customer], storage: Storage
) -> None:
    storage.delete(LEDGER)
    contoso = exported[0]
    change(storage, REGISTRY, contoso, customer_name="Contoso Limited")
    newcomer = sandbox.arm.add_customer("Newcomer")
    assert cli("add", newcomer.application_id).status == 0
    before = storage.rows(REGISTRY)

    for arguments in ((), WHY, ("--dry-run", *ACT), ("--overwrite",)):
        done = cli("restore", "--json", *arguments)
        assert (done.status, done.document["acted"], done.document["export"]) == (1, False, TODAY)
        registry, ledger = of(done, REGISTRY), of(done, LEDGER)
        counts = [registry[name] for name in ("rows", "missing", "same", "newer_here", "newer_in_export", "only_here")]
        assert counts == [4, 0, 3, 1, 0, 1]
        keys = keys_of(contoso)
        assert registry["differing_rows"] == [f"{keys['PartitionKey']}/{keys['RowKey']}"]
        assert (ledger["exists"], ledger["rows"], ledger["missing"]) == (False, 5, 5)
    words = cli("restore").words
    assert f"Export {TODAY}" in words
    assert "Nothing is changed." in words
    assert (storage.rows(REGISTRY), storage.rows(LEDGER)) == (before, {})
    assert restored_events(sandbox) == []


def test_both_tables_come_back_with_every_value_of_every_row(
    cli: Cli, sandbox: Sandbox, exported: list[Customer], storage: Storage
) -> None:
    before = {name: storage.rows(name) for name in (REGISTRY, LEDGER)}
    storage.delete(REGISTRY, LEDGER)

    done = cli("restore", *ACT, "--json")

    assert (done.status, done.document["acted"]) == (0, True)
    assert (of(done, REGISTRY)["added"], of(done, LEDGER)["added"], of(done, PENDING)["added"]) == (4, 5, 0)
    assert {name: storage.rows(name) for name in (REGISTRY, LEDGER)} == before
    [(person, reason)] = restored_events(sandbox)
    assert person == "ada"
    assert reason.startswith(f"deleted by mistake (export {TODAY}; applications: 4 added")
    assert len(listed(cli)) == 3
    again = cli("restore", *ACT, "--json")
    assert (again.status, again.document["acted"]) == (0, False), "nothing is left to restore"


def test_what_stands_is_left_alone_unless_it_is_to_be_overwritten(
    cli: Cli, exported: list[Customer], storage: Storage
) -> None:
    contoso, fabrikam, _ = exported
    change(storage, REGISTRY, contoso, customer_name="Somebody Else")
    storage.tables.get_table_client(REGISTRY).delete_entity(**_named(keys_of(fabrikam)))

    done = cli("restore", *ACT, "--json")
    assert (of(done, REGISTRY)["added"], of(done, REGISTRY)["overwritten"]) == (1, 0)
    assert "Somebody Else" in cli("list").words

    hint = cli("restore").words
    assert "1 rows differ; --overwrite takes those of the export." in hint
    done = cli("restore", "--overwrite", *ACT, "--json")
    assert (done.status, of(done, REGISTRY)["overwritten"]) == (0, 1)
    assert "Contoso Ltd" in cli("list").words


def test_a_row_that_was_lost_and_made_again_gets_the_name_of_its_customer_back_and_nothing_else(
    cli: Cli, exported: list[Customer], storage: Storage
) -> None:
    contoso, fabrikam, _ = exported
    for one in (contoso, fabrikam):
        storage.tables.get_table_client(REGISTRY).delete_entity(**_named(keys_of(one)))
        assert cli("add", one.application_id).status == 0
    change(storage, REGISTRY, contoso, plan_version="9.9.9")

    dry = cli("restore", "--json")
    assert (dry.status, of(dry, REGISTRY)["nameless"], of(dry, REGISTRY)["missing"]) == (1, 1, 0)
    assert "1 rows lack the customer's name, and get it back." in cli("restore").words
    done = cli("restore", *ACT, "--json")

    assert (done.status, of(done, REGISTRY)["named"], of(done, REGISTRY)["overwritten"]) == (0, 1, 0)
    row = storage.rows(REGISTRY)[tuple(keys_of(contoso).values())]  # type: ignore[index]
    assert (row["customer_name"], row["plan_version"]) == ("Contoso Ltd", "9.9.9")
    assert "customer_name" not in storage.rows(REGISTRY)[tuple(keys_of(fabrikam).values())]  # type: ignore[index]
    assert cli("restore", "--json").status == 0


def test_a_row_that_the_ledger_lost_is_listed_restored_or_given_up(
    cli: Cli, sandbox: Sandbox, exported: list[Customer], storage: Storage
) -> None:
    contoso, fabrikam, _ = exported
    before = storage.rows(LEDGER)
    for one in (contoso, fabrikam):
        storage.tables.get_table_client(LEDGER).delete_entity(**_named(keys_of(one)))
    newcomer = sandbox.arm.add_customer("Newcomer")
    assert cli("add", newcomer.application_id).status == 0

    listed = cli("ledger", "check", "--json")
    assert listed.status == 1
    assert [one["application_id"] for one in listed.document["unreadable"]] == [
        contoso.application_id,
        fabrikam.application_id,
    ]
    assert "the latest export has it" in listed.document["unreadable"][0]["reason"]
    assert cli("ledger", "repair", newcomer.application_id, *ACT).status == 1, "nothing of it was lost"
    assert cli("ledger", "repair", fabrikam.application_id, *ACT).status == 0
    assert cli("restore", *ACT).status == 0

    after = storage.rows(LEDGER)
    keys = tuple(keys_of(contoso).values())
    assert after[keys] == before[keys]  # type: ignore[index]
    assert cli("ledger", "check", "--json").status == 0


def _named(keys: dict[str, str]) -> dict[str, str]:
    return {"partition_key": keys["PartitionKey"], "row_key": keys["RowKey"]}


def test_a_row_that_is_written_meanwhile_is_not_overwritten(
    cli: Cli, exported: list[Customer], storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    contoso, fabrikam, _ = exported
    change(storage, REGISTRY, contoso, customer_name="Before")
    storage.tables.get_table_client(REGISTRY).delete_entity(**_named(keys_of(fabrikam)))

    def hesitate(*_: object) -> None:
        change(storage, REGISTRY, contoso, customer_name="Meanwhile")
        storage.tables.get_table_client(REGISTRY).create_entity(keys_of(fabrikam))

    monkeypatch.setattr("operations.restore.command.make_sure", hesitate)
    done = cli("restore", "--overwrite", *ACT)

    assert "2 rows were written by somebody else meanwhile, and left alone." in done.words
    assert "Meanwhile" in cli("list").words


def test_only_the_tables_that_are_named_are_restored(cli: Cli, exported: list[Customer], storage: Storage) -> None:
    storage.delete(REGISTRY, LEDGER)

    done = cli("restore", "--table", REGISTRY, *ACT, "--json")

    assert [one["kind"] for one in done.document["tables"]] == [REGISTRY]
    assert (len(storage.rows(REGISTRY)), storage.rows(LEDGER)) == (4, {})
    assert cli("restore", "--table", "collectionruns").status == 2


def test_what_waits_comes_back_too(
    cli: Cli, sandbox: Sandbox, fleet: list[Customer], storage: Storage, export: Export
) -> None:
    from tests.worker_side import WorkerSide, open_worker_side  # noqa: PLC0415

    waiting = sandbox.arm.add_customer("Waiting")
    waiting.revoke_access()

    async def tell() -> None:
        async with open_worker_side(sandbox) as worker:
            assert isinstance(worker, WorkerSide)
            await worker.take(waiting, "PUT", "Succeeded")

    asyncio.run(tell())
    export()
    before = storage.rows(PENDING)
    assert len(before) == 1
    storage.delete(PENDING)

    assert cli("restore", *ACT).status == 0
    assert storage.rows(PENDING) == before


def test_a_table_that_azure_is_still_deleting_is_waited_for(
    cli: Cli, sandbox: Sandbox, exported: list[Customer], storage: Storage
) -> None:
    storage.delete(REGISTRY)
    busy = Status(409, code="TableBeingDeleted", message="The specified table is being deleted.")
    reading = sandbox.faults.add(TableRequest("GET", REGISTRY), busy, times=1)
    making = sandbox.faults.add(TableRequest("POST", "Tables"), busy, times=2)
    began = time.monotonic()

    done = cli("restore", "--table", REGISTRY, *ACT)

    assert done.status == 0, done.words
    assert (reading.played, making.played) == (1, 2)
    assert time.monotonic() - began > 2, "it waited"
    assert "Azure is still deleting the old table applications" in done.errors
    assert len(storage.rows(REGISTRY)) == 4


def test_a_restore_that_breaks_off_is_told_and_finished_by_the_next_and_the_record_of_the_run_comes_last(
    cli: Cli, sandbox: Sandbox, exported: list[Customer], storage: Storage
) -> None:
    storage.delete(LEDGER)
    fault = sandbox.faults.add(TableRequest("POST", LEDGER), Status(403), after=2)

    done = cli("restore", *ACT)

    assert (done.status, "What was written stays: run the command again" in done.words) == (1, True)
    rows = storage.rows(LEDGER)
    assert 0 < len(rows) < 5
    assert ("~control", "latest-run") not in rows, "no collection takes the ledger for whole"
    assert len(restored_events(sandbox)) == 1
    sandbox.faults.remove(fault)
    assert cli("restore", *ACT).status == 0
    assert ("~control", "latest-run") in storage.rows(LEDGER)


def test_a_table_that_cannot_be_read_is_never_an_empty_one(
    cli: Cli, sandbox: Sandbox, exported: list[Customer], storage: Storage
) -> None:
    sandbox.faults.add(TableRequest("GET", REGISTRY), Status(403))
    before = storage.rows(LEDGER)

    done = cli("restore", *ACT, "--json")

    assert (done.status, "AuthorizationFailure" in done.document["error"]) == (1, True)
    assert storage.rows(LEDGER) == before


def test_acting_wants_a_reason_and_somebody_who_is_asked_or_yes(
    cli: Cli, exported: list[Customer], storage: Storage
) -> None:
    storage.delete(REGISTRY)

    assert cli("restore", "--yes").status == 2
    assert cli("restore", *WHY).status == 1, "without a terminal it is a dry run"
    assert cli("restore", "--export", "yesterday").status == 2
    assert storage.rows(REGISTRY) == {}


def test_a_restore_that_could_not_be_told_says_so(
    cli: Cli, sandbox: Sandbox, exported: list[Customer], storage: Storage
) -> None:
    storage.delete(REGISTRY)
    sandbox.faults.add(Upload("Custom-ManagedApplicationEvents_CL"), Status(403))

    done = cli("restore", *ACT)

    assert (done.status, "it is done, but 1 event rows were not stored" in done.words) == (1, True)
    assert len(storage.rows(REGISTRY)) == 4
