"""The name that an operator gives to a customer."""

from __future__ import annotations

import pytest

from sandbox.world.customers import Customer
from tests.operations.command_line import WHY, Cli


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
