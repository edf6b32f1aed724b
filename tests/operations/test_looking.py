"""What an operator is shown of the registry and the ledger: the list, and one application."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from azure.data.tables import TableClient

from sandbox.faults.effects import Status
from sandbox.faults.operations import TableRequest
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import WHY, Cli
from tests.operations.ledger_facts import NOW, LedgerNow, assignment, facts, weakened
from verdicts.facts import PlanVersion, Unread
from verdicts.outcome import Outcome


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

    def test_what_is_overdue_is_shown_by_the_settings_of_the_plan(
        self, cli: Cli, environment: dict[str, str], registered: Customer, tmp_path: Path
    ) -> None:
        broken = assignment(registered, "baseline", "storage1")
        since = (PlanVersion("0.9.0", NOW - timedelta(days=9)), PlanVersion("1.0.0", NOW - timedelta(days=1)))
        LedgerNow(environment).write(facts(registered, broken, versions=since))
        [before] = cli("show", registered.application_id, "--json").document["ledger"]["assignments"]
        assert (before["severity"], before["is_overdue"], before["opened_in_version"]) == ("medium", False, "0.9.0")
        settings = tmp_path / "plan.json"
        settings.write_text(
            '{"plan": "standard", "severities": {"baseline": "critical"}, "overdue_after_days": {"critical": 1}}'
        )
        assert cli("plan", "settle", "--file", str(settings), "--reason", "agreed", "--yes").status == 0
        done = cli("show", registered.application_id, "--json").document["ledger"]
        [shown] = done["assignments"]
        assert (shown["severity"], shown["is_overdue"], done["overdue_assignments"]) == ("critical", True, 1)
        assert datetime.fromisoformat(shown["due_by"]) == broken.open[0].opened_at + timedelta(days=1)
        assert [one["version"] for one in done["versions"]] == ["0.9.0", "1.0.0"]
        words = cli("show", registered.application_id).words
        for word in ("Critical", f"{broken.open[0].opened_at + timedelta(days=1):%Y-%m-%d}", "overdue"):
            assert word in words
        [listed] = cli("list", "--json").document["applications"]
        assert (listed["verdicts"], listed["overdue_assignments"]) == ("1 overdue, 1 NonCompliant", 1)

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
