"""``discover``: who is missing is told and registered once somebody asks; who is left out is told, and stays so."""

from __future__ import annotations

import json

import pytest

from sandbox.faults.effects import Body, Status
from sandbox.faults.operations import (
    ApplicationList,
    ApplicationRead,
    Upload,
)
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Access, Customer
from sandbox.world.plans import Plan
from tests.operations.command_line import WHY, Cli, listed
from tests.operations.discovering.conftest import described, listing, missing, put


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

    def test_of_a_removal_whose_time_nobody_can_read_no_day_is_told(
        self, cli: Cli, sandbox: Sandbox, customer: Customer, fabrikam: Customer
    ) -> None:
        put(sandbox, customer, deleted_at="yesterday", confirmed=True, removed_by="Azure")
        put(sandbox, fabrikam, deleted_at="", confirmed=True, removed_by="operator", removed_by_person="ada")
        done = cli("discover", "--check", "--json")
        [found], [left] = done.document["missing"], done.document["left_alone"]
        assert found["reason"] == "It was removed (confirmed), and Azure shows it to us"
        assert left["reason"] == "nobody knows when by ada"
        assert cli("show", customer.application_id, "--json").document["deleted_at"] == "yesterday"

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
