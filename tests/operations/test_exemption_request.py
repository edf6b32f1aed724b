"""``exemptions --request``: how an exemption is made, who may make it, and what is told where that is not known."""

from __future__ import annotations

import json
import shlex

import pytest

from sandbox.faults.effects import Body, Status
from sandbox.faults.operations import DenyAssignmentList, PermissionList
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Access, Customer
from sandbox.world.remediation import DenyAssignment
from tests.operations.command_line import Cli
from tests.operations.ledger_facts import LedgerNow, assignment, assignment_id, facts

ACTIONS = ("Microsoft.Authorization/policyExemptions/write", "Microsoft.Authorization/policyAssignments/exempt/action")
REQUEST = ("--request", "baseline", "--until", "2027-06-30")


@pytest.fixture(autouse=True)
def _in_the_ledger(ledger: LedgerNow, customer: Customer) -> None:
    ledger.write(facts(customer, assignment(customer, "baseline", "storage1")))
    customer.remediation.denials = [DenyAssignment("of the managed application")]


def test_a_contributor_cannot_and_a_customer_who_is_held_back_neither(
    cli: Cli, sandbox: Sandbox, customer: Customer
) -> None:
    sandbox.requests.clear()
    done = cli("exemptions", customer.application_id, *REQUEST, "--json")
    assert done.status == 0
    assert (done.document["publisher_may"], done.document["customer_is_denied"]) == (False, True)
    steps = " ".join(done.document["steps"])
    assert "The publisher cannot" in steps
    assert "The customer cannot either" in steps
    assert "next version" in steps
    assert {one.method for one in sandbox.requests.of(Service.RESOURCE_MANAGER)} == {"GET"}


def test_the_command_has_the_right_ids(cli: Cli, customer: Customer) -> None:
    customer.remediation.denials = []
    done = cli("exemptions", customer.application_id, *REQUEST, "--category", "Mitigated", "--json")
    assert (done.document["publisher_may"], done.document["customer_is_denied"]) == (False, False)
    assert done.document["command"] == (
        "az policy exemption create --name baseline-until-20270701 --policy-assignment "
        f"{assignment_id(customer, 'baseline')} --exemption-category Mitigated "
        f"--expires-on 2027-07-01T00:00:00Z --scope {customer.managed_resource_group_id}"
    )
    assert done.document["command"] in " ".join(done.document["steps"])
    accept = f"python -m operations accept {customer.application_id} --assignment baseline --until "
    assert done.document["accept"].startswith(f"{accept}2027-07-01T00:00:00Z ")
    assert "The customer can." in cli("exemptions", customer.application_id, *REQUEST).words


@pytest.mark.parametrize("until", ["2027-06-30", "2027-06-30T08:30", "300d"])
def test_the_exemption_and_the_acceptance_that_stands_in_for_it_end_together(
    cli: Cli, ledger: LedgerNow, customer: Customer, until: str
) -> None:
    told = cli("exemptions", customer.application_id, "--request", "baseline", "--until", until, "--json").document
    accept = [*shlex.split(told["accept"])[3:], "--yes"]
    assert cli(*accept).status == 0
    [one] = cli("accept", "--list", "--json").document["acceptances"]
    assert f"--expires-on {one['until'].partition('.')[0].rstrip('Z')}Z " in told["command"]


def test_the_name_of_the_exemption_is_one_that_azure_takes(cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
    long = "a" * 64
    ledger.write(facts(customer, assignment(customer, long, "storage1")))
    done = cli("exemptions", customer.application_id, "--request", long, "--until", "2027-06-30", "--json")
    assert f" --name {'a' * 49}-until-20270701 " in done.document["command"]


@pytest.mark.parametrize("role", [{"actions": "*"}, {"actions": ["*"], "notActions": "x"}, {"actions": [7]}, None])
def test_permissions_that_make_no_sense_are_not_known(
    cli: Cli, sandbox: Sandbox, customer: Customer, role: object
) -> None:
    body = Body(json.dumps({"value": [role, {"actions": ["*/read"], "notActions": None}]}).encode())
    sandbox.faults.add(PermissionList(), body)
    done = cli("exemptions", customer.application_id, *REQUEST, "--json")
    assert (done.status, done.document["publisher_may"]) == (1, None)


def test_a_plan_that_lets_customers_do_it_is_found(cli: Cli, customer: Customer) -> None:
    customer.remediation.denials = [DenyAssignment("of the plan", not_actions=("*/read", *ACTIONS))]
    done = cli("exemptions", customer.application_id, *REQUEST, "--json")
    assert done.document["customer_is_denied"] is False
    customer.remediation.denials = [DenyAssignment("of the plan", not_actions=("*/read", ACTIONS[0]))]
    assert cli("exemptions", customer.application_id, *REQUEST, "--json").document["customer_is_denied"] is True


def test_an_owner_can(cli: Cli, customer: Customer) -> None:
    customer.publisher_is_owner = True
    done = cli("exemptions", customer.application_id, *REQUEST, "--json")
    assert (done.status, done.document["publisher_may"]) == (0, True)
    assert "The publisher can" in done.document["steps"][0]
    assert done.document["command"] in done.document["steps"][0]


def test_what_could_not_be_read_is_told_as_not_known(cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
    sandbox.faults.add(PermissionList(), Status(403))
    sandbox.faults.add(DenyAssignmentList(), Status(403))
    done = cli("exemptions", customer.application_id, *REQUEST, "--json")
    assert (done.status, done.document["publisher_may"], done.document["customer_is_denied"]) == (1, None, None)
    assert "our permissions and the deny assignments" in done.document["error"]
    assert "is not known" in done.document["steps"][0]


def test_no_deny_assignment_shown_to_who_may_not_read_them_is_no_answer(cli: Cli, customer: Customer) -> None:
    customer.revoke_access(Access.DENIALS)
    done = cli("exemptions", customer.application_id, *REQUEST, "--json")
    assert done.document["customer_is_denied"] is None


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (
            ("--request", "other", "--until", "30d"),
            1,
            "there is no assignment other; the application has: baseline",
        ),
        (("--request", "baseline"), 2, "--until"),
        (("--until", "30d"), 2, "--until is for --request"),
        (("--request", "baseline", "--until", "30d", "--category", "Anything"), 2, "invalid choice"),
    ],
)
def test_what_makes_no_sense_is_told(
    cli: Cli, customer: Customer, options: tuple[str, ...], status: int, said: str
) -> None:
    done = cli("exemptions", customer.application_id, *options)
    assert (done.status, said in done.errors) == (status, True), done.errors
