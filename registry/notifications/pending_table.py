"""The table `pending`: one row for each application that a notification told of and ARM has not answered about."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, NamedTuple

from publisher.configuration.resource_settings import Storage
from publisher.notifications import MalformedMessage, Notification, message_of, notification_in
from publisher.resource_ids import ApplicationId
from publisher.retry import USUAL_PATIENCE, Patience
from publisher.table import Row, Table
from publisher.texts import moment_in
from publisher.transport import Closing
from registry.notifications.events import Outcome
from registry.notifications.pending import Pending, waiting
from registry.repeating import repeated_on_row_change
from registry.rows import text_in, time_text

PENDING_TABLE: Final = "pending"
_SHARE_OF_LONGEST: Final = 4
_DUE: Final = "due_at le @now"
_WHEN: Final = ("PartitionKey", "RowKey", "due_at", "attempts")


class _Due(NamedTuple):
    """A row that is due, in the order in which ARM is asked."""

    attempts: int
    due_at: str
    partition_key: str
    row_key: str


_since = attrgetter("due_at", "partition_key", "row_key")


@dataclass(frozen=True, slots=True)
class PendingRow:
    """What waits, and the row that says so."""

    pending: Pending
    row: Row


@dataclass(frozen=True, slots=True)
class UnreadablePending:
    """A row that does not say what waits: its keys, and what is wrong with it."""

    name: str
    reason: str


class PendingTable(Closing):
    """The table. An asynchronous context manager; methods raise the AzureFailures of `publisher.errors`.

    The first row creates a table that does not exist; until then nothing waits.
    """

    def __init__(self, storage: Storage, *, patience: Patience = USUAL_PATIENCE) -> None:
        self._table = Table(storage, PENDING_TABLE, what="table of pending applications", patience=patience)

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()

    @repeated_on_row_change
    async def note(
        self, notification: Notification, now: datetime, *, superseding: Callable[[Pending], Awaitable[None]]
    ) -> Pending | None:
        """Let the notification's application wait, due now, unless a later event of it waits or this one does.

        Returns what waited before, None when nothing did: this event took its place when it is the later one. Then
        `superseding` was called with it, and nothing is written when that fails.
        """
        identity = notification.application_id
        row = await self._table.get(identity.partition_key, identity.row_key)
        properties = _properties(waiting(notification, now))
        if row is None:
            await self._table.insert(identity.partition_key, identity.row_key, properties)
            return None
        try:
            before = _pending(row)
        except MalformedMessage:
            await self._table.replace(row, properties)
            return None
        if before.superseded_by(notification):
            await superseding(before)
            await self._table.replace(row, properties)
        return before

    async def due(self, now: datetime, most: int) -> list[tuple[str, str]]:
        """Return the keys of at most `most` rows that are due: those asked about least often first, then the oldest.

        A quarter of the places is for those that are due for longest, however often they were asked about: else
        somebody who tells of new applications all the time could keep all others waiting.
        """
        fewest: list[_Due] = []
        longest: list[_Due] = []
        async for row in self._table.matching(_DUE, columns=list(_WHEN), now=time_text(now)):
            one = _Due(_attempts(row), text_in(row.properties, "due_at"), row.partition_key, row.row_key)
            fewest.append(one)
            longest.append(one)
            if len(fewest) >= 2 * most:  # memory does not grow with what waits
                fewest = sorted(fewest)[:most]
                longest = sorted(longest, key=_since)[:most]
        chosen = dict.fromkeys(sorted(fewest)[: most - most // _SHARE_OF_LONGEST])
        for one in sorted(longest, key=_since):
            if len(chosen) < most:
                chosen.setdefault(one)
        return [(one.partition_key, one.row_key) for one in chosen]

    async def read(self, partition_key: str, row_key: str) -> PendingRow | None:
        """Return what waits under these keys; None when nothing does, and MalformedMessage for an unreadable row."""
        row = await self._table.get(partition_key, row_key)
        return None if row is None else PendingRow(_pending(row), row)

    async def find(self, application_id: ApplicationId) -> PendingRow | None:
        """Return what waits about an application, None when nothing does."""
        return await self.read(application_id.partition_key, application_id.row_key)

    async def all(self) -> AsyncIterator[PendingRow | UnreadablePending]:
        """Yield everything that waits."""
        async for row in self._table.matching("PartitionKey ge @first", first=""):
            try:
                yield PendingRow(_pending(row), row)
            except MalformedMessage as error:
                yield UnreadablePending(f"{row.partition_key}/{row.row_key}", str(error))

    async def count(self, most: int) -> int:
        """Return how many applications wait, and no more than `most`."""
        count = 0
        async for _ in self._table.matching("PartitionKey ge @first", columns=["PartitionKey", "RowKey"], first=""):
            count += 1
            if count >= most:
                break
        return count

    async def put(self, before: PendingRow, after: Pending) -> PendingRow:
        """Store what waits now, and return its row; raise RowChanged when somebody else wrote it in between."""
        return PendingRow(after, await self._table.replace(before.row, _properties(after)))

    async def end(self, done: PendingRow) -> None:
        """Let an application wait no longer; raise RowChanged when somebody wrote in between: then it waits on."""
        await self._table.delete_unchanged(done.row)

    @repeated_on_row_change
    async def ask_anew(self, application_id: ApplicationId, now: datetime) -> bool:
        """Let ARM be asked now as if the event had just been told; False when the application does not wait."""
        row = await self.find(application_id)
        if row is None:
            return False
        await self.put(row, replace(row.pending, first_received_at=now, due_at=now, attempts=0))
        return True


def _attempts(row: Row) -> int:
    value = row.properties.get("attempts")
    return value if isinstance(value, int) else 0


def _properties(pending: Pending) -> dict[str, Any]:
    return {
        "application_id": str(pending.application_id),
        "notification": message_of(pending.notification),
        "first_received_at": time_text(pending.first_received_at),
        "due_at": time_text(pending.due_at),
        "attempts": pending.attempts,
        "last_error": pending.last_error,
    } | ({"answer": pending.answer.action, "answer_reason": pending.answer.reason} if pending.answer else {})


def _pending(row: Row) -> Pending:
    """Return what waits; raise MalformedMessage when the row does not say it."""
    answer = text_in(row.properties, "answer")
    return Pending(
        notification_in(str(row.properties.get("notification", "")).encode(errors="surrogatepass")),
        first_received_at=_time(row, "first_received_at"),
        due_at=_time(row, "due_at"),
        attempts=_attempts(row),
        last_error=text_in(row.properties, "last_error"),
        answer=Outcome(answer, text_in(row.properties, "answer_reason")) if answer else None,
    )


def _time(row: Row, name: str) -> datetime:
    moment = moment_in(str(row.properties.get(name)))
    if moment is None:
        raise MalformedMessage(f"{name} is no time")
    return moment
