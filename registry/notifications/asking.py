"""Asks ARM about the applications that wait, and writes what it says to the registry.

A notification only says when to ask ARM; what ARM answers enters the registry, or what `registry.refresh` makes of it.
"""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from publisher.errors.absence import says_gone
from publisher.errors.kinds import AzureFailure, TransientFailure, Unusable, is_our_own
from publisher.logs_endpoint import LogsEndpoint
from publisher.notifications import MalformedMessage
from publisher.table import RowChanged
from registry.notifications.events import (
    GIVEN_UP,
    IGNORED,
    NOT_OURS,
    PENDING,
    UNUSABLE,
    Outcome,
    customer_name,
    event_row,
)
from registry.notifications.pending import DELETED, Pending
from registry.notifications.pending_table import PendingRow, PendingTable
from registry.ownership import NotOurs
from registry.refresh import Change, Refresher

_LOGGER = logging.getLogger(__name__)
AT_ONCE: Final = 8
MOST_IN_A_ROUND: Final = 600
"""Applications that ARM is asked about by one round at most, and rounds begin every minute: that bounds our calls."""

_SECONDS_FOR_ONE: Final = 25.0
_FAILURES_THAT_END_A_ROUND: Final = 16
"""So many failures in a row that say nothing of the applications asked about: ARM is asked again in a minute."""

_YOUNG: Final = timedelta(minutes=15)
"""For so long after its event ARM may not show a new application yet; later, its 404 means that it is gone."""

_REASONS: Final = {
    Change.CONFIRMED: "the application was removed before",
    Change.OUTDATED: "the registry knows of a later event",
}


class RoundFailed(Exception):  # noqa: N818 - named for what happened
    """Something besides ARM failed, so that applications still wait; the message says what, and how often."""


