"""The daily reconciliation: every row of the registry is refreshed, so that it heals from what no notification told.

Applications are streamed from the table to a few workers; one application's failure never touches another's.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from publisher.errors import AzureFailure
from publisher.resource_ids import ApplicationId
from registry.managed_application import MalformedRow, ManagedApplication
from registry.refresh import Change, Refresher

_LOGGER = logging.getLogger(__name__)
_WORKERS: Final = 8
_SECONDS_PER_APPLICATION: Final = 120.0
_NAMED_FAILURES: Final = 10
_LATELY: Final = timedelta(days=30)
"""For how long those who left are looked at again."""


class ReconciliationFailed(Exception):  # noqa: N818 - named for what happened
    """Some applications could not be refreshed; the message counts them and names the first few."""


@dataclass(slots=True)
class Reconciliation:
    """What became of the applications: how many by `Change`, and what failed, by name."""

    changes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    broken_off: AzureFailure | None = None
    """Why the registry could not be read to its end."""

    def raise_for_failures(self) -> None:
        """Raise ReconciliationFailed when anything failed."""
        if self.broken_off is not None:
            raise ReconciliationFailed(f"the registry was not read to its end: {self.broken_off}") from self.broken_off
        if not self.failures:
            return
        first = "; ".join(f"{name}: {reason}" for name, reason in list(self.failures.items())[:_NAMED_FAILURES])
        more = len(self.failures) - _NAMED_FAILURES
        rest = f"; and {more} more" if more > 0 else ""
        raise ReconciliationFailed(f"{len(self.failures)} applications were not refreshed: {first}{rest}")


async def reconcile_registry(refresher: Refresher, *, deadline: float) -> Reconciliation:
    """Refresh every active application, look again at those who left lately, and return what became of each.

    `deadline` is in seconds of `time.monotonic`; what is not reached by then is a failure. A malformed row is rewritten
    from what ARM says as long as it tells which application it is about.
    """
    result = Reconciliation()
    applications = _everything(refresher)
    turn = asyncio.Lock()
    async with asyncio.TaskGroup() as workers:
        for _ in range(_WORKERS):
            workers.create_task(_work(applications, turn, refresher, deadline, result))
    _LOGGER.info(
        "registry reconciled%s: %s; %d failed",
        " in part" if result.broken_off else "",
        ", ".join(f"{count} {change}" for change, count in sorted(result.changes.items())) or "no application",
        len(result.failures),
    )
    return result


async def _everything(refresher: Refresher) -> AsyncIterator[ManagedApplication | MalformedRow | ApplicationId]:
    """Yield what is registered, and the ids of those who left lately."""
    async for item in refresher.registry.applications():
        yield item
    async for application_id in refresher.registry.deleted(since=refresher.clock() - _LATELY):
        yield application_id


async def _work(
    applications: AsyncIterator[ManagedApplication | MalformedRow | ApplicationId],
    turn: asyncio.Lock,
    refresher: Refresher,
    deadline: float,
    result: Reconciliation,
) -> None:
    while True:
        try:
            async with turn:  # an asynchronous generator serves one at a time
                item = await anext(applications, None)
        except AzureFailure as failure:
            result.broken_off = failure
            return
        if item is None:
            return
        if isinstance(item, ApplicationId):
            await _reconcile(item, refresher, deadline, result, left=True)
        elif item.application_id is None:
            assert isinstance(item, MalformedRow)  # noqa: S101 - for mypy
            result.failures[f"row {item.name}"] = item.reason
        else:
            await _reconcile(item.application_id, refresher, deadline, result)


async def _reconcile(
    application_id: ApplicationId, refresher: Refresher, deadline: float, result: Reconciliation, *, left: bool = False
) -> None:
    look = refresher.revisit if left else refresher.reconcile
    try:
        change = await look(application_id, deadline=min(deadline, time.monotonic() + _SECONDS_PER_APPLICATION))
    except AzureFailure as failure:
        result.failures[str(application_id)] = f"{failure.code}: {failure}"
    else:
        if not (left and change is Change.CONFIRMED):
            result.changes[change] += 1
