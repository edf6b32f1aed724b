"""The registry against Azure: what differs, and what reconciling heals."""

from __future__ import annotations

from azure.data.tables import TableClient

from sandbox.faults.effects import Status
from sandbox.faults.operations import ApplicationRead
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli


class TestCheck:
    def test_a_registry_that_says_what_azure_says_has_no_difference(self, cli: Cli, registered: Customer) -> None:
        done = cli("check", "--json")
        assert (done.status, done.document["differences"], done.document["applications"]) == (0, [], 1)

    def test_every_kind_of_difference_is_found_and_nothing_is_changed(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        gone, refusing = (sandbox.arm.add_customer(name) for name in ("Fabrikam", "Tailspin"))
        assert cli("add", gone.application_id, refusing.application_id).status == 0
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

    def test_a_row_that_names_no_application_is_for_nobody_here_to_repair(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        with TableClient.from_connection_string(sandbox.environment["AzureWebJobsStorage"], "applications") as table:
            table.create_entity({"PartitionKey": "nobody", "RowKey": "x", "application_id": 17})
        done = cli("check", "--json")
        assert [one["finding"] for one in done.document["differences"]] == ["Malformed"]
        assert "delete the row" in done.document["differences"][0]["reason"]
        assert (done.status, done.document["error"]) == (1, "no command repairs this: the reasons say who can")


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
