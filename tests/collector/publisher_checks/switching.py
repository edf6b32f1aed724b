"""How a test switches checks on at customers, lets time pass, and looks at what was published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sandbox.world.arm_documents import security_rule
from sandbox.world.customers import Customer
from tests.collector.conftest import Fleet
from verdicts.ledger import Ledger
from verdicts.plan_settings import PlanSettings

HOUR = timedelta(hours=1)
NSG, TAG, ROUTES, ROLES = (
    "nsg-without-deny-all",
    "vnet-tag-with-default-route",
    "route-past-firewall",
    "identity-with-wide-role",
)
OPEN = {"securityRules": [security_rule("https", 100, "Allow", protocol="Tcp")]}
CLOSED = {"securityRules": [security_rule("deny-all", 4096, "Deny")]}


async def settle(fleet: Fleet, plan: str = "standard", **checks: Mapping[str, Sequence[str]]) -> None:
    """An operator settles which checks are on; names have underscores for hyphens."""
    named = {name.replace("_", "-"): {key: tuple(one) for key, one in given.items()} for name, given in checks.items()}
    async with Ledger(fleet.settings) as ledger:
        await ledger.settle(
            PlanSettings(plan, checks=named, settled_at=fleet.sandbox.clock(), person="ada", reason="r")
        )


async def later(fleet: Fleet, hours: float = 1, **how: Any) -> None:
    fleet.sandbox.clock.advance(hours * HOUR)
    await fleet.collect(**how)


def check(fleet: Fleet, name: str = NSG, customer: Customer | None = None) -> dict[str, Any]:
    return fleet.verdicts(customer)[f"publisher-check/{name}"]
