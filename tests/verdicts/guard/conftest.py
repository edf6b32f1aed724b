"""The guard's reading of Azure, against the sandbox."""

from __future__ import annotations

import time

import pytest

from publisher.resource_ids import ApplicationId, ResourceGroupId
from registry.managed_application import ManagedApplication
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.registry.conftest import arm, settings

__all__ = ["arm", "settings"]


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso")


def application_of(customer: Customer) -> ManagedApplication:
    """The application as the registry has it, without what a refresh would add."""
    group = ResourceGroupId.parse(customer.managed_resource_group_id)
    return ManagedApplication(ApplicationId.parse(customer.application_id), group, customer.name)


def soon(seconds: float = 10) -> float:
    return time.monotonic() + seconds
