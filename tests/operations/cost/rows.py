"""Rows of past days in the workspace, and what ``cost --json`` says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from operations.cost import prices
from sandbox.local_azure import Sandbox
from tests.operations.command_line import Done
from verdicts.publication import is_turn

STATES, RESULTS, RUNS = "PolicyComplianceStates_CL", "PolicyCollectionResults_CL", "PolicyCollectionRuns_CL"
APPLICATION = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Solutions/applications/app"
MONTH = prices.DAYS_OF_A_MONTH


@contextmanager
def at(sandbox: Sandbox, moment: datetime) -> Iterator[None]:
    """The sandbox's clock stands at a moment, so that the workspace takes its rows as new ones."""
    sandbox.clock.stop(moment)
    yield
    sandbox.clock.reset()


def midnight(days_ago: int = 0) -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)


def store(sandbox: Sandbox, table: str, moment: datetime, *rows: Mapping[str, Any]) -> int:
    """Store rows as of a moment; return what is billed for their time."""
    with at(sandbox, moment):
        sandbox.workspace.insert(table, [{"TimeGenerated": moment.isoformat(), **row} for row in rows])
    return len(moment.isoformat()) * len(rows)


def store_run(sandbox: Sandbox, moment: datetime, **columns: Any) -> None:
    store(sandbox, RUNS, moment, {"Run_id": moment.isoformat(), "Duration_ms": 4000, "Applications": 8, **columns})


def store_states(sandbox: Sandbox, moment: datetime, states: int = 2, kind: str = "Compliant", **columns: Any) -> None:
    """An upload of one application's states, and the result that tells of its read."""
    one = {"Run_id": moment.isoformat(), "Application_id": APPLICATION, "Policy_assignment_id": "a", **columns}
    resources = ({"Resource_id": f"/resource/{number}", "Resource_count": 1} for number in range(states))
    store(sandbox, STATES, moment, *({**resource, **one, "Compliance_state": kind} for resource in resources))
    store_read(sandbox, moment)


def store_read(sandbox: Sandbox, moment: datetime) -> None:
    row = {"Run_id": moment.isoformat(), "Application_id": APPLICATION, "Outcome": "Succeeded"}
    store(sandbox, RESULTS, moment, row)


def tables(done: Done) -> dict[str, dict[str, Any]]:
    return {line["table"]: line for line in done.document["tables"]}


def parts(done: Done) -> dict[str, float | None]:
    return {part["name"]: part["price_a_month"] for part in done.document["parts"]}


def uploads(done: Done) -> dict[str, int]:
    return {reason: one["uploads"] for reason, one in done.document["drivers"]["uploads"].items()}


def turns(*, hours: range) -> list[datetime]:
    """The hourly moments from eight days ago at which the application's turn has come since the hour before."""
    moments = [midnight(8) + timedelta(hours=hour) for hour in hours]
    return [one for one in moments if is_turn(APPLICATION, one - timedelta(hours=1), one)]
