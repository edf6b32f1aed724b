"""``accept`` decides about what was shown, and says what it cannot decide about."""

from __future__ import annotations

import asyncio

from aiohttp import web
from azure.data.tables import TableClient

from publisher.resource_ids import ApplicationId
from sandbox.faults.effects import Call
from sandbox.faults.operations import TableRequest
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.operations.ledger_facts import LedgerNow, assignment, facts, weakened
from verdicts.facts import ApplicationFacts
from verdicts.ledger import LEDGER_TABLE

SURE = ("--reason", "repair is planned", "--until", "14d", "--yes")


class _Meanwhile:
    """A run writes other facts between the list that is shown and the acceptance."""

    def __init__(self, ledger: LedgerNow, facts: ApplicationFacts) -> None:
        self._ledger = ledger
        self._facts = facts
        self._reads = 0

    async def __call__(self, call: Call) -> web.StreamResponse:
        self._reads += 1
        if self._reads == 2:
            await asyncio.to_thread(self._ledger.write, self._facts)
        return await call.answer()


def test_what_opens_after_it_was_shown_is_not_accepted(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer
) -> None:
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1")))
    more = assignment(customer, "baseline", "storage1", "vault", guard=weakened(customer, "baseline"))
    sandbox.faults.add(TableRequest("GET", LEDGER_TABLE), _Meanwhile(ledger, facts(customer, more)))
    done = cli("accept", customer.application_id, "--assignment", "baseline", *SURE, "--json")
    assert done.status == 0, done.errors
    assert [one["violations"] for one in done.document["accepted"]] == [1]
    known = ledger.facts(customer).assignments[more.id]
    assert [(one.key.resource_id.rpartition("/")[2], one.acceptance is not None) for one in known.open] == [
        ("storage1", True),
        ("vault", False),
    ]
    assert known.guard.acceptance is None, "nobody was shown the difference"


def test_what_was_shown_and_is_repaired_meanwhile_is_refused(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer
) -> None:
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1")))
    other = facts(customer, assignment(customer, "baseline", "vault"))
    sandbox.faults.add(TableRequest("GET", LEDGER_TABLE), _Meanwhile(ledger, other))
    done = cli("accept", customer.application_id, "--assignment", "baseline", *SURE)
    assert (done.status, "nothing of it is open any more" in done.errors) == (1, True)
    assert ledger.facts(customer) == other


def test_rows_that_cannot_be_read_are_said_when_a_plan_version_is_accepted(
    cli: Cli, sandbox: Sandbox, environment: dict[str, str], ledger: LedgerNow, customer: Customer
) -> None:
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1")))
    unknown = ApplicationId.parse(sandbox.arm.add_customer("Fabrikam").application_id)
    with TableClient.from_connection_string(environment["AzureWebJobsStorage"], LEDGER_TABLE) as table:
        table.create_entity({"PartitionKey": unknown.partition_key, "RowKey": unknown.row_key})
    plan = ("--plan", customer.plan.name, "--version", customer.plan.version)
    done = cli("accept", *plan, "--assignment", "baseline", *SURE, "--json")
    assert (done.status, len(done.document["accepted"])) == (1, 1)
    assert "1 rows of the ledger cannot be read" in done.document["error"]


def test_violations_beyond_those_remembered_one_by_one_are_said_not_to_be_accepted(
    cli: Cli, ledger: LedgerNow, customer: Customer
) -> None:
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1", overflow=True)))
    done = cli("accept", customer.application_id, "--assignment", "baseline", *SURE)
    assert (done.status, "the alarms about their violations go on" in done.words) == (0, True)
