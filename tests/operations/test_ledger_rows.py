"""``ledger``: rows that cannot be read are named, and replaced by a fresh start only on an operator's word."""

from __future__ import annotations

from typing import Any

import pytest
from azure.data.tables import TableClient

from publisher.resource_ids import ApplicationId
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.operations.ledger_facts import LedgerNow, assignment, facts
from verdicts.ledger import LEDGER_TABLE

WHY = ("--reason", "the row was cut", "--yes")


@pytest.fixture
def broken(environment: dict[str, str], customer: Customer) -> Customer:
    """A customer whose row of the ledger lost everything but its keys."""
    ledger = LedgerNow(environment)
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1")))
    identity = ApplicationId.parse(customer.application_id)
    entity: dict[str, Any] = {"PartitionKey": identity.partition_key, "RowKey": identity.row_key, "facts": "cut"}
    with TableClient.from_connection_string(environment["AzureWebJobsStorage"], LEDGER_TABLE) as table:
        table.upsert_entity(entity, mode="replace")
    return customer


def test_an_empty_ledger_is_sound(cli: Cli) -> None:
    done = cli("ledger", "check", "--json")
    assert (done.status, done.document["applications"], done.document["unreadable"]) == (0, 0, [])


def test_a_row_that_cannot_be_read_is_named(cli: Cli, sandbox: Sandbox, environment: Any, broken: Customer) -> None:
    sound = sandbox.arm.add_customer("Fabrikam")
    LedgerNow(environment).write(facts(sound, assignment(sound, "baseline")))
    done = cli("ledger", "check", "--json")
    assert (done.status, done.document["applications"]) == (1, 2)
    [row] = done.document["unreadable"]
    assert row["partition_key"] == ApplicationId.parse(broken.application_id).partition_key
    assert row["reason"]
    assert "2 applications, 1 rows that cannot be read" in cli("ledger", "check").words


@pytest.fixture
def broken_snooze(cli: Cli, environment: dict[str, str]) -> str:
    """The keys of a snooze that lost what it says."""
    assert cli("snooze", "--plan", "standard", "--until", "7d", *WHY).status == 0
    with TableClient.from_connection_string(environment["AzureWebJobsStorage"], LEDGER_TABLE) as table:
        [row] = list(table.list_entities())
        table.update_entity({**row, "document": "cut"}, mode="replace")
    return f"{row['PartitionKey']}/{row['RowKey']}"


def test_a_control_row_that_cannot_be_read_is_named(cli: Cli, broken_snooze: str) -> None:
    done = cli("ledger", "check", "--json")
    [row] = done.document["unreadable"]
    assert (done.status, row["what"]) == (1, "snooze of standard")
    assert f"{row['partition_key']}/{row['row_key']}" == broken_snooze
    assert broken_snooze in cli("ledger", "check").output


def test_a_list_of_snoozes_tells_of_one_that_cannot_be_read(cli: Cli, broken_snooze: str) -> None:
    done = cli("snooze", "--list")
    assert (done.status, broken_snooze in done.errors) == (1, True)


def test_a_control_row_that_cannot_be_read_is_taken_away_when_somebody_says_so(
    cli: Cli, sandbox: Sandbox, broken_snooze: str
) -> None:
    sandbox.workspace.clear()
    done = cli("ledger", "repair", "--row", broken_snooze, *WHY)
    assert (done.status, "Declare or snooze again" in done.errors) == (0, True)
    assert cli("ledger", "check").status == 0
    [event] = sandbox.workspace.query("ManagedApplicationEvents_CL")
    assert (event["Registry_action"], event["Person"], event["Plan_name"]) == ("LedgerRepaired", "ada", "standard")


def test_a_control_row_that_can_be_read_is_never_taken_away(cli: Cli, environment: dict[str, str]) -> None:
    assert cli("snooze", "--plan", "standard", "--until", "7d", *WHY).status == 0
    with TableClient.from_connection_string(environment["AzureWebJobsStorage"], LEDGER_TABLE) as table:
        [row] = list(table.list_entities())
    done = cli("ledger", "repair", "--row", f"{row['PartitionKey']}/{row['RowKey']}", *WHY)
    assert (done.status, "can be read" in done.errors) == (1, True)
    assert len(cli("snooze", "--list", "--json").document["snoozes"]) == 1


def test_a_row_of_nobody_is_named_and_can_be_taken_away(cli: Cli, environment: dict[str, str]) -> None:
    with TableClient.from_connection_string(environment["AzureWebJobsStorage"], LEDGER_TABLE) as table:
        table.create_table()
        table.create_entity({"PartitionKey": "it's nobody's", "RowKey": "100% strange"})
    [row] = cli("ledger", "check", "--json").document["unreadable"]
    done = cli("ledger", "repair", "--row", f"{row['partition_key']}/{row['row_key']}", *WHY)
    assert done.status == 0, done.errors
    assert cli("ledger", "check").status == 0


@pytest.mark.parametrize("named", [(), ("--row", "no slash")], ids=["nothing", "half a row"])
def test_it_has_to_be_said_which_row(cli: Cli, named: tuple[str, ...]) -> None:
    assert cli("ledger", "repair", *named, *WHY).status == 2
    assert cli("ledger", "repair", "--row", "a/b", *WHY).status == 1


def test_it_is_replaced_by_a_fresh_start_when_somebody_says_so(cli: Cli, sandbox: Sandbox, broken: Customer) -> None:
    done = cli("ledger", "repair", broken.application_id, *WHY)
    assert done.status == 0, done.errors
    assert "This forgets its open violations" in done.errors
    assert "not in the registry either" in done.errors
    assert cli("ledger", "check").status == 0
    [event] = sandbox.workspace.query("ManagedApplicationEvents_CL")
    assert (event["Registry_action"], event["Person"], event["Reason"]) == ("LedgerRepaired", "ada", "the row was cut")


def test_it_asks_and_wants_a_reason(cli: Cli, broken: Customer) -> None:
    assert cli("ledger", "repair", broken.application_id, "--yes").status == 2
    assert cli("ledger", "repair", broken.application_id, "--reason", "r").status == 2
    assert cli("ledger", "check").status == 1


def test_a_row_that_can_be_read_is_never_replaced(cli: Cli, environment: Any, customer: Customer) -> None:
    ledger = LedgerNow(environment)
    known = facts(customer, assignment(customer, "baseline", "storage1"))
    ledger.write(known)
    done = cli("ledger", "repair", customer.application_id, *WHY)
    assert (done.status, "can be read" in done.errors) == (1, True)
    assert ledger.facts(customer) == known


def test_there_is_nothing_to_repair_without_a_row(cli: Cli, customer: Customer) -> None:
    done = cli("ledger", "repair", customer.application_id, *WHY)
    assert (done.status, "has no row" in done.errors) == (1, True)


def test_accepting_points_to_the_repair(cli: Cli, broken: Customer) -> None:
    done = cli("accept", broken.application_id, "--assignment", "baseline", "--until", "7d", *WHY)
    assert (done.status, "ledger repair" in done.errors) == (1, True)
