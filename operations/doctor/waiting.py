"""The checks of what waits: messages in the worker's queues, and applications that ARM has not answered about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.doctor.checks import BRIEF, Check, Verdict
from operations.doctor.places import queues_of, tables_of
from publisher.errors.kinds import AzureFailure, NotFound
from publisher.notifications import NOTIFICATIONS_QUEUE, POISONED_NOTIFICATIONS_QUEUE
from publisher.queue import Queue
from registry.notifications.pending import Pending
from registry.notifications.pending_table import PendingRow, PendingTable, UnreadablePending

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from publisher.configuration.resource_settings import Storage

MANY_MESSAGES: Final = 200
"""The worker takes so many in seconds: when they wait, nobody takes them, or somebody floods us."""

_PENDING: Final = "pending applications"
_LIST: Final = "`pending list` says why; `pending replay` asks again at once"


async def examine_waiting(storage: Storage, *, now: datetime) -> list[Check]:
    """Return what was found about both queues of notifications, and about the table of what waits."""
    queues = (NOTIFICATIONS_QUEUE, POISONED_NOTIFICATIONS_QUEUE) if storage.has_queues else ()
    return [*[await _examine_queue(storage, name) for name in queues], *await _examine_pending(storage, now)]


async def _examine_queue(storage: Storage, name: str) -> Check:
    check = f"messages in {name}"
    try:
        async with Queue(storage, name, patience=BRIEF) as queue:
            length = await queue.length()
    except AzureFailure as failure:
        if isinstance(failure, NotFound) and name == POISONED_NOTIFICATIONS_QUEUE:  # made with its first message
            return Check(check, Verdict.OK, "does not exist, so nothing is in it")
        return Check.of_failure(check, failure, queues_of(storage))
    if length >= MANY_MESSAGES or (length and name == POISONED_NOTIFICATIONS_QUEUE):
        next_step = "does the worker run, and what do the invocations of `take_notification` say"
        return Check(check, Verdict.WARNING, f"about {length} wait to be taken", next_step)
    return Check(check, Verdict.OK, f"about {length} wait to be taken")


async def _examine_pending(storage: Storage, now: datetime) -> list[Check]:
    waiting, unreadable = list[Pending](), list[UnreadablePending]()
    try:
        async with PendingTable(storage, patience=BRIEF) as table:
            async for row in table.all():
                if isinstance(row, PendingRow):
                    waiting.append(row.pending)
                else:
                    unreadable.append(row)
    except AzureFailure as failure:
        return [Check.of_failure(_PENDING, failure, tables_of(storage))]
    return [_counted(waiting, now), *map(_unreadable, unreadable)]


def _counted(waiting: Sequence[Pending], now: datetime) -> Check:
    if not waiting:
        return Check(_PENDING, Verdict.OK, "none: ARM has answered about every notification")
    late = sum(one.is_daily(now) for one in waiting)
    oldest = min(waiting, key=lambda one: one.first_received_at)
    finding = f"{len(waiting)} wait for an answer of ARM, {late} of them for more than ten hours; {_shown(oldest)}"
    return Check(_PENDING, Verdict.WARNING if late else Verdict.OK, finding, _LIST if late else "")


def _unreadable(row: UnreadablePending) -> Check:
    next_step = "the next notification of the application replaces it; else delete it, and `add` the application"
    return Check(f"pending row {row.name}", Verdict.FAILED, row.reason, next_step)


def _shown(oldest: Pending) -> str:
    since = f"the oldest since {oldest.first_received_at:%Y-%m-%d %H:%M} UTC: {oldest.application_id}"
    return f"{since} ({oldest.last_error})" if oldest.last_error else since
