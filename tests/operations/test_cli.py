"""The registry in an operator's hands."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from azure.data.tables import TableClient

from publisher.resource_ids import ApplicationId
from sandbox.faults.effects import Body, Status
from sandbox.faults.operations import ApplicationList, ApplicationRead, TableRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from sandbox.world.plans import Plan
from tests.operations.command_line import Cli
from tests.operations.ledger_facts import NOW, LedgerNow, assignment, facts, weakened
from verdicts.facts import Unread
from verdicts.outcome import Outcome

ROOT = Path(__file__).parents[2]
WHY = ("--reason", "the contract has ended")


@pytest.fixture
def registered(cli: Cli, customer: Customer) -> Customer:
    assert cli("add", customer.application_id).status == 0
    return customer


def listed(cli: Cli) -> list[str]:
    return [item["application_id"] for item in cli("list", "--json").document["applications"]]


class TestAdd:
    def test_applications_are_registered_as_azure_describes_them(self, cli: Cli, sandbox: Sandbox) -> None:
        customers = [sandbox.arm.add_customer(name) for name in ("Contoso", "Fabrikam")]
        done = cli("add", *(customer.application_id.upper().strip("/") for customer in customers), "--json")
        assert done.status == 0
        assert [one["result"] for one in done.document["applications"]] == ["Registered", "Registered"]
        assert sorted(listed(cli)) == sorted(customer.application_id for customer in customers)

    def test_who_registered_an_application_is_told_once(self, cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
        for _ in range(2):
            assert cli("add", customer.application_id, "--person", "Ada", "--reason", "deployed before").status == 0
        [row] = sandbox.workspace.query("ManagedApplicationEvents_CL")
        assert (row["Registry_action"], row["Person"], row["Reason"], row["Plan_name"]) == (
            "Registered",
            "Ada",
            "deployed before",
            "standard",
        )

    def test_again_it_is_a_refresh(self, cli: Cli, registered: Customer) -> None:
        registered.upgrade("2.0.0")
        assert cli("add", registered.application_id, "--json").document["applications"][0]["result"] == "Updated"
        assert cli("show", registered.application_id, "--json").document["plan_version"] == "2.0.0"

    def test_a_whole_subscription_at_once(self, cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
        second = sandbox.arm.add_customer("Contoso Two", subscription_id=customer.subscription_id)
        going = sandbox.arm.add_customer("Contoso Three", subscription_id=customer.subscription_id)
        going.start_deleting()
        assert cli("add", "--subscription", customer.subscription_id.upper()).status == 0
        assert sorted(listed(cli)) == sorted([customer.application_id, second.application_id])

    def test_a_subscription_without_visible_applications_is_not_called_empty(
        self, cli: Cli, customer: Customer
    ) -> None:
        customer.revoke_access()
        done = cli("add", "--subscription", customer.subscription_id, "--json")
        assert done.status == 1
        assert "authorizations" in done.document["notes"][0]

    def test_one_failure_does_not_keep_the_others_out(self, cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
        refusing, gone, going = (sandbox.arm.add_customer(name) for name in ("Fabrikam", "Tailspin", "Wingtip"))
        refusing.revoke_access()
        gone.delete()
        going.start_deleting()
        done = cli("add", *(one.application_id for one in (refusing, gone, going, customer)), "--json")
        assert done.status == 1
        assert [one["result"] for one in done.document["applications"]] == [
            "AccessDenied",
            "NotFound",
            "Deleting",
            "Registered",
        ]
        assert listed(cli) == [customer.application_id]

    def test_nothing_to_add_is_bad_usage(self, cli: Cli) -> None:
        assert cli("add").status == 2

    @pytest.mark.parametrize(
        "arguments", [("add", "/subscriptions/1"), ("add", "--subscription", "contoso"), ("sing",)]
    )
    def test_bad_ids_and_commands_are_bad_usage(self, cli: Cli, arguments: tuple[str, ...]) -> None:
        assert cli(*arguments).status == 2


class TestList:
    def test_people_see_customers_and_plans(self, cli: Cli, registered: Customer) -> None:
        done = cli("list")
        assert done.status == 0
        for word in (registered.application_name, registered.subscription_id, "standard 1.0.0", "1 applications"):
            assert word in done.words

    def test_verdicts_are_beside_them(
        self, cli: Cli, sandbox: Sandbox, environment: dict[str, str], registered: Customer
    ) -> None:
        sound = sandbox.arm.add_customer("Fabrikam")
        cli("add", sound.application_id)
        broken = (assignment(registered, "baseline", "storage1"), assignment(registered, "other"))
        LedgerNow(environment).write(facts(registered, *broken))
        found = {one["application_id"]: one["verdicts"] for one in cli("list", "--json").document["applications"]}
        assert found[registered.application_id] == "1 NonCompliant, 1 Compliant"
        assert found[sound.application_id] == "not collected yet"
        assert "1 NonCompliant" in cli("list").words

    def test_it_can_be_narrowed(self, cli: Cli, sandbox: Sandbox, registered: Customer) -> None:
        cli("add", sandbox.arm.add_customer("Fabrikam").application_id)
        cli("name", registered.application_id, "Wide World")
        found = cli("list", "--find", "wide w", "--json").document["applications"]
        assert [item["application_id"] for item in found] == [registered.application_id]

    def test_rows_that_cannot_be_collected_are_listed_too(
        self, cli: Cli, registered: Customer, environment: dict[str, str]
    ) -> None:
        with TableClient.from_connection_string(environment["AzureWebJobsStorage"], "applications") as table:
            table.create_entity({"PartitionKey": "x", "RowKey": "broken"})
        done = cli("list", "--json")
        assert [row["name"] for row in done.document["malformed"]] == ["x/broken"]
        assert "x/broken" in cli("list").words

    def test_a_registry_that_cannot_be_read_is_no_empty_list(self, cli: Cli, sandbox: Sandbox) -> None:
        sandbox.faults.add(TableRequest(), Status(403))
        done = cli("list", "--json")
        assert done.status == 1
        assert "AuthorizationFailure" in done.document["error"]
        assert "applications" not in done.document

    def test_a_missing_table_is_no_empty_list(self, cli: Cli) -> None:
        done = cli("list")
        assert done.status == 1
        assert "TABLE_NAME" in done.errors


class TestShow:
    def test_everything_that_is_known(self, cli: Cli, registered: Customer) -> None:
        done = cli("show", registered.application_id, "--json")
        assert done.status == 0
        assert done.document["managed_resource_group_id"] == registered.managed_resource_group_id
        assert len(done.document["assignments"]) == len(registered.assignments)
        assert "Storage only accepts HTTPS" in cli("show", registered.application_id).words

    def test_what_is_not_registered_or_was_removed_is_said(self, cli: Cli, registered: Customer) -> None:
        cli("remove", registered.application_id, *WHY, "--force", "--yes")
        done = cli("show", registered.application_id, "--json")
        assert (done.status, done.document["status"]) == (1, "deleted")
        other = cli("show", registered.application_id + "-2")
        assert other.status == 1
        assert "is not in the registry" in other.errors

    def test_what_the_ledger_knows(self, cli: Cli, environment: dict[str, str], registered: Customer) -> None:
        broken = assignment(registered, "baseline", "storage1", guard=weakened(registered, "baseline"))
        unread = Unread(NOW, 3, Outcome.ACCESS_DENIED, "AuthorizationFailed")
        LedgerNow(environment).write(facts(registered, broken, unread=unread))
        done = cli("show", registered.application_id, "--json")
        assert done.status == 0
        known = done.document["ledger"]
        assert known["unread"]["outcome"] == "AccessDenied"
        [shown] = known["assignments"]
        assert (shown["verdict"], shown["guard"]["state"], len(shown["open"])) == ("NonCompliant", "Weakened", 1)
        words = cli("show", registered.application_id).words
        for word in ("NonCompliant", "Weakened DoNotEnforce", "AccessDenied", "1 violations, weakened"):
            assert word in words

    def test_who_accepted_it_is_shown(self, cli: Cli, environment: dict[str, str], registered: Customer) -> None:
        LedgerNow(environment).write(facts(registered, assignment(registered, "baseline", "storage1")))
        options = ("--assignment", "baseline", "--until", "7d", "--reason", "later", "--yes")
        assert cli("accept", registered.application_id, *options).status == 0
        [shown] = cli("show", registered.application_id, "--json").document["ledger"]["assignments"]
        assert (shown["accepted"]["person"], shown["accepted"]["reason"]) == ("ada", "later")
        assert "by ada" in cli("show", registered.application_id).words

    def test_an_application_that_vanished_is_shown_from_the_ledger(
        self, cli: Cli, environment: dict[str, str], registered: Customer, sandbox: Sandbox
    ) -> None:
        lost = sandbox.arm.add_customer("Fabrikam")
        LedgerNow(environment).write(facts(lost, assignment(lost, "baseline", "storage1")))
        done = cli("show", lost.application_id, "--json")
        assert (done.status, done.document["status"]) == (1, "vanished")
        assert done.document["ledger"]["assignments"]


class TestRemove:
    def test_an_application_that_azure_calls_alive_stays(self, cli: Cli, registered: Customer) -> None:
        done = cli("remove", registered.application_id, *WHY, "--yes", "--json")
        assert done.status == 1
        assert (done.document["azure"], done.document["removed"]) == ("Alive", False)
        assert listed(cli) == [registered.application_id]

    def test_not_being_let_in_is_no_reason_to_remove(self, cli: Cli, registered: Customer) -> None:
        registered.revoke_access()
        done = cli("remove", registered.application_id, *WHY, "--yes")
        assert done.status == 1
        assert "cannot be asked" in done.errors
        assert listed(cli) == [registered.application_id]

    def test_a_removal_has_a_reason(self, cli: Cli, registered: Customer) -> None:
        assert cli("remove", registered.application_id, "--force", "--yes").status == 2
        assert listed(cli) == [registered.application_id]

    def test_a_removal_is_told_with_the_persons_name_and_the_reason(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        done = cli("remove", registered.application_id, *WHY, "--person", "Ada Lovelace", "--force", "--yes")
        assert done.status == 0
        assert "Decided by Ada Lovelace, because: the contract has ended" in done.errors
        [row] = sandbox.workspace.query("ManagedApplicationEvents_CL | where Registry_action == 'Removed'")
        assert (row["Event_type"], row["Person"], row["Reason"]) == (
            "Operator",
            "Ada Lovelace",
            "the contract has ended",
        )
        assert row["Application_id"] == registered.application_id

    def test_a_row_about_it_that_is_not_stored_is_said_and_undoes_nothing(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        sandbox.faults.add(Upload(), Status(400))
        done = cli("remove", registered.application_id, *WHY, "--force", "--yes", "--json")
        assert (done.status, done.document["removed"]) == (1, True)
        assert "1 event rows were not stored" in done.document["error"]
        assert listed(cli) == []

    @pytest.mark.parametrize("left", ["vanished", "left unconfirmed"])
    def test_what_only_the_ledger_knows_can_be_removed(
        self, cli: Cli, environment: dict[str, str], registered: Customer, left: str
    ) -> None:
        LedgerNow(environment).write(facts(registered, assignment(registered, "baseline", "storage1")))
        identity = ApplicationId.parse(registered.application_id)
        registered.revoke_access()
        with TableClient.from_connection_string(environment["AzureWebJobsStorage"], "applications") as table:
            if left == "vanished":
                table.delete_entity(identity.partition_key, identity.row_key)
            else:
                row = table.get_entity(identity.partition_key, identity.row_key)
                table.update_entity({**row, "status": "deleted", "confirmed": False, "removed_by": "Azure"})
        assert cli("remove", registered.application_id, *WHY, "--yes").status == 1
        assert cli("remove", registered.application_id, *WHY, "--yes", "--force").status == 0
        done = cli("show", registered.application_id, "--json")
        assert (done.document["confirmed"], done.document["removed_by"]) == (True, "ada")
        assert cli("remove", registered.application_id, *WHY, "--yes", "--force").status == 1

    def test_force_removes_it_all_the_same(self, cli: Cli, registered: Customer) -> None:
        assert cli("remove", registered.application_id, *WHY, "--force", "--yes").status == 0
        assert listed(cli) == []

    @pytest.mark.parametrize("going", [False, True])
    def test_what_azure_has_deleted_is_removed(self, cli: Cli, registered: Customer, going: bool) -> None:
        if going:
            registered.start_deleting()
        else:
            registered.delete()
        sandbox_says = "Deleting" if going else "Gone"
        done = cli("remove", registered.application_id, *WHY, "--yes", "--json")
        assert (done.status, done.document["removed"]) == (0, True)
        assert done.document["azure"] == sandbox_says
        assert listed(cli) == []

    def test_without_a_terminal_it_wants_a_yes(self, cli: Cli, registered: Customer) -> None:
        registered.start_deleting()
        done = cli("remove", registered.application_id, *WHY)
        assert done.status == 2
        assert "--yes" in done.errors
        assert listed(cli) == [registered.application_id]

    def test_what_is_not_registered_cannot_be_removed(self, cli: Cli, customer: Customer) -> None:
        assert cli("remove", customer.application_id, *WHY, "--yes").status == 1


class TestName:
    def test_the_name_survives_every_refresh_and_a_come_back(self, cli: Cli, registered: Customer) -> None:
        assert cli("name", registered.application_id, " Contoso Ltd ").status == 0
        registered.upgrade("2.0.0")
        cli("reconcile")
        cli("remove", registered.application_id, *WHY, "--force", "--yes")
        cli("add", registered.application_id)
        shown = cli("show", registered.application_id, "--json").document
        assert (shown["customer_name"], shown["plan_version"]) == ("Contoso Ltd", "2.0.0")

    def test_an_empty_name_is_the_subscription_again(self, cli: Cli, registered: Customer) -> None:
        cli("name", registered.application_id, "Contoso Ltd")
        done = cli("name", registered.application_id, "", "--json")
        assert done.document["customer_name"] == registered.subscription_id
        shown = cli("show", registered.application_id, "--json").document
        assert shown["customer_name"] == registered.subscription_id

    @pytest.mark.parametrize("name", ["two\nlines", "x" * 257, "\u202eosotnoC"])
    def test_a_name_is_one_short_line(self, cli: Cli, registered: Customer, name: str) -> None:
        assert cli("name", registered.application_id, name).status == 2

    def test_only_registered_customers_have_names(self, cli: Cli, customer: Customer) -> None:
        assert cli("name", customer.application_id, "Contoso Ltd").status == 1


class TestCheck:
    def test_a_registry_that_says_what_azure_says_has_no_difference(self, cli: Cli, registered: Customer) -> None:
        done = cli("check", "--json")
        assert (done.status, done.document["differences"], done.document["applications"]) == (0, [], 1)

    def test_every_kind_of_difference_is_found_and_nothing_is_changed(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        gone, refusing = (sandbox.arm.add_customer(name) for name in ("Fabrikam", "Tailspin"))
        assert cli("add", gone.application_id, refusing.application_id).status == 0
        missing = sandbox.arm.add_customer("Contoso Two", subscription_id=registered.subscription_id)
        registered.upgrade("2.0.0")
        registered.unassign("baseline")
        gone.delete()
        refusing.revoke_access()
        before = cli("list", "--json").document

        done = cli("check", "--json")

        assert done.status == 1
        found = {one["application_id"]: one for one in done.document["differences"]}
        assert {name: one["finding"] for name, one in found.items()} == {
            registered.application_id: "Changed",
            gone.application_id: "Gone",
            refusing.application_id: "Unread",
            missing.application_id: "Missing",
        }
        changes = {change["field"]: change for change in found[registered.application_id]["changes"]}
        assert changes["plan_version"] == {"field": "plan_version", "registry": "1.0.0", "azure": "2.0.0"}
        assert "baseline" in changes["assignments"]["registry"]
        assert "baseline" not in changes["assignments"]["azure"]
        assert cli("list", "--json").document == before
        assert "plan_version: 1.0.0 -> 2.0.0" in cli("check").words

    def test_the_casing_of_ids_is_no_difference(self, cli: Cli, registered: Customer) -> None:
        registered.managed_resource_group = registered.managed_resource_group.upper()
        assert cli("check", "--json").document["differences"] == []

    def test_a_subscription_that_cannot_be_searched_is_said(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        sandbox.faults.add(ApplicationList(), Status(403))
        done = cli("check", "--json")
        assert "could not be searched" in done.document["notes"][0]

    def test_other_subscriptions_can_be_searched_too(self, cli: Cli, sandbox: Sandbox, registered: Customer) -> None:
        other = sandbox.arm.add_customer("Fabrikam")
        found = cli("check", "--subscription", f" {other.subscription_id}\n", "--json").document["differences"]
        assert [(one["application_id"], one["finding"]) for one in found] == [(other.application_id, "Missing")]

    def test_a_row_that_names_no_application_is_for_nobody_here_to_repair(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        with TableClient.from_connection_string(sandbox.environment["AzureWebJobsStorage"], "applications") as table:
            table.create_entity({"PartitionKey": "nobody", "RowKey": "x", "application_id": 17})
        done = cli("check", "--json")
        assert [one["finding"] for one in done.document["differences"]] == ["Malformed"]
        assert "delete the row" in done.document["differences"][0]["reason"]
        assert (done.status, done.document["error"]) == (1, "no command repairs this: the reasons say who can")

    def test_what_add_would_refuse_is_not_advised(self, cli: Cli, sandbox: Sandbox, registered: Customer) -> None:
        foreign = sandbox.arm.add_customer("Mallory", subscription_id=registered.subscription_id)
        foreign.plan = Plan(publisher="mallory")
        done = cli("check", "--json")
        [found] = done.document["differences"]
        assert (found["application_id"], found["finding"]) == (foreign.application_id, "Unusable")
        assert "OFFERS" in found["reason"]
        assert done.document["error"] == "no command repairs this: the reasons say who can"
        assert cli("add", foreign.application_id).status == 1

    def test_a_listed_application_without_an_id_is_said(self, cli: Cli, sandbox: Sandbox, registered: Customer) -> None:
        sandbox.faults.add(ApplicationList(), Body(b'{"value": [{"id": 17, "properties": {}}]}'))
        [note] = cli("check", "--json").document["notes"]
        assert note.startswith(f"1 applications in {registered.subscription_id} cannot be told")
        done = cli("add", "--subscription", registered.subscription_id, "--json")
        assert (done.status, len(done.document["notes"])) == (1, 1)
        assert "there is none" not in done.words


class TestReconcile:
    def test_it_heals_what_check_found(self, cli: Cli, registered: Customer) -> None:
        registered.upgrade("2.0.0")
        done = cli("reconcile", "--json")
        assert (done.status, done.document["changes"]) == (0, {"Updated": 1})
        assert cli("check").status == 0

    def test_lost_access_and_failures_are_told(self, cli: Cli, sandbox: Sandbox, registered: Customer) -> None:
        registered.revoke_access()
        done = cli("reconcile", "--json")
        assert (done.status, done.document["changes"]) == (1, {"AccessLost": 1})
        assert "access lost" in cli("list").words
        sandbox.faults.add(ApplicationRead(), Status(400))
        done = cli("reconcile", "--json")
        assert (done.status, list(done.document["failures"])) == (1, [registered.application_id])


def test_every_bad_setting_is_named_with_exit_status_2(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AzureWebJobsStorage")
    monkeypatch.setenv("AZURE_TENANT_ID", "contoso")
    done = cli("list", "--json")
    assert done.status == 2
    assert [problem.partition(":")[0] for problem in done.document["settings"]] == [
        "AZURE_TENANT_ID",
        "AzureWebJobsStorage",
    ]
    assert "AZURE_TENANT_ID" in done.errors


def test_help_comes_without_settings_and_without_azure() -> None:
    script = (
        "import sys, runpy; sys.argv = ['operations', '--help']\n"
        "try: runpy.run_module('operations', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith(('azure', 'aiohttp', 'rich'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert "Exit status: 0 done" in " ".join(done.stdout.split())
    assert done.stdout.rstrip().endswith("[]")


def test_the_module_runs_as_a_program(registered: Customer, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "operations", "list", "--find", "contoso"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert registered.application_name in done.stdout


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("\n", 1)])
def test_on_a_terminal_it_asks(
    cli: Cli, registered: Customer, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    registered.start_deleting()
    keyboard = io.StringIO(answer)
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", keyboard)
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = cli("remove", registered.application_id, *WHY)
    assert done.status == status
    assert "Take" in done.errors
    assert len(listed(cli)) == status


def test_the_old_name_of_the_program_says_the_new_one() -> None:
    command = [sys.executable, "-m", "publisher", "list"]
    done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "python -m operations" in done.stderr
