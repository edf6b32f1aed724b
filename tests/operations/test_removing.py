"""Taking an application out of the registry: only on Azure's word, or with a reason and by force."""

from __future__ import annotations

import pytest
from azure.data.tables import TableClient

from publisher.resource_ids import ApplicationId
from sandbox.faults.effects import Status
from sandbox.faults.operations import Upload
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import WHY, Cli, listed
from tests.operations.ledger_facts import LedgerNow, assignment, facts


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
