"""What the program asks of Azure Resource Manager while nobody tells it to act."""

from __future__ import annotations

from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.days.conftest import ASSIGNMENT
from tests.days.days import Days

QUERIES = ("/policystates/latest/queryresults", "/providers/microsoft.resourcegraph/resources")


async def test_by_itself_the_program_only_reads_at_customers(days: Days, violating: Customer) -> None:
    await days.reconcile()
    assert await days.operate("discover", "--check") == 0
    violating.unassign(ASSIGNMENT)
    violating.remove_states(None)
    await days.collect()

    asked = days.sandbox.requests.of(Service.RESOURCE_MANAGER)
    assert {entry.method for entry in asked} == {"GET", "POST"}
    assert [entry.path for entry in asked if entry.method == "POST" and not entry.path.lower().endswith(QUERIES)] == []
