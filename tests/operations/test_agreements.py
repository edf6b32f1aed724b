"""What was agreed, and until when: ``accept --list``, ``exemptions`` and ``baseline --list``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables import TableClient

from registry.managed_application import Exemption
from sandbox.faults.effects import Status
from sandbox.faults.operations import ExemptionList
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Access, Customer
from tests.operations.command_line import Cli
from tests.operations.ledger_facts import LedgerNow, assignment, assignment_id, facts, weakened
from verdicts.derive import open_kinds
from verdicts.facts import AlarmKind, ApplicationFacts
from verdicts.ledger import LEDGER_TABLE

NOW = datetime.now(UTC)
SURE = ("--reason", "repair is planned", "--until", "14d", "--yes")


def exemption(customer: Customer, name: str, *, days: float | None = None, of: str = "baseline") -> Exemption:
    return Exemption(
        f"{customer.managed_resource_group_id}/providers/microsoft.authorization/policyexemptions/{name}".lower(),
        assignment_id(customer, of),
        category="Waiver",
        expires_at=None if days is None else NOW + timedelta(days=days),
        created_by="eve@contoso.example",
        display_name=name,
    )


def damage(sandbox: Sandbox) -> None:
    """Make every row of the ledger one that nobody can read."""
    with TableClient.from_connection_string(sandbox.environment["AzureWebJobsStorage"], LEDGER_TABLE) as table:
        for row in list(table.list_entities()):
            table.upsert_entity({name: b"?" if isinstance(value, bytes) else value for name, value in row.items()})


def known(customer: Customer, *exemptions: Exemption) -> ApplicationFacts:
    return facts(customer, assignment(customer, "baseline", "storage1"), exemptions=exemptions)


class TestAcceptances:
    def test_everything_that_is_accepted_is_listed_with_who_why_and_until_soon_ending_first(
        self, cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer
    ) -> None:
        other = sandbox.arm.add_customer("Fabrikam")
        ledger.write(known(customer, exemption(customer, "waived")))
        guard = weakened(other, "baseline")
        ledger.write(facts(other, assignment(other, "baseline", "storage1", "storage2", guard=guard)))
        assert cli("accept", customer.application_id, "--assignment", "baseline", *SURE).status == 0
        soon = ("--reason", "soon", "--until", "3d", "--person", "Grace", "--yes")
        assert cli("accept", other.application_id, "--assignment", "baseline", *soon).status == 0

        done = cli("accept", "--list", "--json")

        assert done.status == 0
        assert [(one["customer_name"], one["kind"], one["what"]) for one in done.document["acceptances"]] == [
            ("Fabrikam", "violations", "2 violations"),
            ("Fabrikam", "difference", "weakened"),
            ("Contoso", "violations", "1 violations"),
            ("Contoso", "exemption", "exemption waived"),
        ]
        first, last = done.document["acceptances"][0], done.document["acceptances"][-1]
        assert (first["person"], first["reason"], first["plan"], first["version"]) == (
            "Grace",
            "soon",
            "standard",
            "1.0.0",
        )
        assert (last["person"], last["reason"], last["ended"]) == ("ada", "repair is planned", False)
        assert "exemption waived" in cli("accept", "--list").words

    def test_one_application_a_plan_version_or_what_ends_soon(
        self, cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer
    ) -> None:
        other = sandbox.arm.add_customer("Fabrikam")
        ledger.write(known(customer))
        ledger.write(replace(known(other), plan_version="2.0.0"))
        assert cli("accept", customer.application_id, "--assignment", "baseline", *SURE).status == 0
        soon = ("--reason", "soon", "--until", "3d", "--yes")
        assert cli("accept", other.application_id, "--assignment", "baseline", *soon).status == 0

        def listed(*options: str) -> list[str]:
            return [
                one["application_id"] for one in cli("accept", "--list", "--json", *options).document["acceptances"]
            ]

        assert listed(customer.application_id) == [customer.application_id]
        assert listed("--plan", "standard", "--version", "2.0.0") == [other.application_id]
        assert listed("--expiring", "7") == [other.application_id]
        assert listed() == [other.application_id, customer.application_id]

    def test_nothing_accepted_is_said(self, cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
        ledger.write(known(customer))
        done = cli("accept", "--list")
        assert (done.status, "Nothing is accepted" in done.output) == (0, True)

    @pytest.mark.parametrize("options", [("--plan", "standard"), ("--version", "1")])
    def test_half_a_plan_version_is_bad_usage(self, cli: Cli, options: tuple[str, ...]) -> None:
        assert cli("accept", "--list", *options).status == 2
        assert cli("exemptions", *options).status == 2

    def test_what_accepting_lacks_is_named_at_once(self, cli: Cli, customer: Customer) -> None:
        done = cli("accept", customer.application_id, "--yes")
        assert (done.status, "--assignment, --until, --reason is missing" in done.errors) == (2, True)
        assert cli("accept", customer.application_id, "--expiring", "7").status == 2


class TestExemptions:
    def test_they_are_listed_with_their_end_and_who_accepted_them(
        self, cli: Cli, ledger: LedgerNow, customer: Customer
    ) -> None:
        ledger.write(
            known(
                customer,
                exemption(customer, "for-ever"),
                exemption(customer, "ended", days=-1),
                exemption(customer, "soon", days=5),
                exemption(customer, "later", days=60),
            )
        )
        assert cli("accept", customer.application_id, "--assignment", "baseline", *SURE).status == 0
        done = cli("exemptions", "--json")
        found = {one["name"]: one for one in done.document["exemptions"]}
        assert list(found) == ["ended", "soon", "later", "for-ever"]
        assert {name: one["state"] for name, one in found.items()} == {
            "ended": "expired",
            "soon": "expires soon",
            "later": "in force",
            "for-ever": "in force",
        }
        assert all(one["accepted"] and one["accepted_by"] == "ada" for one in found.values())
        assert found["soon"]["told_again_at"] == found["soon"]["expires_at"]
        assert found["later"]["told_again_at"][:10] == f"{NOW + timedelta(days=14):%Y-%m-%d}"
        assert (found["later"]["category"], found["later"]["created_by"]) == ("Waiver", "eve@contoso.example")
        narrowed = cli("exemptions", "--expiring", "10", "--json").document["exemptions"]
        assert [one["name"] for one in narrowed] == ["ended", "soon"]
        assert "expires soon" in cli("exemptions").words

    def test_what_nobody_accepted_says_so(self, cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
        first = exemption(customer, "first")
        ledger.write(replace(known(customer, first, exemption(customer, "new")), known_exemptions=(first.id,)))
        found = {one["name"]: one for one in cli("exemptions", "--json").document["exemptions"]}
        assert (found["first"]["accepted"], found["first"]["accepted_by"]) == (True, None)
        assert (found["new"]["accepted"], found["new"]["told_again_at"]) == (False, None)

    def test_the_acceptance_of_an_exemption_ends(self, cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
        ledger.write(known(customer, exemption(customer, "for-ever")))
        assert cli("accept", customer.application_id, "--assignment", "baseline", *SURE).status == 0
        accepted = ledger.facts(customer)
        [one] = accepted.assignments.values()
        later = NOW + timedelta(days=15)
        assert AlarmKind.NOTICE not in open_kinds(accepted, one, NOW + timedelta(days=13))
        assert AlarmKind.NOTICE in open_kinds(accepted, one, later)

    def test_of_one_application_they_are_as_azure_says_now(
        self, cli: Cli, ledger: LedgerNow, customer: Customer
    ) -> None:
        ledger.write(known(customer, exemption(customer, "withdrawn-since")))
        customer.exempt("baseline", name="made-since", days=30)
        done = cli("exemptions", customer.application_id, "--json")
        assert (done.status, [one["name"] for one in done.document["exemptions"]]) == (0, ["made-since"])
        customer.end_exemption("made-since")
        assert cli("exemptions", customer.application_id, "--json").document["exemptions"] == []

    @pytest.mark.parametrize("how", ["denied", "hidden"])
    def test_where_azure_does_not_say_the_ledgers_are_listed_and_that_is_told(
        self, cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer, how: str
    ) -> None:
        ledger.write(known(customer, exemption(customer, "waived")))
        if how == "denied":
            sandbox.faults.add(ExemptionList(), Status(403))
        else:
            customer.revoke_access(Access.EXEMPTIONS)
        done = cli("exemptions", customer.application_id, "--json")
        assert (done.status, [one["name"] for one in done.document["exemptions"]]) == (1, ["waived"])
        assert "could not be read now" in done.document["error"]

    def test_an_application_that_the_ledger_does_not_know_is_refused(self, cli: Cli, customer: Customer) -> None:
        done = cli("exemptions", customer.application_id)
        assert (done.status, "the ledger does not know" in done.errors) == (1, True)


class TestBaselines:
    def test_those_that_are_declared_are_listed_with_who_and_when(self, cli: Cli, registered: Customer) -> None:
        assert "No baseline is declared" in cli("baseline", "--list").words
        plan = ("--plan", "standard", "--version", "1.0.0")
        source = ("--from", registered.application_id)
        assert cli("baseline", *plan, *source, "--reason", "as shipped", "--yes").status == 0
        [one] = cli("baseline", "--list", "--json").document["baselines"]
        assert (one["plan"], one["person"], one["reason"]) == (
            "contoso/secure-analytics/standard/1.0.0",
            "ada",
            "as shipped",
        )
        assert "baseline" in one["assignments"]
        assert "as shipped" in cli("baseline", "--list").words

    def test_where_rows_cannot_be_read_nothing_is_said_to_be_nothing(
        self, cli: Cli, sandbox: Sandbox, ledger: LedgerNow, registered: Customer
    ) -> None:
        plan = ("--plan", "standard", "--version", "1.0.0", "--reason", "r", "--yes")
        assert cli("baseline", "--from", registered.application_id, *plan).status == 0
        assert cli("snooze", "--until", "3d", *plan).status == 0
        ledger.write(known(registered))
        damage(sandbox)
        for command, nothing in (
            (("baseline", "--list"), "No baseline is declared"),
            (("snooze", "--list"), "Nothing is snoozed"),
            (("accept", "--list"), "Nothing is accepted"),
            (("exemptions",), "There is no such exemption"),
        ):
            done = cli(*command)
            assert (done.status, nothing in done.words) == (1, False), command
            assert "cannot be read" in done.errors
        ended = cli("snooze", "--plan", "standard", "--version", "1.0.0", "--end")
        assert (ended.status, "is not snoozed" in ended.errors) == (1, False)
        assert "the ledger's snooze of standard 1.0.0 cannot be read" in ended.errors

    def test_what_declaring_lacks_is_named_at_once(self, cli: Cli, customer: Customer) -> None:
        done = cli("baseline", "--from", customer.application_id, "--yes")
        assert (done.status, "--plan, --reason is missing" in done.errors) == (2, True)
