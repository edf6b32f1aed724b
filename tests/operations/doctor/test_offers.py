"""The doctor about OFFERS: what `*` means, and who is registered without being included any more."""

from __future__ import annotations

import pytest

from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.operations.doctor.findings import check, verdicts

OFFERS = "setting OFFERS"


@pytest.fixture
def customer(sandbox: Sandbox, cli: Cli) -> Customer:
    customer = sandbox.arm.add_customer("Contoso")
    assert cli("add", customer.application_id).status == 0
    return customer


def test_offers_that_are_named_are_counted(cli: Cli, customer: Customer) -> None:
    found = check(cli("doctor", "--json"), OFFERS)
    assert (found["verdict"], found["finding"]) == ("ok", "1 offers and 1 definitions count")


def test_every_offer_is_a_warning_with_what_it_means(
    cli: Cli, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFERS", "*")
    done = cli("doctor", "--json")
    found = check(done, OFFERS)
    assert (done.status, found["verdict"]) == (0, "warning")
    assert "somebody else" in found["finding"]
    assert "publisher/product" in found["next_step"]


def test_who_is_registered_and_not_included_any_more_is_named(
    cli: Cli, sandbox: Sandbox, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFERS", "contoso/another-product")
    done = cli("doctor", "--json")
    (found,) = [one for one in done.document["checks"] if "OFFERS does not include" in one["finding"]]
    assert (done.status, found["verdict"]) == (0, "warning")
    assert found["application_id"] == customer.application_id
    assert "contoso/secure-analytics" in found["finding"]
    assert "`remove`" in found["next_step"]


def test_offers_that_are_missing_are_a_bad_setting_and_the_rest_is_examined(
    cli: Cli, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OFFERS")
    done = cli("doctor", "--json")
    assert (done.status, check(done, OFFERS)["verdict"]) == (2, "failed")
    assert verdicts(done)["registry: read"] == "ok"
