"""The doctor compares Azure Resource Graph with Policy Insights on customers, and says whether the probe can be trusted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.faults.effects import Status
from sandbox.faults.operations import GraphQuery, PolicyQuery
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.operations.doctor.findings import check

PROBE = "probe: Azure Resource Graph"


@pytest.fixture
def customers(sandbox: Sandbox, cli: Cli) -> list[Customer]:
    customers = [sandbox.arm.add_customer(name) for name in ("Contoso", "Fabrikam")]
    assert cli("add", *[one.application_id for one in customers]).status == 0
    customers[0].break_resource("storage1", "secure-transfer")
    return customers


def probe_check(cli: Cli, *arguments: str) -> dict[str, Any]:
    return check(cli("doctor", "--json", *(arguments or ("--probe",))), PROBE)


def graph_queries(sandbox: Sandbox) -> int:
    return len(sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="Microsoft.ResourceGraph"))


def test_where_both_count_alike_it_can_be_trusted(cli: Cli, customers: list[Customer]) -> None:
    assert len(customers) == 2
    found = probe_check(cli)
    assert found["verdict"] == "ok"
    assert found["finding"] == (
        "agrees with Policy Insights for 2 of 2 applications: trust it to bring collections forward"
    )


def test_it_is_examined_where_the_probe_is_switched_on_or_where_somebody_asks(
    cli: Cli, sandbox: Sandbox, customers: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = cli("doctor", "--json")
    assert PROBE not in {one["name"] for one in done.document["checks"]}
    assert graph_queries(sandbox) == 0
    monkeypatch.setenv("PROBE_SCHEDULE", "0 */5 * * * *")
    assert check(cli("doctor", "--json"), PROBE)["verdict"] == "ok"
    assert graph_queries(sandbox) == 1
    assert customers


def test_numbers_that_differ_are_named_and_it_is_not_trusted_yet(
    cli: Cli, sandbox: Sandbox, customers: list[Customer]
) -> None:
    contoso, _ = customers
    owned = len(contoso.owned_states())
    sandbox.graph.fall_behind()
    contoso.break_resource("vault", "baseline")
    broken = sum(state["complianceState"] == "NonCompliant" for state in contoso.owned_states())

    done = cli("doctor", "--json", "--probe")

    found = check(done, PROBE)
    assert (done.status, found["verdict"]) == (0, "warning")
    assert "agrees with Policy Insights for 1 of 2 applications" in found["finding"]
    assert f"(1/{owned - 1}/0 there, {broken}/{owned - broken}/0 in Policy Insights)" in found["finding"]
    assert found["finding"].endswith("do not trust it yet")
    assert found["next_step"].startswith("ask again in a quarter of an hour")


def test_where_nothing_comes_it_is_not_trusted(cli: Cli, sandbox: Sandbox, customers: list[Customer]) -> None:
    sandbox.graph.hide(lambda *_: True)
    found = probe_check(cli)
    assert found["verdict"] == "warning"
    assert "agrees with Policy Insights for 0 of 2 applications; nothing came for contoso-analytics" in found["finding"]
    assert found["next_step"].startswith("leave PROBE_SCHEDULE empty")
    assert customers


def test_that_both_have_nothing_is_no_agreement(cli: Cli, customers: list[Customer]) -> None:
    for customer in customers:
        customer.remove_states()
    found = probe_check(cli)
    assert found["verdict"] == "skipped"
    assert "no application could be read to compare with" in found["finding"]


def test_who_cannot_be_read_is_not_compared(cli: Cli, sandbox: Sandbox, customers: list[Customer]) -> None:
    contoso, _ = customers
    sandbox.faults.add(PolicyQuery(contoso), Status(403))
    finding = probe_check(cli)["finding"]
    assert "agrees with Policy Insights for 1 of 1 applications; could not be compared" in finding
    assert "AuthorizationFailed" in finding


def test_a_query_that_fails_is_a_failed_check_with_its_cause(
    cli: Cli, sandbox: Sandbox, customers: list[Customer]
) -> None:
    sandbox.faults.add(GraphQuery(), Status(400, code="NoValidSubscriptionsInQueryRequest"))
    done = cli("doctor", "--json", "--probe")
    found = check(done, PROBE)
    assert (done.status, found["verdict"]) == (1, "failed")
    assert "shows the service principal none of these subscriptions" in found["finding"]
    assert customers


def test_at_most_ten_are_compared_and_the_chosen_one_alone(cli: Cli, sandbox: Sandbox) -> None:
    customers = [sandbox.arm.add_customer(f"Customer {number}") for number in range(12)]
    assert cli("add", *[one.application_id for one in customers]).status == 0
    assert "for 10 of 10 applications" in probe_check(cli)["finding"]
    one = probe_check(cli, "--probe", "--application", customers[11].application_id)
    assert "for 1 of 1 applications" in one["finding"]


def test_states_are_counted_as_the_ledger_counts_them(cli: Cli, sandbox: Sandbox) -> None:
    """Pages repeat states, and Resource Graph has each of them once."""
    contoso = sandbox.arm.add_customer("Contoso")
    assert cli("add", contoso.application_id).status == 0
    sandbox.arm.page_size = 4
    sandbox.graph.fall_behind()
    contoso.add_state()
    assert probe_check(cli)["verdict"] == "ok"


def test_a_schedule_that_brings_nothing_forward_is_a_finding(
    cli: Cli, customers: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROBE_SCHEDULE", "0 0 * * * *")
    done = cli("doctor", "--json")
    assert done.status == 2
    assert "COLLECTION_SCHEDULE has 60 minutes" in check(done, "setting PROBE_SCHEDULE")["finding"]
    assert json.dumps(done.document)
    assert customers
