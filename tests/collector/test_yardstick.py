"""Nobody becomes compliant by moving the yardstick: what is done to an assignment closes nothing, and is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.faults.effects import html
from sandbox.faults.operations import AssignmentList, PermissionList
from sandbox.services import Service
from sandbox.world.customers import Access, Customer
from tests.collector.conftest import Fleet

HOUR = timedelta(hours=1)
VAULT = "baseline"

Deed = Callable[[Customer], object]

WEAKENINGS: dict[str, Deed] = {
    "disabled": lambda customer: customer.disable(VAULT),
    "disabled by an override": lambda customer: customer.disable(VAULT, by_override=True),
    "one rule disabled": lambda customer: customer.disable(VAULT, reference="vaultPurgeProtection"),
    "excluded": lambda customer: customer.exclude(VAULT),
    "the vault excluded": lambda customer: customer.exclude(VAULT, vault(customer)),
}


def vault(customer: Customer) -> str:
    return next(one.id(customer.managed_resource_group_id) for one in customer.resources if one.name == "vault")


@pytest.fixture
async def customer(fleet: Fleet) -> Customer:
    """A customer whose vault is a known violation."""
    customer = fleet.sandbox.arm.add_customer("Contoso")
    await fleet.register(customer, assignments=True)
    customer.break_resource("vault")
    await fleet.collect()
    return customer


async def two_days(fleet: Fleet, customer: Customer) -> None:
    """Azure evaluates and we collect, again and again."""
    for _ in range(8):
        fleet.sandbox.clock.advance(6 * HOUR)
        with customer.states.lock:
            for state in customer.states.documents:
                customer.evaluate(state, state["complianceState"])
        await fleet.collect()


@pytest.mark.parametrize("deed", WEAKENINGS.values(), ids=WEAKENINGS)
async def test_a_weakened_assignment_closes_nothing_and_its_repair_closes(
    fleet: Fleet, customer: Customer, deed: Deed
) -> None:
    known = customer.assignments
    deed(customer)
    await two_days(fleet, customer)
    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Guard"]) == ("NonCompliant", "Weakened")
    assert row["Held_reason"] in {"Weakened", "NoStates"}

    customer.assignments = tuple(one for one in customer.assignments if one.name != VAULT)
    customer.remove_states(VAULT)
    customer.assign(next(one for one in known if one.name == VAULT))
    await two_days(fleet, customer)
    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Guard"], row["Held_reason"]) == ("Compliant", "Intact", "")


async def test_a_deleted_assignment_is_withdrawn_and_its_violations_stay(fleet: Fleet, customer: Customer) -> None:
    customer.unassign(VAULT)
    await two_days(fleet, customer)
    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Guard"]) == ("NonCompliant", "Withdrawn")


@pytest.mark.parametrize("blindness", ["no right", "no permissions", "a gateway"])
async def test_what_cannot_be_seen_is_not_withdrawn_but_unread(
    fleet: Fleet, customer: Customer, blindness: str
) -> None:
    customer.unassign(VAULT)
    if blindness == "no right":
        customer.revoke_access(Access.ASSIGNMENTS)
    elif blindness == "no permissions":
        fleet.sandbox.faults.add(PermissionList(), html(404))
    else:
        fleet.sandbox.faults.add(AssignmentList(), html(404))
    await two_days(fleet, customer)
    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Guard"]) == ("NonCompliant", "Unread")


async def test_an_exemption_closes_nothing_and_expires(fleet: Fleet, customer: Customer) -> None:
    customer.exempt(VAULT, days=3, by="ops@customer.example")
    await two_days(fleet, customer)
    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Held_reason"], row["Suspended_states"]) == ("NonCompliant", "Exempt", 2)
    await two_days(fleet, customer)
    row = fleet.verdicts(customer)[VAULT]
    assert (row["Verdict"], row["Held_reason"], row["Suspended_states"]) == ("NonCompliant", "", 0)


async def test_a_deleted_resource_closes_its_violations(fleet: Fleet, customer: Customer) -> None:
    customer.remove_resource("vault")
    fleet.sandbox.clock.advance(HOUR)
    await fleet.collect()
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "Compliant"


async def test_what_judges_nothing_by_its_baseline_alerts_nobody(fleet: Fleet) -> None:
    customer = fleet.sandbox.arm.add_customer("Contoso", foreign=False)
    nowhere = [{"name": "nowhere", "selectors": [{"kind": "resourceLocation", "in": ["antarcticasouth"]}]}]
    customer.exclude("secure-transfer")
    customer.disable("web-https", by_override=True)
    customer.change_assignment(VAULT, resourceSelectors=nowhere)
    customer.remove_states(None)
    await fleet.register_as_azure_says(customer)
    fleet.sandbox.requests.clear()

    for _ in range(5):
        await fleet.collect()
        fleet.sandbox.clock.advance(24 * HOUR)

    assert len(fleet.sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="queryResults")) == 5
    assert len(fleet.sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="/policyAssignments")) == 0
    rows = fleet.verdicts(customer)
    assert {row["Alarm_key"] for row in rows.values()} == {""}
    assert {row["Expected"] for row in rows.values()} == {False}
