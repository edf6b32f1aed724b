"""A customer whose network is in order, of a plan with the check of security groups."""

from __future__ import annotations

import pytest

from sandbox.world.arm_documents import protected_network
from sandbox.world.customers import Customer
from tests.collector.conftest import Fleet
from tests.collector.publisher_checks.switching import settle


@pytest.fixture
async def customer(fleet: Fleet) -> Customer:
    """A customer whose network is in order, of a plan with the check of security groups."""
    customer = fleet.sandbox.arm.add_customer("Contoso")
    protected_network(customer.documents)
    await fleet.register(customer, assignments=True)
    await settle(fleet, nsg_without_deny_all={})
    return customer
