"""``discover``: applications of ours that no notification told of are found, told, and registered once somebody asks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure.data.tables import TableClient

from sandbox.faults.effects import Body, Status, html
from sandbox.faults.operations import (
    ApplicationList,
    ApplicationRead,
    GraphQuery,
    SubscriptionList,
    TableRequest,
    Upload,
)
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Access, Customer
from sandbox.world.plans import Plan
from tests.operations.command_line import WHY, Cli, listed


def missing(document: dict[str, Any]) -> dict[str, str | None]:
    """What became of each application that was missing."""
    return {one["application_id"]: one["result"] for one in document["missing"]}


@pytest.fixture
def fabrikam(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Fabrikam")


class TestWhoIsMissing:
    def test_is_told_and_nothing_is_changed(
        self, cli: Cli, sandbox: Sandbox, registered: Customer, fabrikam: Customer
    ) -> None:
        sandbox.workspace.clear()
        done = cli("discover", "--check", "--json")
        assert (done.status, done.document["complete"]) == (1, True)
        assert missing(done.document) == {fabrikam.application_id: None}
        assert "1 applications are not registered" in done.document["error"]
        assert listed(cli) == [registered.application_id]
        assert sandbox.workspace.query("ManagedApplicationEvents_CL") == []
        assert fabrikam.application_id in cli("discover", "--check").words

    def test_is_registered_with_who_did_it_and_why(self, cli: Cli, sandbox: Sandbox, fabrikam: Customer) -> None:
        done = cli("discover", "--yes", "--person", "Ada", "--reason", "before the webhook", "--json")
        assert (done.status, missing(done.document)) == (0, {fabrikam.application_id: "Registered"})
        [row] = sandbox.workspace.query("ManagedApplicationEvents_CL")
        assert (row["Event_type"], row["Registry_action"]) == ("Operator", "Registered")
        assert (row["Person"], row["Reason"], row["Plan_name"]) == ("Ada", "before the webhook", "standard")
        again = cli("discover", "--check", "--json")
        assert (again.status, missing(again.document), again.document["error"]) == (0, {}, None)

    def test_is_not_registered_without_a_terminal_or_a_yes(self, cli: Cli, fabrikam: Customer) -> None:
        done = cli("discover")
        assert done.status == 2
        assert fabrikam.application_id in done.output
        assert "--yes" in done.errors
        assert missing(cli("discover", "--check", "--json").document) == {fabrikam.application_id: None}

    def test_everybody_who_is_registered_needs_nobodys_word(self, cli: Cli, registered: Customer) -> None:
        done = cli("discover", "--json")
        assert (done.status, done.document["complete"], done.document["subscriptions"]) == (0, True, 1)

    def test_one_that_cannot_be_registered_keeps_no_other_out(
        self, cli: Cli, sandbox: Sandbox, customer: Customer, fabrikam: Customer
    ) -> None:
        sandbox.faults.add(ApplicationRead(customer), Status(400, code="Strange"))
        done = cli("discover", "--yes", "--json")
        assert done.status == 1
        results = missing(done.document)
        assert (results[customer.application_id], results[fabrikam.application_id]) == ("RequestRefused", "Registered")
        assert listed(cli) == [fabrikam.application_id]
        assert "1 of 2 applications were not registered" in done.document["error"]

    def test_is_registered_although_the_row_that_tells_of_it_is_not_stored(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer
    ) -> None:
        sandbox.faults.add(Upload(), Status(400, code="Broken"))
        done = cli("discover", "--yes", "--json")
        assert done.status == 1
        assert "it is done, but 1 event rows were not stored" in done.document["error"]
        assert listed(cli) == [fabrikam.application_id]


class TestWhereItLooks:
    def test_every_page_of_subscriptions_and_of_applications_is_read(self, cli: Cli, sandbox: Sandbox) -> None:
        first = sandbox.arm.add_customer("Contoso 0")
        customers = [first] + [
            sandbox.arm.add_customer(f"Contoso {number}", subscription_id=first.subscription_id)
            for number in range(1, 5)
        ]
        customers += [sandbox.arm.add_customer(f"Fabrikam {number}") for number in range(4)]
        sandbox.arm.list_page_size = 2
        done = cli("discover", "--check", "--json")
        assert set(missing(done.document)) == {one.application_id for one in customers}
        assert done.document["subscriptions"] == 5

    def test_a_subscription_that_azure_does_not_list_is_searched_when_the_registry_knows_it(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        second = sandbox.arm.add_customer("Contoso Two", subscription_id=registered.subscription_id)
        sandbox.arm.unlisted_subscriptions = {registered.subscription_id}
        sandbox.graph.hide_application(second)
        assert set(missing(cli("discover", "--check", "--json").document)) == {second.application_id}

    def test_so_is_one_of_which_only_a_tombstone_is_left(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        registered.delete()
        assert cli("reconcile").status == 0
        second = sandbox.arm.add_customer("Contoso Two", subscription_id=registered.subscription_id)
        sandbox.arm.unlisted_subscriptions = {registered.subscription_id}
        assert set(missing(cli("discover", "--check", "--json").document)) == {second.application_id}

    def test_one_subscription_alone(self, cli: Cli, customer: Customer, fabrikam: Customer) -> None:
        done = cli("discover", "--subscription", f" {fabrikam.subscription_id.upper()}\n", "--yes", "--json")
        assert (done.status, done.document["subscriptions"]) == (0, 1)
        assert listed(cli) == [fabrikam.application_id]

    def test_nothing_to_be_seen_is_not_called_nothing_there(self, cli: Cli, customer: Customer) -> None:
        customer.revoke_access()
        done = cli("discover", "--subscription", customer.subscription_id)
        assert "authorizations" in done.words

    @pytest.mark.parametrize("state", ["Warned", "PastDue", "Disabled"])
    def test_a_subscription_in_trouble_is_searched_like_any_other(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer, state: str
    ) -> None:
        sandbox.arm.subscription_states[fabrikam.subscription_id] = state
        assert missing(cli("discover", "--check", "--json").document) == {fabrikam.application_id: None}
        sandbox.faults.add(ApplicationList(), Status(409, code="ReadOnlyDisabledSubscription"))
        [unread] = cli("discover", "--check", "--json").document["unread"]
        assert unread["state"] == state
        assert unread["reason"].endswith(f"; Azure calls the subscription {state}")

    def test_ids_in_another_letter_case_are_the_same_applications(self, cli: Cli, registered: Customer) -> None:
        registered.resource_group, registered.subscription_id = "RG-CONTOSO", registered.subscription_id.upper()
        done = cli("discover", "--check", "--json")
        assert (done.status, missing(done.document), done.document["not_seen"]) == (0, {}, [])


class TestWhatCouldNotBeRead:
    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (403, "AuthorizationFailed"),
            (404, "SubscriptionNotFound"),
            (401, "InvalidAuthenticationTokenTenant"),
            (400, "NoRegisteredProviderFound"),
        ],
    )
    def test_is_told_by_name_and_hides_nobody_else(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer, status: int, code: str
    ) -> None:
        customer = sandbox.arm.add_customer("Contoso")
        sandbox.faults.add(ApplicationList(customer.subscription_id), Status(status, code=code))
        sandbox.graph.hide_application(customer)
        done = cli("discover", "--yes", "--json")
        assert (done.status, done.document["complete"], done.document["subscriptions"]) == (1, False, 1)
        [unread] = done.document["unread"]
        assert (unread["subscription_id"], unread["name"]) == (customer.subscription_id, "Subscription of Contoso")
        assert unread["reason"].startswith(code)
        assert listed(cli) == [fabrikam.application_id]
        assert "1 subscriptions could not be read" in done.document["error"]
        assert f"Subscription of Contoso ({customer.subscription_id})" in cli("discover", "--check").words

    @pytest.mark.parametrize("effect", [Status(429), Status(500), html()])
    def test_is_asked_again_first_when_it_may_pass(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer, effect: Any
    ) -> None:
        sandbox.faults.add(ApplicationList(), effect, times=1)
        done = cli("discover", "--check", "--json")
        assert (done.document["complete"], missing(done.document)) == (True, {fabrikam.application_id: None})

    def test_a_list_that_breaks_off_counts_as_far_as_it_was_read(self, cli: Cli, sandbox: Sandbox) -> None:
        first, second = (
            sandbox.arm.add_customer(name, subscription_id="abcdef00-0000-4000-8000-00000000000a")
            for name in ("Contoso", "Fabrikam")
        )
        sandbox.arm.list_page_size = 1
        sandbox.graph.hide_application(second)
        sandbox.faults.add(ApplicationList(), Status(403), after=1)
        done = cli("discover", "--check", "--json")
        assert (done.document["complete"], missing(done.document)) == (False, {first.application_id: None})

    def test_entries_that_make_no_sense_are_told_and_hide_nobody(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer
    ) -> None:
        body = f'{{"value": [null, 7, {{}}, {{"id": 17}}, {{"id": "{fabrikam.application_id}", "plan": {{"publisher": '
        body += '"contoso", "product": "secure-analytics"}, "properties": {"managedResourceGroupId": '
        body += f'"{fabrikam.managed_resource_group_id}"}}}}]}}'
        sandbox.faults.add(ApplicationList(), Body(body.encode()))
        done = cli("discover", "--check", "--json")
        assert (done.document["complete"], missing(done.document)) == (False, {fabrikam.application_id: None})
        assert done.document["unread"][0]["reason"].startswith("4 entries of Azure's list cannot be told")

    @pytest.mark.parametrize(
        "left_out",
        [{"plan": None}, {"properties": None}, {"plan": {"publisher": "contoso"}}, {"properties": {}}],
        ids=["plan", "properties", "half of the plan", "group"],
    )
    def test_whom_an_entry_does_not_describe_is_asked_for_by_id(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer, left_out: dict[str, Any]
    ) -> None:
        sandbox.faults.add(ApplicationList(), listing(described(fabrikam) | left_out))
        done = cli("discover", "--yes", "--json")
        assert (done.status, done.document["complete"], done.document["not_ours"]) == (0, True, [])
        assert missing(done.document) == {fabrikam.application_id: "Registered"}

    def test_whom_two_entries_describe_differently_is_asked_for_by_id(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer
    ) -> None:
        going = described(fabrikam) | {"id": fabrikam.application_id.upper()}
        going["properties"] = going["properties"] | {"provisioningState": "Deleting"}
        sandbox.faults.add(ApplicationList(), listing(described(fabrikam), going))
        done = cli("discover", "--yes", "--json")
        assert (done.status, done.document["deleting"]) == (0, [])
        assert missing(done.document) == {fabrikam.application_id: "Registered"}

    def test_whom_nothing_describes_is_told_and_called_neither_foreign_nor_unusable(
        self, cli: Cli, sandbox: Sandbox, registered: Customer, fabrikam: Customer
    ) -> None:
        bare = [{"id": one.application_id} for one in (registered, fabrikam)]
        sandbox.faults.add(ApplicationList(), listing(*bare))
        sandbox.faults.add(ApplicationRead(fabrikam), Status(403))
        done = cli("discover", "--yes", "--json")
        assert (done.status, done.document["complete"], missing(done.document)) == (1, False, {})
        assert (done.document["not_ours"], done.document["unusable"], done.document["not_seen"]) == ([], [], [])
        [problem] = done.document["problems"]
        assert problem.startswith(f"Azure shows {fabrikam.application_id}, and it could not be read")

    def test_the_list_of_subscriptions_is_told_and_the_registrys_are_searched(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        second = sandbox.arm.add_customer("Contoso Two", subscription_id=registered.subscription_id)
        sandbox.faults.add(SubscriptionList(), Status(403))
        done = cli("discover", "--yes", "--json")
        assert (done.status, done.document["complete"]) == (1, False)
        assert "the list of subscriptions could not be read: AuthorizationFailed" in done.document["error"]
        assert sorted(listed(cli)) == sorted([registered.application_id, second.application_id])

    def test_entries_of_the_list_of_subscriptions_that_name_none_are_told(
        self, cli: Cli, sandbox: Sandbox, fabrikam: Customer
    ) -> None:
        body = f'{{"value": [null, {{"state": "Enabled"}}, {{"id": "/subscriptions/{fabrikam.subscription_id}"}}]}}'
        sandbox.faults.add(SubscriptionList(), Body(body.encode()))
        done = cli("discover", "--check", "--json")
        assert (done.document["complete"], missing(done.document)) == (False, {fabrikam.application_id: None})
        assert "2 entries of the list of subscriptions name no subscription" in done.document["error"]

    def test_a_registry_that_cannot_be_read_makes_nobody_missing(
        self, cli: Cli, sandbox: Sandbox, registered: Customer
    ) -> None:
        sandbox.faults.add(TableRequest("GET", "applications"), Status(403))
        done = cli("discover", "--yes", "--json")
        assert done.status == 1
        assert "missing" not in done.document
        assert sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="/subscriptions?") == []

    def test_where_everybody_has_left_a_closed_door_is_told_and_no_trouble(
        self, cli: Cli, sandbox: Sandbox, registered: Customer, fabrikam: Customer
    ) -> None:
        registered.delete()
        assert cli("reconcile").status == 0
        sandbox.faults.add(ApplicationList(registered.subscription_id), Status(404, code="SubscriptionNotFound"))
        done = cli("discover", "--yes", "--json")
        assert (done.status, done.document["complete"], done.document["unread"]) == (0, True, [])
        [closed] = done.document["out_of_sight"]
        assert closed["subscription_id"] == registered.subscription_id
        asked = cli("discover", "--subscription", registered.subscription_id, "--json")
        assert (asked.status, asked.document["complete"]) == (1, False)

    def test_where_a_deletion_is_not_confirmed_a_closed_door_is_trouble(
        self, cli: Cli, sandbox: Sandbox, customer: Customer
    ) -> None:
        put(sandbox, customer, confirmed=False, removed_by="Azure")
        sandbox.arm.unlisted_subscriptions = {customer.subscription_id}
        sandbox.faults.add(ApplicationList(customer.subscription_id), Status(403))
        sandbox.graph.hide_application(customer)
        done = cli("discover", "--json")
        assert (done.status, [one["subscription_id"] for one in done.document["unread"]]) == (
            1,
            [customer.subscription_id],
        )


class TestWhoIsLeftOut:
    def test_what_an_operator_removed_is_left_alone_and_told(self, cli: Cli, registered: Customer) -> None:
        assert cli("remove", registered.application_id, *WHY, "--force", "--yes").status == 0
        done = cli("discover", "--yes", "--json")
        assert (done.status, missing(done.document)) == (0, {})
        [left] = done.document["left_alone"]
        assert left["application_id"] == registered.application_id
        assert "by ada: the contract has ended" in left["reason"]
        assert "an operator removed it" in cli("discover").words
        assert listed(cli) == []

    @pytest.mark.parametrize(("confirmed", "said"), [(True, "confirmed"), (False, "unconfirmed")])
    def test_who_was_removed_without_an_operators_word_and_lives_is_registered_again(
        self, cli: Cli, sandbox: Sandbox, customer: Customer, *, confirmed: bool, said: str
    ) -> None:
        put(sandbox, customer, confirmed=confirmed, removed_by="Azure")
        done = cli("discover", "--yes", "--json")
        assert missing(done.document) == {customer.application_id: "Registered"}
        assert f"removed on 2026-03-01 ({said})" in done.document["missing"][0]["reason"]
        registered_at = cli("show", customer.application_id, "--json").document["registered_at"]
        assert (registered_at is not None) is confirmed, "a new incarnation begins after a confirmed removal"

    def test_a_tombstone_of_nothing_that_was_removed_hides_nobody(
        self, cli: Cli, sandbox: Sandbox, customer: Customer
    ) -> None:
        put(sandbox, customer, confirmed=False, removed_by="notification")
        assert missing(cli("discover", "--yes", "--json").document) == {customer.application_id: "Registered"}

    def test_what_is_not_ours_is_told_and_is_no_trouble(self, cli: Cli, sandbox: Sandbox, registered: Customer) -> None:
        foreign = sandbox.arm.add_customer("Mallory", subscription_id=registered.subscription_id)
        foreign.plan = Plan(publisher="mallory")
        done = cli("discover", "--json")
        assert (done.status, missing(done.document)) == (0, {})
        assert [one["application_id"] for one in done.document["not_ours"]] == [foreign.application_id]
        assert "1 applications are not yours" in cli("discover").words

    def test_what_is_being_deleted_is_left_out(self, cli: Cli, sandbox: Sandbox, fabrikam: Customer) -> None:
        fabrikam.start_deleting()
        done = cli("discover", "--json")
        assert (done.status, missing(done.document)) == (0, {})
        assert done.document["deleting"] == [fabrikam.application_id]

    def test_who_is_registered_and_not_listed_is_told_and_stays(
        self, cli: Cli, sandbox: Sandbox, registered: Customer, fabrikam: Customer
    ) -> None:
        assert cli("add", fabrikam.application_id).status == 0
        registered.revoke_access(Access.APPLICATION)
        done = cli("discover", "--json")
        assert (done.status, done.document["not_seen"]) == (0, [registered.application_id])
        assert registered.application_id in listed(cli)

    def test_one_without_a_usable_group_is_told_as_such(self, cli: Cli, sandbox: Sandbox, fabrikam: Customer) -> None:
        entry = described(fabrikam) | {"properties": {"managedResourceGroupId": "mrg"}}
        sandbox.faults.add(ApplicationList(), listing(entry))
        sandbox.faults.add(ApplicationRead(), Body(json.dumps(entry).encode()))
        done = cli("discover", "--yes", "--json")
        assert (done.status, missing(done.document)) == (1, {})
        assert [one["application_id"] for one in done.document["unusable"]] == [fabrikam.application_id]

    def test_a_malformed_row_is_a_row(self, cli: Cli, sandbox: Sandbox, registered: Customer) -> None:
        put(sandbox, registered, status="odd")
        done = cli("discover", "--check", "--json")
        assert (missing(done.document), done.document["notes"]) == (
            {},
            ["1 rows of the registry cannot be read, and count as registered: `check` tells why"],
        )


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


def described(customer: Customer) -> dict[str, Any]:
    """An entry of ARM's list, as far as discovery reads it."""
    return {
        "id": customer.application_id,
        "plan": {"publisher": "contoso", "product": "secure-analytics"},
        "properties": {"managedResourceGroupId": customer.managed_resource_group_id},
    }


def listing(*entries: dict[str, Any]) -> Body:
    return Body(json.dumps({"value": entries}).encode())


def put(sandbox: Sandbox, customer: Customer, **properties: Any) -> None:
    """Write a tombstone, unless told otherwise, in the place of the customer's row."""
    row = {
        "PartitionKey": customer.subscription_id,
        "RowKey": f"|{customer.resource_group}|{customer.application_name}",
        "application_id": customer.application_id,
        "status": "deleted",
        "deleted_at": "2026-03-01T00:00:00.000000Z",
        **properties,
    }
    connection = sandbox.environment["AzureWebJobsStorage"]
    with TableClient.from_connection_string(connection, "applications") as table:
        if table.table_name not in _tables(connection):
            table.create_table()
        table.upsert_entity(row)


def _tables(connection: str) -> set[str]:
    from azure.data.tables import TableServiceClient  # noqa: PLC0415

    with TableServiceClient.from_connection_string(connection) as service:
        return {one.name for one in service.list_tables()}
