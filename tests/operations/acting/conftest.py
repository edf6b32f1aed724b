"""A customer whose storage account violates what Azure Policy can repair, registered and collected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from collector.run import run_collection
from publisher.settings import CollectorSettings
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from sandbox.world.policies import NO_PUBLIC_BLOBS_ASSIGNMENT, POLICY_IDENTITY, REPAIRS, Assignment
from sandbox.world.remediation import Task
from tests.operations.command_line import Cli, Done
from tests.registry.conftest import RawTable, arm, ownership, refresher, registry, settings, table

__all__ = ["RawTable", "arm", "ownership", "refresher", "registry", "settings", "table"]

WHY = ("--reason", "repair of incident 7")
SURE = (*WHY, "--yes")
EVENTS = "ManagedApplicationEvents_CL | where Event_type == 'Operator'"

Collect = Callable[[], None]


@pytest.fixture
def collect(environment: dict[str, str]) -> Collect:
    """Collects everybody, as the timer does."""

    def collect() -> None:
        summary = asyncio.run(run_collection(CollectorSettings.from_environment(environment), trigger="test"))
        assert summary.error is None

    return collect


@dataclass
class Violated:
    """The customer, the assignment, and the commands about it."""

    cli: Cli
    sandbox: Sandbox
    customer: Customer
    assignment: Assignment

    def remediate(self, *options: str) -> Done:
        return self.cli("remediate", self.customer.application_id, "--assignment", self.assignment.name, *options)

    def create(self, *options: str) -> Done:
        return self.remediate("--create", *SURE, "--json", *options)

    def scan(self, *options: str) -> Done:
        return self.cli("scan", self.customer.application_id, "--yes", "--json", *options)

    @property
    def tasks(self) -> list[Task]:
        return list(self.customer.remediation.tasks.values())

    @property
    def acted(self) -> list[str]:
        """What was asked of Azure that changes something at the customer."""
        sent = self.sandbox.requests.of(Service.RESOURCE_MANAGER)
        reading = ("/queryResults", "/listDeployments")
        return [f"{one.method} {one.path}" for one in sent if one.method != "GET" and not one.path.endswith(reading)]

    @property
    def verdict(self) -> dict[str, object]:
        """What the ledger says of the assignment."""
        shown = self.cli("show", self.customer.application_id, "--json").document["ledger"]["assignments"]
        [found] = [one for one in shown if one["id"] == self.assignment.id.lower()]
        return dict(found)

    @property
    def events(self) -> list[tuple[str, str, str]]:
        rows = self.sandbox.workspace.query(EVENTS)
        return [
            (row["Registry_action"], row["Person"], row["Reason"])
            for row in rows
            if row["Registry_action"] != "Registered"
        ]


@pytest.fixture
def add(cli: Cli, sandbox: Sandbox, collect: Collect) -> Callable[..., Violated]:
    """Adds a customer with an assignment that has an identity with its roles, and breaks two storage accounts.

    The assignment is at the managed resource group, or at the resource `inside` it.
    """

    def add(assignment: Assignment, name: str = "Contoso", *, inside: str = "") -> Violated:
        customer = sandbox.arm.add_customer(name)
        assert cli("add", customer.application_id).status == 0
        scope = f"{customer.managed_resource_group_id}/providers/{inside}" if inside else ""
        placed = customer.assign_repairing(replace(assignment, scope=scope))
        for resource in ("storage1", "storage2"):
            customer.break_resource(resource, assignment.name)
        assert cli("add", customer.application_id).status == 0
        collect()
        return Violated(cli, sandbox, customer, placed)

    return add


@pytest.fixture
def violated(add: Callable[..., Violated]) -> Violated:
    """An assignment of one definition with the effect modify."""
    return add(NO_PUBLIC_BLOBS_ASSIGNMENT)


@pytest.fixture
def initiative(add: Callable[..., Violated]) -> Violated:
    """An assignment of an initiative with the effects modify, deployIfNotExists and audit."""
    return add(Assignment("repairs", "Repairs", REPAIRS, identity=POLICY_IDENTITY))
