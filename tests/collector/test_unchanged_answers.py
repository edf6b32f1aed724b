"""Runs over a customer of whom Azure says the same as before, byte for byte, and runs in which anything else changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from publisher.resource_ids import ApplicationId
from registry.managed_application import ManagedApplication
from registry.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.world.customers import Customer
    from tests.collector.conftest import Fleet

RESULTS = "PolicyCollectionResults_CL"
OF_THE_RUN = {"TimeGenerated", "Run_id", "Duration_ms", "Last_read"}
SOON = timedelta(minutes=1)


async def again(fleet: Fleet, **settings: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Another run; the only customer's result row but for what is of the run, and the state rows."""
    fleet.sandbox.clock.advance(SOON)
    run_id = (await fleet.collect(**settings)).run.run_id
    (result,) = fleet.rows(RESULTS, Run_id=run_id)
    return {name: value for name, value in result.items() if name not in OF_THE_RUN}, fleet.rows(Run_id=run_id)


async def a_violated_customer(fleet: Fleet) -> Customer:
    """A customer in violation, whose last two answers were the same."""
    contoso = fleet.sandbox.arm.add_customer("Contoso")
    await fleet.register(contoso, assignments=True)
    contoso.break_resource("vault")
    await again(fleet)
    if await fleet.whose_turn_it_is():
        await again(fleet)
    return contoso


async def rename(fleet: Fleet, customer: Customer, renamed: Callable[[ManagedApplication], ManagedApplication]) -> None:
    application_id = ApplicationId.parse(customer.application_id)
    async with Registry(fleet.settings) as registry:
        row = await registry.find(application_id)
        async for application in registry.applications(application_id):
            assert isinstance(application, ManagedApplication)
            await registry.save(renamed(application), row)


async def test_a_run_over_an_unchanged_customer_tells_the_same_and_opens_closes_and_writes_nothing(
    fleet: Fleet,
) -> None:
    contoso = await a_violated_customer(fleet)
    facts, verdicts = await fleet.facts(contoso), fleet.verdicts(contoso)
    assert facts.states is not None
    assert facts.states.answer is not None
    result, _ = await again(fleet)
    fleet.sandbox.requests.clear()
    assert await again(fleet) == (result, [])
    assert result["States"] == len(contoso.owned_states())
    assert (result["Outcome"], result["Compliance"]) == ("Succeeded", "NonCompliant")
    assert await fleet.facts(contoso) == facts
    assert fleet.ledger_writes() == []
    for name, row in fleet.verdicts(contoso).items():
        assert (row["Verdict"], row["Since"]) == (verdicts[name]["Verdict"], verdicts[name]["Since"])


async def test_one_state_that_changed_is_seen_at_once(fleet: Fleet) -> None:
    contoso = await a_violated_customer(fleet)
    before, _ = await again(fleet)
    contoso.break_resource("web")
    result, rows = await again(fleet)
    assert result["Noncompliant_states"] > before["Noncompliant_states"]
    assert len(rows) == len(contoso.owned_states())


@pytest.mark.parametrize(
    ("renamed", "column"),
    [
        (
            lambda one: replace(
                one, assignments=tuple(replace(each, definition_display_name="Renamed") for each in one.assignments)
            ),
            "Policy_definition_display_name",
        ),
        (
            lambda one: replace(
                one, assignments=tuple(replace(each, display_name="Renamed") for each in one.assignments)
            ),
            "Policy_assignment_display_name",
        ),
    ],
    ids=["definition", "assignment"],
)
async def test_another_name_in_the_registry_is_seen_at_once(
    fleet: Fleet, renamed: Callable[[ManagedApplication], ManagedApplication], column: str
) -> None:
    contoso = await a_violated_customer(fleet)
    await again(fleet)
    await rename(fleet, contoso, renamed)
    _, rows = await again(fleet)
    assert "Renamed" in {row[column] for row in rows}


async def test_another_name_of_the_customer_is_seen_at_once(fleet: Fleet) -> None:
    contoso = await a_violated_customer(fleet)
    await again(fleet)
    async with Registry(fleet.settings) as registry:
        row = await registry.find(ApplicationId.parse(contoso.application_id))
        assert row is not None
        await registry.name_customer(row, "Renamed")
    result, rows = await again(fleet)
    assert {row["Customer_name"] for row in (result, *rows)} == {"Renamed"}
    assert len(rows) == len(contoso.owned_states())


async def test_another_setting_for_compliant_states_is_followed_at_once(fleet: Fleet) -> None:
    await a_violated_customer(fleet)
    _, rows = await again(fleet, compliant_states="summarised")
    assert max(row["Resource_count"] for row in rows) > 1


async def test_a_state_that_is_repaired_closes_at_once(fleet: Fleet) -> None:
    contoso = await a_violated_customer(fleet)
    await again(fleet)
    contoso.repair()
    result, _ = await again(fleet)
    assert result["Compliance"] == "Compliant"
    facts = await fleet.facts(contoso)
    assert [key for one in facts.assignments.values() for key in one.open] == []


async def test_a_violation_that_is_held_stays_held_while_azure_says_the_same(fleet: Fleet) -> None:
    contoso = await a_violated_customer(fleet)
    contoso.set_compliance("Error", resource="vault")
    held, _ = await again(fleet)
    for _ in range(2):
        assert await again(fleet) == (held, [])
        assert {row["Held_reason"] for row in fleet.verdicts(contoso).values()} >= {"Undecided"}
    contoso.repair()
    result, _ = await again(fleet)
    assert result["Compliance"] == "Compliant"
