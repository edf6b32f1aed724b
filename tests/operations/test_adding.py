"""Registering applications by hand: one by one, or a whole subscription."""

from __future__ import annotations

import pytest

from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli, listed


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
        "arguments", [("add", "/subscriptions/1"), ("discover", "--subscription", "contoso"), ("sing",)]
    )
    def test_bad_ids_and_commands_are_bad_usage(self, cli: Cli, arguments: tuple[str, ...]) -> None:
        assert cli(*arguments).status == 2
