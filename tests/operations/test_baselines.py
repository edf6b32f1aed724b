"""``baseline``: what a plan version must have is declared from a file or an application, after a look at what that does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from publisher.resource_ids import fold
from sandbox.faults.effects import Status
from sandbox.faults.operations import AssignmentList, TableRequest
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.operations.ledger_facts import LedgerNow, assignment, facts
from verdicts.guard.declared import Declared, relative_id

PLAN = ("--plan", "standard", "--version", "1.0.0")
SURE = ("--reason", "1.0.0 drops the tag policy", "--yes")
DEFINITION = "/providers/Microsoft.Authorization/policyDefinitions/404c3081-a854-4457-ae30-26a93ef643f9"
MEMBER = {"id": "Baseline", "definition_id": DEFINITION, "parameters": {"Effect": "Audit"}}
SOUND = {"plan": "standard", "version": "1.0.0", "assignments": [MEMBER]}


@pytest.fixture
def customer(sandbox: Sandbox, cli: Cli) -> Customer:
    customer = sandbox.arm.add_customer("Contoso")
    assert cli("add", customer.application_id).status == 0
    return customer


def written(folder: Path, content: Any) -> str:
    path = folder / "baseline.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return str(path)


def declared(ledger: LedgerNow) -> list[Declared]:
    async def all_of_them(opened: Any) -> list[Declared]:
        return list((await opened.control()).declared.values())

    return ledger.ask(all_of_them)


def test_a_file_is_declared_with_the_persons_name(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer, tmp_path: Path
) -> None:
    done = cli("baseline", *PLAN, "--file", written(tmp_path, SOUND), *SURE, "--person", "Ada Lovelace", "--json")
    assert done.status == 0, done.errors
    [one] = declared(ledger)
    assert (one.person, one.reason) == ("Ada Lovelace", "1.0.0 drops the tag policy")
    [(name, expected)] = one.assignments.items()
    assert name == expected.id == "baseline"
    assert expected.definition_id == fold(DEFINITION)
    assert expected.posture
    assert expected.posture.parameters == (("effect", '"Audit"'),)
    [row] = sandbox.workspace.query("ManagedApplicationEvents_CL | where Registry_action == 'BaselineDeclared'")
    assert (row["Person"], row["Plan_name"], row["Plan_version"], row["Application_id"]) == (
        "Ada Lovelace",
        "standard",
        "1.0.0",
        "",
    )


def test_a_version_that_nobody_has_yet_can_be_declared(
    cli: Cli, ledger: LedgerNow, customer: Customer, tmp_path: Path
) -> None:
    file = written(tmp_path, SOUND | {"version": "2.0.0"})
    assert cli("baseline", "--plan", "standard", "--version", "2.0.0", "--file", file, *SURE).status == 0
    assert len(declared(ledger)) == 1


def test_an_assignment_at_a_resource_is_named_by_its_path(
    cli: Cli, ledger: LedgerNow, customer: Customer, tmp_path: Path
) -> None:
    path = "/providers/Microsoft.Storage/storageAccounts/a/providers/Microsoft.Authorization/policyAssignments/Own"
    file = written(tmp_path, SOUND | {"assignments": [MEMBER | {"id": path}]})
    assert cli("baseline", *PLAN, "--file", file, *SURE).status == 0
    [one] = declared(ledger)
    assert list(one.assignments) == [
        relative_id(customer.managed_resource_group_id + path, customer.managed_resource_group_id)
    ]


def test_long_values_are_kept_as_postures_keep_them(
    cli: Cli, ledger: LedgerNow, customer: Customer, tmp_path: Path
) -> None:
    long = MEMBER | {"parameters": {"listOfLocations": ["westeurope" * 20, "a"], "kept": "sha256:" + "0" * 64}}
    assert cli("baseline", *PLAN, "--file", written(tmp_path, SOUND | {"assignments": [long]}), *SURE).status == 0
    [one] = declared(ledger)
    posture = one.assignments["baseline"].posture
    assert posture
    values = dict(posture.parameters)
    assert values["kept"] == "sha256:" + "0" * 64
    assert values["listoflocations"].startswith("sha256:")


def test_a_service_catalog_definition_is_a_plan_without_a_version(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, tmp_path: Path
) -> None:
    customer = sandbox.arm.add_customer("Contoso", kind="ServiceCatalog")
    assert cli("add", customer.application_id).status == 0
    name = customer.application_definition_id.rpartition("/")[2]
    file = written(tmp_path, {"plan": name, "assignments": [MEMBER]})
    assert cli("baseline", "--plan", name, "--file", file, *SURE).status == 0
    [one] = declared(ledger)
    assert one.plan == fold(customer.application_definition_id)


def test_a_marketplace_plan_has_a_version(cli: Cli, customer: Customer, tmp_path: Path) -> None:
    done = cli("baseline", "--plan", "standard", "--file", written(tmp_path, SOUND), *SURE)
    assert (done.status, "--version is missing" in done.errors) == (2, True)


def test_what_it_retires_and_adds_is_shown_first(
    cli: Cli, ledger: LedgerNow, customer: Customer, tmp_path: Path
) -> None:
    ledger.write(facts(customer, assignment(customer, "old", "storage1", "vault"), assignment(customer, "baseline")))
    content = SOUND | {"assignments": [MEMBER, MEMBER | {"id": "new"}]}
    done = cli("baseline", *PLAN, "--file", written(tmp_path, content), "--reason", "r", "--dry-run", "--json")
    assert done.status == 0
    effects = {one["assignment"].rpartition("/")[2]: one for one in done.document["effects"]}
    assert {name: one["effect"] for name, one in effects.items()} == {
        "old": "retire",
        "new": "add",
        "baseline": "change",
    }
    assert effects["old"]["violations_that_end"] == 2
    assert declared(ledger) == []
    shown = cli("baseline", *PLAN, "--file", written(tmp_path, content), "--reason", "r")
    assert (shown.status, "--yes" in shown.errors) == (2, True)
    assert "retire" in shown.words
    assert declared(ledger) == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", ":1: no JSON"),
        ('{"plan": "standard",\n"plan": "other"}', ":2: plan is given twice"),
        ("[]", ":1: the file must be an object"),
        ("[" * 600 + "]" * 600, ":1: no JSON: too many levels"),
        ('{"plan": "standard",\n"version": NaN}', ":2: no JSON: NaN"),
        ('{"plan": "standard",\n"version": 1e999}', ":2: a number of more digits"),
        ('{"plan": "standard",\n"version": ' + "9" * 5000 + "}", ":2: a number of more digits"),
        ('{"plan": "standard",\n"version": "\\ud800"}', ":2: half a surrogate pair"),
        ('{"plan": "standard",\n"\\ud800": 1}', ":2: half a surrogate pair"),
        (SOUND | {"assignments": [MEMBER | {"references": 2**63}]}, "a number of more digits"),
        (SOUND | {"plan": "other"}, ":2: plan is not standard, as --plan says"),
        (SOUND | {"version": "3"}, ":3: version is not 1.0.0, as --version says"),
        (SOUND | {"version": 1}, ":3: version must be text"),
        ({"plan": "standard", "assignments": [MEMBER]}, ":1: version is not 1.0.0"),
        (SOUND | {"offer": "nobody's"}, "offer is unknown: no registered application has it"),
        (SOUND | {"assignments": []}, ":4: assignments must be a list with at least one assignment"),
        (SOUND | {"assignments": {}}, ":4: assignments must be a list"),
        ({"plan": "standard", "version": "1.0.0"}, ":1: assignments must be a list"),
        (SOUND | {"extra": 1}, "extra is no field"),
        (SOUND | {"assignments": ["baseline"]}, ":5: assignments[0] must be an object"),
        (SOUND | {"assignments": [MEMBER, MEMBER]}, ":13: assignments[1].id names an assignment that is in the list"),
        (SOUND | {"assignments": [MEMBER | {"definition_id": "x"}]}, ":7: assignments[0].definition_id is not the id"),
        (SOUND | {"assignments": [MEMBER | {"definition_id": ""}]}, ":7: assignments[0].definition_id is missing"),
        (SOUND | {"assignments": [{"definition_id": DEFINITION}]}, ":5: assignments[0].id is missing"),
        (SOUND | {"assignments": [MEMBER | {"id": "/subscriptions/1/x"}]}, ":6: assignments[0].id is neither"),
        (SOUND | {"assignments": [MEMBER | {"id": "a?b"}]}, ":6: assignments[0].id is neither"),
        (SOUND | {"assignments": [MEMBER | {"parameters": []}]}, "assignments[0].parameters must be an object"),
        (SOUND | {"assignments": [MEMBER | {"enforced": "yes"}]}, "assignments[0].enforced must be true or false"),
        (SOUND | {"assignments": [MEMBER | {"references": 0}]}, "assignments[0].references must be a number"),
        (SOUND | {"assignments": [MEMBER | {"not_scopes": "x"}]}, "assignments[0].not_scopes must be a list of texts"),
        (SOUND | {"assignments": [MEMBER | {"selectors": "x"}]}, "assignments[0].selectors must be a list of objects"),
        (SOUND | {"assignments": [MEMBER | {"effect": "x"}]}, "assignments[0].effect is no field"),
    ],
)
@pytest.mark.usefixtures("customer")
def test_a_file_that_is_wrong_is_refused_with_line_and_field(
    cli: Cli, ledger: LedgerNow, tmp_path: Path, content: Any, complaint: str
) -> None:
    done = cli("baseline", *PLAN, "--file", written(tmp_path, content), *SURE)
    assert done.status == 2
    assert complaint in done.errors
    assert len(done.errors.strip().splitlines()) == 1
    assert declared(ledger) == []


def test_an_unknown_plan_is_refused(cli: Cli, ledger: LedgerNow, customer: Customer, tmp_path: Path) -> None:
    file = written(tmp_path, SOUND | {"plan": "premium"})
    done = cli("baseline", "--plan", "premium", "--version", "1.0.0", "--file", file, *SURE)
    assert (done.status, "baseline.json:2: plan is unknown: no registered application has it" in done.errors) == (
        2,
        True,
    )
    assert declared(ledger) == []


def test_a_file_that_is_not_there_is_refused(cli: Cli, customer: Customer, tmp_path: Path) -> None:
    done = cli("baseline", *PLAN, "--file", str(tmp_path / "nothing.json"), *SURE)
    assert (done.status, "cannot be read" in done.errors) == (2, True)


@pytest.mark.parametrize("source", [(), ("--file", "x", "--from", "/subscriptions/1")])
def test_there_is_one_source(cli: Cli, source: tuple[str, ...]) -> None:
    assert cli("baseline", *PLAN, *source, *SURE).status == 2


class TestFromAnApplication:
    def test_it_has_what_the_application_has_now(self, cli: Cli, ledger: LedgerNow, customer: Customer) -> None:
        done = cli("baseline", *PLAN, "--from", customer.application_id, *SURE)
        assert done.status == 0, done.errors
        [one] = declared(ledger)
        names = {name.rpartition("/")[2] for name in one.assignments}
        assert names == {fold(assigned.name) for assigned in customer.assignments}

    def test_its_dry_run_is_a_file_that_declares_the_same(
        self, cli: Cli, ledger: LedgerNow, customer: Customer, tmp_path: Path
    ) -> None:
        shown = cli("baseline", *PLAN, "--from", customer.application_id, "--reason", "r", "--dry-run", "--json")
        assert declared(ledger) == []
        assert cli("baseline", *PLAN, "--from", customer.application_id, *SURE).status == 0
        [from_application] = declared(ledger)
        file = written(tmp_path, shown.document["baseline"])
        done = cli("baseline", *PLAN, "--file", file, *SURE)
        assert done.status == 0, done.errors
        [from_file] = declared(ledger)
        assert from_file.plan == from_application.plan
        postures = [{name: one.posture for name, one in by.assignments.items()} for by in (from_file, from_application)]
        assert postures[0] == postures[1]

    def test_an_application_of_another_version_is_refused(
        self, cli: Cli, ledger: LedgerNow, customer: Customer
    ) -> None:
        done = cli("baseline", "--plan", "standard", "--version", "2.0.0", "--from", customer.application_id, *SURE)
        assert (done.status, "is of plan standard 1.0.0" in done.errors) == (1, True)
        assert declared(ledger) == []

    def test_assignments_that_cannot_be_read_now_are_no_baseline(
        self, cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer
    ) -> None:
        sandbox.faults.add(AssignmentList(), Status(403))
        done = cli("baseline", *PLAN, "--from", customer.application_id, *SURE)
        assert (done.status, "cannot be read completely now" in done.errors) == (1, True)
        assert declared(ledger) == []

    def test_an_application_without_assignments_is_no_baseline(
        self, cli: Cli, ledger: LedgerNow, customer: Customer
    ) -> None:
        for one in customer.assignments:
            customer.unassign(one.name)
        done = cli("baseline", *PLAN, "--from", customer.application_id, *SURE)
        assert (done.status, "no policy assignment of its own" in done.errors) == (1, True)
        assert declared(ledger) == []


def test_a_declaration_that_others_keep_overtaking_is_refused(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, customer: Customer, tmp_path: Path
) -> None:
    file = written(tmp_path, SOUND)
    assert cli("baseline", *PLAN, "--file", file, *SURE).status == 0
    sandbox.faults.add(TableRequest("PUT"), Status(412, code="UpdateConditionNotSatisfied"))
    done = cli("baseline", *PLAN, "--file", file, *SURE)
    assert done.status == 1
    assert "somebody else, wrote a row meanwhile" in done.errors


def test_what_an_application_leaves_out_is_declared_from_its_group_on(
    cli: Cli, ledger: LedgerNow, customer: Customer
) -> None:
    group = customer.managed_resource_group_id
    excluded = [f"{group}/providers/Microsoft.Storage/storageAccounts/storage1"]
    customer.change_assignment("baseline", notScopes=excluded)
    done = cli("baseline", *PLAN, "--from", customer.application_id, *SURE)
    assert done.status == 0, done.errors
    [one] = declared(ledger)
    posture = one.assignments["baseline"].posture
    assert posture
    assert posture.not_scopes == ("{group}/providers/microsoft.storage/storageaccounts/storage1",)
