"""``discover``: every subscription is searched that may have somebody, and what could not be read is told."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.faults.effects import Body, Status, html
from sandbox.faults.operations import (
    ApplicationList,
    ApplicationRead,
    SubscriptionList,
    TableRequest,
)
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli, listed
from tests.operations.discovering.conftest import described, listing, missing, put


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
