"""``accept``: what is open is accepted by name, with a reason and an end; nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from registry.managed_application import Exemption
from sandbox.faults.effects import Status
from sandbox.faults.operations import TableRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.operations.ledger_facts import NOW, LedgerNow, assignment, assignment_id, facts, weakened
from verdicts.derive import open_kinds
from verdicts.facts import AlarmKind, AssignmentGuard, Ending, GuardState

WHY = ("--reason", "repair is planned", "--until", "14d")
SURE = (*WHY, "--yes")


def test_every_open_violation_is_accepted_and_stays_open(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer
) -> None:
    other = assignment(customer, "other", "vault")
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1", "storage2"), other))
    done = cli("accept", customer.application_id, "--assignment", "Baseline", *SURE, "--json")
    assert done.status == 0, done.errors
    assert [one["violations"] for one in done.document["accepted"]] == [2]
    known = ledger.facts(customer)
    accepted = known.assignments[assignment_id(customer, "baseline")]
    assert len(accepted.open) == 2
    for one in accepted.open:
        assert one.acceptance
        assert (one.acceptance.person, one.acceptance.reason) == ("ada", "repair is planned")
        assert timedelta(days=13) < one.acceptance.until - datetime.now(UTC) <= timedelta(days=14)
    assert accepted.changed_at > NOW
    assert known.assignments[other.id] == other
    [row] = sandbox.workspace.query("ManagedApplicationEvents_CL")
    assert (row["Event_type"], row["Registry_action"], row["Person"], row["Reason"]) == (
        "Operator",
        "Accepted",
        "ada",
        "repair is planned",
    )


def test_a_weakened_assignment_is_accepted_as_it_is_now(cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
    guard = weakened(customer, "baseline")
    ledger.write(facts(customer, assignment(customer, "baseline", guard=guard)))
    identity = assignment_id(customer, "baseline")
    assert cli("accept", customer.application_id, "--assignment", identity.upper(), *SURE).status == 0
    accepted = ledger.facts(customer).assignments[identity].guard
    assert accepted.accepted == guard.seen
    assert accepted.acceptance
    assert not accepted.accepted_withdrawal
    assert accepted.baseline == guard.baseline


def test_a_withdrawal_is_accepted(cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
    guard = AssignmentGuard(weakened(customer, "baseline").baseline, state=GuardState.WITHDRAWN, since=NOW)
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1", guard=guard)))
    assert cli("accept", customer.application_id, "--assignment", "baseline", *SURE).status == 0
    accepted = ledger.facts(customer).assignments[assignment_id(customer, "baseline")]
    assert accepted.guard.accepted_withdrawal
    assert accepted.guard.acceptance == accepted.open[0].acceptance is not None


def test_an_exemption_is_accepted_and_told_no_more(cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
    exemption = Exemption("/mrg/policyexemptions/waived", assignment_id(customer, "baseline"))
    ledger.write(facts(customer, assignment(customer, "baseline"), exemptions=(exemption,)))
    assert cli("accept", customer.application_id, "--assignment", "The baseline", *SURE).status == 0
    assert ledger.facts(customer).known_exemptions == (exemption.id,)
    again = cli("accept", customer.application_id, "--assignment", "The baseline", *SURE)
    assert (again.status, "nothing is open about The baseline" in again.errors) == (1, True)


def test_that_an_accepted_exemption_has_expired_is_open_and_can_be_accepted(
    cli: Cli, ledger: LedgerNow, customer: Customer
) -> None:
    exemption = Exemption(
        "/mrg/policyexemptions/waived", assignment_id(customer, "baseline"), expires_at=NOW - timedelta(days=1)
    )
    known = facts(customer, assignment(customer, "baseline"), exemptions=(exemption,))
    ledger.write(replace(known, known_exemptions=(exemption.id,)))
    assert cli("accept", customer.application_id, "--assignment", "baseline", *SURE).status == 0
    accepted = ledger.facts(customer)
    assert AlarmKind.NOTICE not in open_kinds(accepted, accepted.assignments[assignment_id(customer, "baseline")], NOW)
    assert cli("accept", customer.application_id, "--assignment", "baseline", *SURE).status == 1


def test_what_is_not_open_is_refused_and_what_is_open_is_said(cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
    known = facts(customer, assignment(customer, "baseline"), assignment(customer, "other", "vault"))
    ledger.write(known)
    done = cli("accept", customer.application_id, "--assignment", "baseline", *SURE)
    assert done.status == 1
    assert "nothing is open about baseline; open is: other (1 violations)" in done.errors
    assert (
        "there is no assignment nonsense"
        in cli("accept", customer.application_id, "--assignment", "nonsense", *SURE).errors
    )
    assert ledger.facts(customer) == known


def test_what_has_ended_is_not_open(cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
    ended = assignment(customer, "baseline", "storage1", ending=Ending.RETIRED, ended_at=NOW)
    ledger.write(facts(customer, ended))
    done = cli("accept", customer.application_id, "--assignment", "baseline", *SURE)
    assert (done.status, "nothing else is open" in done.errors) == (1, True)


def test_an_application_that_the_ledger_does_not_know_is_refused(cli: Cli, customer: Customer) -> None:
    done = cli("accept", customer.application_id, "--assignment", "baseline", *SURE, "--json")
    assert done.status == 1
    assert "the ledger does not know" in done.document["error"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--until", "2026-01-01", "--reason", "r"), "is in the past"),
        (("--until", "400d", "--reason", "r"), "more than a year ahead"),
        (("--until", "9999-12-31", "--reason", "r"), "give a date"),
        (("--until", "soon", "--reason", "r"), "give a date"),
        (("--until", "7d", "--reason", " "), "a reason must not be empty"),
        (("--until", "7d", "--reason", "two\nlines"), "a reason is one line"),
        (("--until", "7d", "--reason", "r", "--person", "azure"), "is not a person's name"),
        (("--until", "7d"), "--reason"),
        (("--reason", "r"), "--until"),
    ],
)
def test_a_bad_end_reason_or_person_is_bad_usage(
    cli: Cli, ledger: LedgerNow, customer: Customer, options: tuple[str, ...], complaint: str
) -> None:
    known = facts(customer, assignment(customer, "baseline", "storage1"))
    ledger.write(known)
    done = cli("accept", customer.application_id, "--assignment", "baseline", "--yes", *options)
    assert (done.status, complaint in done.errors) == (2, True), done.errors
    assert ledger.facts(customer) == known


def test_a_date_counts_to_its_end(cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1")))
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    done = cli(
        "accept", customer.application_id, "--assignment", "baseline", "--reason", "r", "--yes", "--until", f"{day}"
    )
    assert done.status == 0
    [key] = ledger.facts(customer).assignments[assignment_id(customer, "baseline")].open
    assert key.acceptance
    assert f"{key.acceptance.until:%Y-%m-%d %H:%M}" == f"{day + timedelta(days=1)} 00:00"


def test_a_dry_run_lists_and_changes_nothing(cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer) -> None:
    known = facts(customer, assignment(customer, "baseline", "storage1"))
    ledger.write(known)
    done = cli("accept", customer.application_id, "--assignment", "baseline", *WHY, "--dry-run")
    assert done.status == 0
    assert "storage1" in done.words
    assert "Nothing was changed" in done.words
    assert ledger.facts(customer) == known
    assert sandbox.workspace.query("ManagedApplicationEvents_CL") == []


def test_without_a_terminal_it_wants_a_yes_and_says_who_decides(
    cli: Cli, ledger: LedgerNow, customer: Customer
) -> None:
    known = facts(customer, assignment(customer, "baseline", "storage1"))
    ledger.write(known)
    done = cli("accept", customer.application_id, "--assignment", "baseline", *WHY, "--person", "Ada Lovelace")
    assert (done.status, "--yes" in done.errors) == (2, True)
    assert "Decided by Ada Lovelace, because: repair is planned" in done.errors
    assert ledger.facts(customer) == known


def test_root_is_nobodys_name(cli: Cli, customer: Customer, ledger: LedgerNow, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1")))
    monkeypatch.setenv("USER", "root")
    done = cli("accept", customer.application_id, "--assignment", "baseline", *SURE)
    assert (done.status, "say who you are" in done.errors) == (2, True)


class TestInBulk:
    def test_a_plan_version_is_accepted_wherever_it_is_open(
        self, cli: Cli, sandbox: Sandbox, ledger: LedgerNow
    ) -> None:
        first, second, sound, newer = (sandbox.arm.add_customer(name) for name in ("One", "Two", "Three", "Four"))
        for customer in (first, second):
            ledger.write(facts(customer, assignment(customer, "baseline", "storage1")))
        ledger.write(facts(sound, assignment(sound, "baseline")))
        ledger.write(facts(newer, assignment(newer, "baseline", "storage1"), plan_version="2.0.0"))
        done = cli("accept", "--plan", "Standard", "--version", "1.0.0", "--assignment", "baseline", *SURE, "--json")
        assert done.status == 0, done.errors
        assert {one["application_id"] for one in done.document["accepted"]} == {
            first.application_id,
            second.application_id,
        }
        for customer, is_accepted in ((first, True), (second, True), (newer, False)):
            [key] = ledger.facts(customer).assignments[assignment_id(customer, "baseline")].open
            assert (key.acceptance is not None) is is_accepted
        assert len(sandbox.workspace.query("ManagedApplicationEvents_CL")) == 2

    def test_a_plan_version_that_nobody_has_is_refused(self, cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
        ledger.write(facts(customer, assignment(customer, "baseline", "storage1")))
        done = cli("accept", "--plan", "standard", "--version", "7", "--assignment", "baseline", *SURE)
        assert (done.status, "no application of plan standard 7" in done.errors) == (1, True)

    @pytest.mark.parametrize("options", [(), ("--plan", "standard"), ("--version", "1")])
    def test_either_an_application_or_a_plan_version(self, cli: Cli, options: tuple[str, ...]) -> None:
        assert cli("accept", "--assignment", "baseline", *SURE, *options).status == 2

    def test_an_application_and_a_plan_version_are_too_much(self, cli: Cli, customer: Customer) -> None:
        done = cli(
            "accept", customer.application_id, "--plan", "p", "--version", "1", "--assignment", "baseline", *SURE
        )
        assert done.status == 2


def test_an_event_row_that_is_not_stored_undoes_nothing_and_is_said(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer
) -> None:
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1")))
    sandbox.faults.add(Upload(), Status(400))
    done = cli("accept", customer.application_id, "--assignment", "baseline", *SURE)
    assert (done.status, "it is done, but 1 event rows were not stored" in done.errors) == (1, True)
    [key] = ledger.facts(customer).assignments[assignment_id(customer, "baseline")].open
    assert key.acceptance


def test_a_ledger_that_cannot_be_written_is_said(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer
) -> None:
    known = facts(customer, assignment(customer, "baseline", "storage1"))
    ledger.write(known)
    sandbox.faults.add(TableRequest("PUT"), Status(403))
    done = cli("accept", customer.application_id, "--assignment", "baseline", *SURE)
    assert (done.status, customer.application_id in done.errors) == (1, True)
    sandbox.faults.clear()
    assert ledger.facts(customer) == known
    assert sandbox.workspace.query("ManagedApplicationEvents_CL") == []
