"""Finds customers by application, managed resource group or subscription, in any casing."""

from __future__ import annotations

import re
import threading
import uuid
from typing import TYPE_CHECKING

from sandbox.world.customers import DEFAULT_RESOURCES, Customer, Plan
from sandbox.world.policies import PLAN_ASSIGNMENTS, Assignment

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from sandbox.world.state_documents import Resource
    from sandbox.world.state_sources import BulkStates


class CustomerDirectory:
    """Thread-safe: tests add customers while servers look them up."""

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._applications: dict[str, Customer] = {}
        self._groups: dict[str, Customer] = {}
        self._subscriptions: dict[str, list[Customer]] = {}

    def add(
        self,
        name: str,
        *,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        application_name: str | None = None,
        managed_resource_group: str | None = None,
        kind: str = "MarketPlace",
        plan: Plan | None = None,
        resources: Iterable[Resource] = DEFAULT_RESOURCES,
        assignments: Iterable[Assignment] = PLAN_ASSIGNMENTS,
        foreign: bool = True,
        bulk: BulkStates | None = None,
    ) -> Customer:
        """A customer who has just deployed the application: everything is compliant.

        Args:
            name: what the test calls the customer; the other names derive from it.
            subscription_id: the customer's subscription, of which several customers can be in one.
            resource_group: where the application itself is.
            application_name: the application's name.
            managed_resource_group: the name of the group that holds the application's resources.
            kind: "MarketPlace" or "ServiceCatalog".
            plan: the Marketplace plan; the same for all unless given.
            resources: what is in the managed resource group.
            assignments: what the plan assigns to it.
            foreign: whether the customer has policies of their own above the group, whose states show up as well.
            bulk: thousands of generated states instead of those of `resources`.

        Raises:
            ValueError: there is such an application or managed resource group already, and it was not deleted.
        """
        short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "customer"
        customer = Customer(
            name,
            subscription_id=subscription_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.sandbox.invalid")),
            resource_group=resource_group or f"rg-{short}",
            application_name=application_name or f"{short}-analytics",
            managed_resource_group=managed_resource_group or f"mrg-{short}-analytics",
            kind=kind,
            plan=plan or Plan(),
            resources=tuple(resources),
            assignments=tuple(assignments),
            foreign=foreign,
            bulk=bulk,
            now=self._now,
        )
        with self._lock:
            self._enter(customer)
        return customer

    def move(
        self, customer: Customer, *, resource_group: str | None = None, managed_resource_group: str | None = None
    ) -> None:
        """The application moves to another resource group, which changes its id, or gets another managed one.

        Raises:
            ValueError: there is an application or managed resource group of that name already.
        """
        with self._lock:
            self._leave(customer)
            customer.relocate(resource_group, managed_resource_group)
            self._enter(customer)

    def _enter(self, customer: Customer) -> None:
        application, group = customer.application_id.lower(), customer.managed_resource_group_id.lower()
        for other in (self._applications.get(application), self._groups.get(group)):
            if other is not None and not other.deleted:
                raise ValueError(f"{customer.application_id} or its managed resource group exists already")
            if other is not None:
                self._leave(other)
        self._applications[application] = customer
        self._groups[group] = customer
        self._subscriptions.setdefault(customer.subscription_id.lower(), []).append(customer)

    def _leave(self, customer: Customer) -> None:
        self._applications.pop(customer.application_id.lower(), None)
        self._groups.pop(customer.managed_resource_group_id.lower(), None)
        neighbours = self._subscriptions.get(customer.subscription_id.lower(), [])
        if customer in neighbours:
            neighbours.remove(customer)

    def clear(self) -> None:
        """Forgets every customer."""
        with self._lock:
            self._applications.clear()
            self._groups.clear()
            self._subscriptions.clear()

    def all(self) -> list[Customer]:
        """Every customer in the order they came, those who left included."""
        with self._lock:
            return list(self._applications.values())

    def by_application(self, application_id: str) -> Customer | None:
        """The customer with this application id."""
        return self._applications.get(application_id.lower())

    def by_group(self, subscription_id: str, group: str) -> Customer | None:
        """The customer with this managed resource group."""
        return self._groups.get(f"/subscriptions/{subscription_id}/resourceGroups/{group}".lower())

    def in_subscription(self, subscription_id: str) -> list[Customer]:
        """Every customer in a subscription; an empty list means that there is no such subscription."""
        return list(self._subscriptions.get(subscription_id.lower(), ()))
