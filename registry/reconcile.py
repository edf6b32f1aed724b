"""The daily reconciliation: every row of the registry is refreshed, in case notifications were lost.

Applications are streamed from the table to a few workers; a failure concerns its own application only.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import ApplicationId
from registry.managed_application import MalformedRow, ManagedApplication
from registry.refresh import Change, Refresher

_LOGGER = logging.getLogger(__name__)
AT_ONCE: Final = 8
"""Applications that are read at the same time."""

SECONDS_PER_APPLICATION: Final = 120.0
_NAMED_FAILURES: Final = 10
_REVISITED_FOR: Final = timedelta(days=30)
"""For how long removed applications are read again."""

ERASED_AFTER: Final = timedelta(days=90)
"""How long the tombstone of an application is kept whose deletion Azure confirmed: no notification is that late."""

_TOLD: Final = frozenset({Change.REGISTERED, Change.REMOVED, Change.DELETION_CONFIRMED})


class ReconciliationFailed(Exception):  # noqa: N818 - named for what happened
    """Some applications could not be refreshed; the message counts them and names the first few."""


@dataclass(slots=True)
class Reconciliation:
    """What the reconciliation did: the number of applications by `Change`, and the reason of each failure by name."""

    changes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    told: list[tuple[ApplicationId, Change]] = field(default_factory=list)
    """Who was removed or registered, and whose removal was confirmed: what no notification told of."""
    broken_off: AzureFailure | None = None
    """Why the registry, or the ledger, could not be read completely."""

    def note(self, application_id: ApplicationId, change: Change, *, was_removed: bool) -> None:
        """Count what became of an application; one that was removed already counts only when something changed."""
        if not (was_removed and change is Change.CONFIRMED):
            self.changes[change] += 1
        if change in _TOLD:
            self.told.append((application_id, change))

    def raise_for_failures(self) -> None:
        """Raise ReconciliationFailed when anything failed."""
        if self.broken_off is not None:
            raise ReconciliationFailed(f"not everything was read to its end: {self.broken_off}") from self.broken_off
        if not self.failures:
            return
        first = "; ".join(f"{name}: {reason}" for name, reason in list(self.failures.items())[:_NAMED_FAILURES])
        more = len(self.failures) - _NAMED_FAILURES
        rest = f"; and {more} more" if more > 0 else ""
        raise ReconciliationFailed(f"{len(self.failures)} applications were not refreshed: {first}{rest}")


async def reconcile_registry(refresher: Refresher, *, deadline: float) -> Reconciliation:
    """Refresh every active application and those that were removed in the last 30 days; return what was changed.

    Tombstones of deletions that Azure confirmed more than ERASED_AFTER ago are erased.

    `deadline` is in seconds of `time.monotonic`; an application that is not reached by then is a failure. A malformed
    row is rewritten from what ARM says when it has the application's id.
    """
    result = Reconciliation()
    await refresh_each(_active_and_removed(refresher), refresher, result, deadline=deadline)
    try:
        erased = await refresher.registry.erase_tombstones(before=refresher.clock() - ERASED_AFTER)
    except AzureFailure as failure:
        result.broken_off, erased = result.broken_off or failure, 0
    _LOGGER.info(
        "registry reconciled%s: %s; %d failed; %d tombstones erased",
        " in part" if result.broken_off else "",
        ", ".join(f"{count} {change}" for change, count in sorted(result.changes.items())) or "no application",
        len(result.failures),
        erased,
    )
    return result


async def refresh_each(
    items: AsyncIterator[ManagedApplication | MalformedRow | ApplicationId],
    refresher: Refresher,
    result: Reconciliation,
    *,
    deadline: float,
) -> None:
    """Refresh registered applications, and revisit those that are given by id alone; add what was done to the result.

    Items are read one by one and refreshed AT_ONCE at a time. Raises nothing.
    """
    turn = asyncio.Lock()

    async def take() -> ManagedApplication | MalformedRow | ApplicationId | None:
        async with turn:  # an asynchronous generator serves one at a time
            return await anext(items, None)

    async def work() -> None:
        try:
            while (item := await take()) is not None:
                await _reconcile(item, refresher, deadline, result)
        except AzureFailure as failure:  # of the table; those of applications are in the result
            result.broken_off = failure

    async with asyncio.TaskGroup() as workers:
        for _ in range(AT_ONCE):
            workers.create_task(work())


async def _active_and_removed(refresher: Refresher) -> AsyncIterator[ManagedApplication | MalformedRow | ApplicationId]:
    """Yield what is registered, then the ids of applications that were removed lately."""
    async for item in refresher.registry.applications():
        yield item
    async for application_id in refresher.registry.deleted(since=refresher.clock() - _REVISITED_FOR):
        yield application_id


async def _reconcile(
    item: ManagedApplication | MalformedRow | ApplicationId,
    refresher: Refresher,
    deadline: float,
    result: Reconciliation,
) -> None:
    """Refresh one application, and note what was changed or failed; a removed one counts only when it changed."""
    was_removed = isinstance(item, ApplicationId)
    application_id = item if isinstance(item, ApplicationId) else item.application_id
    if application_id is None:
        assert isinstance(item, MalformedRow)  # noqa: S101 - for mypy
        result.failures[f"row {item.name}"] = item.reason
        return
    refresh = refresher.revisit if was_removed else refresher.reconcile
    try:
        change = await refresh(application_id, deadline=min(deadline, time.monotonic() + SECONDS_PER_APPLICATION))
    except AzureFailure as failure:
        result.failures[str(application_id)] = f"{failure.code}: {failure}"
    else:
        result.note(application_id, change, was_removed=was_removed)
