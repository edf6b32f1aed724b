"""What customers do to the policies that watch them, and what Azure then reports."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sandbox.local_azure import Sandbox
    from sandbox.world.customers import Customer
    from tests.sandbox.conftest import Caller

EXPIRY = timedelta(hours=6, minutes=1)


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso", foreign=False)


async def reported(caller: Caller, customer: Customer) -> Counter[tuple[str, str]]:
    states = (await caller.states(customer)).body["value"]
    return Counter((one["policyAssignmentName"], one["complianceState"]) for one in states)


def latest(customer: Customer, assignment: str) -> str:
    return max(one["timestamp"] for one in customer.owned_states() if one["policyAssignmentName"] == assignment)


async def test_a_disabled_assignment_reports_everything_as_compliant_and_evaluated_anew(
    sandbox: Sandbox, caller: Caller, customer: Customer
) -> None:
    customer.break_resource("vault")
    before = latest(customer, "baseline")
    sandbox.clock.advance(timedelta(hours=1))
    customer.disable("baseline")
    found = await reported(caller, customer)
    assert ("baseline", "NonCompliant") not in found
    assert latest(customer, "baseline") > before


async def test_one_reference_can_be_disabled(caller: Caller, customer: Customer) -> None:
    customer.break_resource("vault")
    customer.disable("baseline", reference="vaultSoftDelete")
    assert (await reported(caller, customer))["baseline", "NonCompliant"] == 1


async def test_what_is_excluded_has_no_states(caller: Caller, customer: Customer) -> None:
    storage = customer.resources[0].id(customer.managed_resource_group_id)
    before = await reported(caller, customer)
    customer.exclude("baseline", storage)
    assert (await reported(caller, customer))["baseline", "Compliant"] == before["baseline", "Compliant"] - 2
    customer.exclude("baseline")
    assert {name for name, _ in await reported(caller, customer)} == {"secure-transfer", "web-https"}


async def test_an_assignment_that_is_put_back_was_written_now(
    sandbox: Sandbox, caller: Caller, customer: Customer
) -> None:
    removed = customer.unassign("baseline")
    assert {name for name, _ in await reported(caller, customer)} == {"secure-transfer", "web-https"}
    sandbox.clock.advance(timedelta(days=1))
    customer.assign(removed)
    assert customer.assignments[-1].changed_at == pytest.approx(customer.now(), abs=timedelta(seconds=5))
    assert latest(customer, "baseline") > latest(customer, "web-https")


async def test_an_exemption_that_expires_gives_the_states_back(
    sandbox: Sandbox, caller: Caller, customer: Customer
) -> None:
    customer.break_resource("vault")
    before = await reported(caller, customer)
    customer.exempt("baseline", days=0.25)
    assert ("baseline", "NonCompliant") not in await reported(caller, customer)
    sandbox.clock.advance(EXPIRY)
    assert await reported(caller, customer) == before
    assert [one.name for one in customer.exemptions] == ["waiver"], "the object stays"


async def test_an_exemption_can_be_of_one_resource(caller: Caller, customer: Customer) -> None:
    customer.exempt("secure-transfer", resource="storage1")
    found = await reported(caller, customer)
    assert (found["secure-transfer", "Exempt"], found["secure-transfer", "Compliant"]) == (1, 1)


def test_exempting_what_is_not_there_is_a_mistake(customer: Customer) -> None:
    with pytest.raises(LookupError):
        customer.exempt("baseline", references=("misspelt",))
    with pytest.raises(LookupError):
        customer.exempt("misspelt")
