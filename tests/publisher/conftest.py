"""The publisher's clients against the sandbox: the fixtures of the registry's tests."""

from __future__ import annotations

import pytest

from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer, Plan
from tests.registry.conftest import RawTable, arm, ownership, refresher, registry, settings, table

__all__ = ["RawTable", "arm", "ownership", "refresher", "registry", "settings", "table"]


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso", resource_group="rg-(höhe)_1.x", plan=Plan(version="2.1.0"))