@dataclass(slots=True)
class Round:
    """What one round did: how often each outcome came, and failures of things other than ARM, by what they say."""

    outcomes: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    in_a_row: int = 0

    @property
    def is_over(self) -> bool:
        """Whether asking on is of no use now."""
        return self.in_a_row >= _FAILURES_THAT_END_A_ROUND

    def raise_for_problems(self) -> None:
        """Raise RoundFailed when something besides ARM failed."""
        if self.problems:
            said = "; ".join(f"{what} ({count} times)" for what, count in self.problems.most_common(3))
            raise RoundFailed(said)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks about what waits.

    Args:
        refresher: asks ARM and writes the registry; its clock is the one that counts.
        pending: where applications wait.
        endpoint: the data collection rule.
        stream: that of the events.
    """

    refresher: Refresher
    pending: PendingTable
    endpoint: LogsEndpoint
    stream: str

    async def ask(self, *, deadline: float) -> Round:
        """Ask about what is due, AT_ONCE at a time, until `deadline` (seconds of `time.monotonic`).

        Raises the AzureFailure of the pending table. What fails for one application concerns no other one.
        """
        keys = iter(await self.pending.due(self.refresher.clock(), MOST_IN_A_ROUND))
        done = Round()

        async def work() -> None:
            for partition_key, row_key in keys:
                if done.is_over or time.monotonic() + 1 > deadline:
                    return
                await self._ask_safely(partition_key, row_key, done, deadline)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(work())
        return done

    async def _ask_safely(self, partition_key: str, row_key: str, done: Round, deadline: float) -> None:
        try:
            row = await self.pending.read(partition_key, row_key)
            if row is not None and row.pending.due_at <= self.refresher.clock():
                await self._ask_about(row, done, min(deadline, time.monotonic() + _SECONDS_FOR_ONE))
        except RowChanged:
            done.outcomes["Told again"] += 1
        except AzureFailure as failure:
            done.problems[f"{failure.code}: {failure}"] += 1
            done.in_a_row += 1
        except MalformedMessage as error:
            done.problems[f"a row cannot be read: {error}"] += 1
        except Exception:
            _LOGGER.exception("an application could not be asked about (a defect of this program)")
            done.problems["a defect of this program"] += 1

    async def _ask_about(self, row: PendingRow, done: Round, deadline: float) -> None:
        outcome = row.pending.answer
        if outcome is None:
            try:
                outcome = await outcome_of(row.pending, self.refresher, deadline=deadline)
            except AzureFailure as failure:
                says_nothing = isinstance(failure, TransientFailure) or is_our_own(failure)
                done.in_a_row = done.in_a_row + 1 if says_nothing else 0
                await self._postpone(row, failure, done)
                return
            done.in_a_row = 0
            # Kept before it is told: asked again, ARM and registry would say that nothing had to be done. Of two
            # instances that ask at the same time, one tells.
            row = await self.pending.put(row, row.pending.answered(outcome, self.refresher.clock()))
        await self._tell(row.pending, outcome)
        await self.pending.end(row)
        done.outcomes[outcome.action] += 1

    async def _postpone(self, row: PendingRow, failure: AzureFailure, done: Round) -> None:
        now = self.refresher.clock()
        pending = row.pending
        if pending.is_given_up(failure, now):
            done.outcomes[GIVEN_UP] += 1
            await self._tell(pending, Outcome(GIVEN_UP, f"ARM did not show it to us: {failure.code}: {failure}"))
            await self.pending.end(row)
            return
        action = UNUSABLE if isinstance(failure, Unusable) else PENDING
        done.outcomes[action] += 1
        later = pending.after_failure(failure, now)
        if action is UNUSABLE or pending.is_daily(now) or not pending.attempts:
            await self._tell(pending, Outcome(action, error=later.last_error))
        await self.pending.put(row, later)

    async def _tell(self, pending: Pending, outcome: Outcome) -> None:
        notification = pending.notification
        name = await customer_name(self.refresher.registry, notification)
        row = event_row(notification, outcome, stored_at=self.refresher.clock(), customer_name=name)
        await self.endpoint.upload_rows(self.stream, [row], deadline=time.monotonic() + _SECONDS_FOR_ONE)
        _LOGGER.info(
            "notification %s for %s: %s%s",
            notification.correlation_id,
            notification.application_id,
            outcome.action,
            f" ({outcome.error or outcome.reason})" if outcome.error or outcome.reason else "",
        )


async def outcome_of(pending: Pending, refresher: Refresher, *, deadline: float) -> Outcome:
    """Ask ARM about an application, write the registry, and return what was done.

    Raises the AzureFailure for which ARM has to be asked again. `deadline` is in seconds of `time.monotonic`.
    """
    try:
        if pending.notification.kind == DELETED:
            return await _confirm_deletion(pending, refresher, deadline)
        return await _refresh(pending, refresher, deadline)
    except NotOurs as failure:
        return Outcome(NOT_OURS, str(failure))


async def _refresh(pending: Pending, refresher: Refresher, deadline: float) -> Outcome:
    notification = pending.notification
    event_time, is_deletion = notification.event_time, notification.kind == DELETED
    try:
        change = await refresher.refresh(pending.application_id, event_time=event_time, deadline=deadline)
    except AzureFailure as failure:
        may_come = not is_deletion and refresher.clock() - event_time < _YOUNG
        if not says_gone(failure, pending.application_id) or may_come:
            raise
        return Outcome(IGNORED, "ARM knows no such application any more")
    if change is Change.CONFIRMED:
        return Outcome(IGNORED, "ARM is deleting the application")
    return Outcome(change)


async def _confirm_deletion(pending: Pending, refresher: Refresher, deadline: float) -> Outcome:
    event_time = pending.notification.event_time
    change = await refresher.confirm_deletion(pending.application_id, event_time=event_time, deadline=deadline)
    if change is Change.ALIVE or change is Change.UNKNOWN:
        # The deletion may be forged, or have taken the place of a deployment's notification that waited.
        return await _refresh(pending, refresher, deadline)
    if change in _REASONS:
        return Outcome(IGNORED, _REASONS[change])
    return Outcome(change)
