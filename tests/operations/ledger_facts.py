"""Facts as a collection leaves them in the ledger, for what an operator does to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from publisher.resource_ids import ApplicationId, fold
from publisher.settings import ReconcileSettings
from registry.managed_application import ExpectedAssignment, Posture
from sandbox.world.customers import Customer
from verdicts.facts import (
    ApplicationFacts,
    AssignmentFacts,
    AssignmentGuard,
    GuardState,
    OpenKey,
    StateKey,
)
from verdicts.ledger import Entry, Ledger

NOW = datetime.now(UTC)
_Answer = TypeVar("_Answer")


def assignment_id(customer: Customer, name: str) -> str:
    return fold(f"{customer.managed_resource_group_id}/providers/Microsoft.Authorization/policyAssignments/{name}")


def open_keys(customer: Customer, *resources: str) -> tuple[OpenKey, ...]:
    opened = NOW - timedelta(days=2)
    group = fold(customer.managed_resource_group_id)
    return tuple(
        OpenKey(StateKey("", "/definition", f"{group}/providers/microsoft.storage/storageaccounts/{one}"), opened)
        for one in resources
    )


def assignment(customer: Customer, name: str, *resources: str, **fields: Any) -> AssignmentFacts:
    """An assignment that these resources violate."""
    facts = AssignmentFacts(
        id=assignment_id(customer, name),
        name=name,
        first_seen=NOW - timedelta(days=9),
        changed_at=NOW - timedelta(days=2),
        display_name=f"The {name}",
        definition_id="/providers/microsoft.authorization/policydefinitions/x",
        open=open_keys(customer, *resources),
        decided=True,
    )
    return replace(facts, **fields)


def weakened(customer: Customer, name: str) -> AssignmentGuard:
    expected = ExpectedAssignment(assignment_id(customer, name), "", "/d", "", Posture())
    seen = replace(expected, posture=Posture(enforced=False))
    return AssignmentGuard(expected, state=GuardState.WEAKENED, since=NOW, details=("DoNotEnforce",), seen=seen)


def facts(customer: Customer, *assignments: AssignmentFacts, **fields: Any) -> ApplicationFacts:
    """An application that was read an hour ago."""
    identity = ApplicationId.parse(customer.application_id)
    known = ApplicationFacts(
        application_id=str(identity),
        customer_subscription_id=identity.subscription_id,
        managed_resource_group_id=customer.managed_resource_group_id,
        registered_at=None,
        application_name=identity.name,
        customer_name=customer.name,
        plan_name=customer.plan.name,
        plan_version=customer.plan.version,
        applied_run="run",
        applied_at=NOW - timedelta(hours=1),
        changed_at=NOW - timedelta(hours=1),
        assignments={one.id: one for one in assignments},
        last_read=NOW - timedelta(hours=1),
    )
    return replace(known, **fields)


class LedgerNow:
    """The ledger as the commands left it, for tests that are no coroutines."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._settings = ReconcileSettings.from_environment(environment)

    def write(self, known: ApplicationFacts) -> None:
        async def write(ledger: Ledger) -> None:
            identity = ApplicationId.parse(known.application_id)
            entry = await ledger.find(identity)
            assert entry is None or isinstance(entry, Entry)
            await ledger.write(known, replacing=entry)

        self.ask(write)

    def facts(self, customer: Customer) -> ApplicationFacts:
        async def find(ledger: Ledger) -> ApplicationFacts:
            entry = await ledger.find(ApplicationId.parse(customer.application_id))
            assert isinstance(entry, Entry)
            return entry.facts

        return self.ask(find)

    def ask(self, question: Callable[[Ledger], Coroutine[Any, Any, _Answer]]) -> _Answer:
        async def ask() -> _Answer:
            async with Ledger(self._settings) as ledger:
                return await question(ledger)

        return asyncio.run(ask())
