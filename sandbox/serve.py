"""``python -m sandbox serve``: only the Azure services, as a process that is driven over standard input.

It prints one JSON line when it is ready, answers each line on standard input with one JSON line, and ends at the end of
standard input or on SIGTERM.
"""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import orjson

from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.state_sources import BulkStates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Fleet:
    """`customers` generated customers, each in a subscription of its own, with `states` generated states."""

    customers: int
    states: int
    noncompliant_every: int = 10
    foreign_every: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """The fleet that `"500x300"` describes: customers, then states of each; raises ValueError for other texts."""
        customers, _, states = text.partition("x")
        return cls(int(customers), int(states))


@dataclass(frozen=True, slots=True)
class Served:
    """What to serve: a fleet, and how many seconds each service takes to answer."""

    fleet: Fleet
    latency: Mapping[Service, float] = field(default_factory=dict)
    keep_rows: bool = False


def serve(what: Served) -> None:
    """Serves until standard input ends or SIGTERM comes.

    The first line has `environment` (every setting) and `applications` (application and managed resource group ids).
    The lines `report` and `clear` on standard input are answered with what was counted since the last `clear`.
    """
    signal.signal(signal.SIGTERM, _leave)
    with Sandbox(count_rows_only=not what.keep_rows) as sandbox:
        bulk = BulkStates(what.fleet.states, what.fleet.noncompliant_every, what.fleet.foreign_every)
        for number in range(what.fleet.customers):
            sandbox.arm.add_customer(f"customer {number:05}", bulk=bulk, foreign=False)
        for service, seconds in what.latency.items():
            sandbox.set_latency(service, seconds)
        _say(ready(sandbox))
        answers: dict[str, Callable[[], Any]] = {"report": lambda: report(sandbox), "clear": lambda: _clear(sandbox)}
        for line in sys.stdin:
            answer = answers.get(line.strip())
            _say(answer() if answer else {"error": "say report or clear"})


def ready(sandbox: Sandbox) -> dict[str, Any]:
    """Return the first line: every setting, and the ids of the applications."""
    return {
        "environment": sandbox.environment,
        "applications": [
            {"applicationId": customer.application_id, "managedResourceGroupId": customer.managed_resource_group_id}
            for customer in sandbox.arm.customers.all()
        ],
    }


def report(sandbox: Sandbox) -> dict[str, Any]:
    """What was counted: requests by service and status, the most at once, tokens by audience, rows by table."""
    return {
        "requests": sandbox.requests.totals(),
        "mostAtOnce": {service.value: sandbox.requests.most_at_once(service) for service in Service},
        "tokens": sandbox.directory.tokens_issued(),
        "uploads": len(sandbox.ingestion.accepted),
        "rows": sandbox.rows.counts(),
        "checksums": sandbox.rows.checksums(),
    }


def _clear(sandbox: Sandbox) -> dict[str, Any]:
    counted = report(sandbox)
    sandbox.clear_counts()
    return counted


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(message).decode() + "\n")
    sys.stdout.flush()


def _leave(_signal: int, _frame: object) -> None:
    raise SystemExit(0)
