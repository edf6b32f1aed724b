"""A customer whose pages of policy states are changed on their way, and what then has to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.faults.operations import PolicyQuery
from tests.collector.test_addresses_and_pages import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.faults.effects import Effect
    from sandbox.world.customers import Customer
    from tests.collector.conftest import Fleet


async def collected(fleet: Fleet, effect: Effect, *, page_size: int | None = None) -> Customer:
    """A customer, whose pages of states were changed like this and then collected."""
    (customer,) = await fleet.deploy("Contoso")
    if page_size is not None:
        fleet.sandbox.arm.page_size = page_size
    fleet.sandbox.faults.add(PolicyQuery(), effect)
    await fleet.collect()
    return customer


def states(change: Callable[[dict[str, Any]], object]) -> Effect:
    """The right page, with each of its states changed by this."""
    return page(lambda document: [change(state) for state in document["value"]])


def assert_failed(fleet: Fleet, customer: Customer, code: str, says: str) -> None:
    result = fleet.results[customer.application_id]
    assert (result.outcome.value, result.error_code) == ("Failed", code)
    assert says in (result.error_message or "")
