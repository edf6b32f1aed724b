"""``discover``: Azure Resource Graph shows who is in no list, and is believed in nothing else."""

from __future__ import annotations

from sandbox.faults.effects import Body, Status
from sandbox.faults.operations import (
    ApplicationList,
    ApplicationRead,
    GraphQuery,
)
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli, listed
from tests.operations.discovering.conftest import missing


class TestResourceGraph:
    def test_it_shows_who_is_in_no_list_and_azure_resource_manager_confirms_it(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer
    ) -> None:
        sandbox.faults.add(ApplicationList(), Status(403))
        done = cli("discover", "--yes", "--json")
        assert (done.status, missing(done.document)) == (1, {fabrikam.application_id: "Registered"})
        assert listed(cli) == [fabrikam.application_id]

    def test_who_is_gone_by_now_is_not_missing(self, cli: Cli, sandbox: Sandbox, fabrikam: Customer) -> None:
        sandbox.graph.fall_behind()
        fabrikam.delete()
        sandbox.arm.add_customer("Fabrikam Two", subscription_id=fabrikam.subscription_id).start_deleting()
        done = cli("discover", "--json")
        assert (done.status, missing(done.document), done.document["complete"]) == (0, {}, True)

    def test_whom_it_shows_and_azure_resource_manager_does_not_tell_about_is_told(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer
    ) -> None:
        sandbox.faults.add(ApplicationList(), Body(b'{"value": []}'))
        sandbox.faults.add(ApplicationRead(), Status(403))
        done = cli("discover", "--yes", "--json")
        assert (done.status, done.document["complete"], missing(done.document)) == (1, False, {})
        assert fabrikam.application_id in done.document["problems"][0]

    def test_it_may_be_out_of_order_and_is_missed_by_nobody(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer
    ) -> None:
        sandbox.faults.add(GraphQuery(), Status(403))
        done = cli("discover", "--yes", "--json")
        assert (done.status, missing(done.document)) == (0, {fabrikam.application_id: "Registered"})
        assert "Azure Resource Graph could not be asked" in done.document["notes"][-1]

    def test_a_quick_search_asks_it_alone_and_is_never_called_complete(
        self, cli: Cli, sandbox: Sandbox, customer: Customer, fabrikam: Customer
    ) -> None:
        sandbox.graph.hide_application(customer)
        sandbox.requests.clear()
        done = cli("discover", "--quick", "--yes", "--json")
        assert (done.status, done.document["complete"]) == (0, False)
        assert missing(done.document) == {fabrikam.application_id: "Registered"}
        lists = sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="providers/Microsoft.Solutions/applications?")
        assert lists == []
        assert "may leave out anything" in cli("discover", "--quick").words

    def test_whom_it_showed_before_it_broke_off_counts(self, cli: Cli, sandbox: Sandbox, fabrikam: Customer) -> None:
        sandbox.arm.add_customer("Contoso", subscription_id=fabrikam.subscription_id)
        sandbox.graph.page_size = 1
        sandbox.faults.add(GraphQuery(), Status(403), after=1)
        done = cli("discover", "--quick", "--yes", "--json")
        assert (done.status, len(missing(done.document)), done.document["complete"]) == (1, 1, False)
        assert "AuthorizationFailed" in done.document["error"]

    def test_a_quick_search_that_it_refuses_is_trouble(self, cli: Cli, sandbox: Sandbox, fabrikam: Customer) -> None:
        sandbox.faults.add(GraphQuery(), Status(403))
        done = cli("discover", "--quick", "--yes", "--json")
        assert (done.status, done.document["complete"]) == (1, False)
        assert "AuthorizationFailed" in done.document["error"]
