"""The registry and the ledger, streamed in step: each application with what is remembered of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from publisher.resource_ids import ApplicationId, InvalidResourceId
from publisher.table import EVERYTHING, KeyRange
from registry.rows import is_tombstone
from registry.tombstones import removal_in
from verdicts.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from registry.managed_application import MalformedRow, ManagedApplication, Removal
    from registry.registry import Registry
    from verdicts.ledger import Ledger, UnreadableEntry

    Remembered = Entry | UnreadableEntry


class Pair(NamedTuple):
    """An application of the registry, what the ledger remembers of it, and how it was removed from the registry.

    `application` is None for one that the registry has no active row of; `removal` is then None when it has no
    tombstone either, or one that does not tell of a removal. `probed` are the counts for which the application's turn
    was brought forward, "" where it was not.
    """

    application: ManagedApplication | MalformedRow | None
    entry: Entry | UnreadableEntry | None
    removal: Removal | None = None
    probed: str = ""


async def joined(
    registry: Registry, ledger: Ledger, *, within: KeyRange = EVERYTHING, only: ApplicationId | None = None
) -> AsyncIterator[Pair]:
    """Yield every application of the registry or of the ledger, once; AzureFailures of either end the stream.

    Both tables are read in the order of their partitions, so at most one partition of the ledger is held. Whatever only
    the ledger knows is looked up in the registry by its key before it counts as absent. With `only`, at most that
    application.
    """
    if only is not None:
        async for pair in _one(registry, ledger, only):
            yield pair
        return
    entries = _Partitions(ledger.entries(within))
    async for partition, application in registry.active(within=within):
        async for entry in entries.before(partition):
            async for pair in _absent(registry, entry):
                yield pair
        identity = application.application_id
        if identity is None:
            yield Pair(application, None)
        elif identity.partition_key != partition:  # the older sample wrote the row under another spelling
            yield Pair(application, await ledger.find(identity))
        else:
            yield Pair(application, await entries.take(partition, identity.row_key))
    async for entry in entries.before(None):
        async for pair in _absent(registry, entry):
            yield pair


async def _one(registry: Registry, ledger: Ledger, only: ApplicationId) -> AsyncIterator[Pair]:
    entry = await ledger.find(only)
    async for application in registry.applications(only):
        yield Pair(application, entry)
        return
    if entry is not None:
        yield Pair(None, entry, await registry.removal_of(only))


async def _absent(registry: Registry, entry: Remembered) -> AsyncIterator[Pair]:
    """Yield a row of the ledger that no application of the registry took, unless the registry has an active one.

    Such a one was told already, with a row of the older sample in another partition, or was registered meanwhile.
    """
    text = entry.facts.application_id if isinstance(entry, Entry) else entry.application_id
    try:
        identity = ApplicationId.parse(text)
    except InvalidResourceId:
        yield Pair(None, entry)  # its keys are no application's: there is nothing to look up
        return
    row = await registry.find(identity)
    if row is None or is_tombstone(row):
        yield Pair(None, entry, None if row is None else removal_in(row))


class _Partitions:
    """The ledger's rows, partition by partition; of the current one those that nobody has taken are kept."""

    def __init__(self, entries: AsyncIterator[Remembered]) -> None:
        self._entries = entries
        self._ahead: Remembered | None = None
        self._is_over = False
        self._current: str | None = None
        self._held: dict[str, Remembered] = {}

    async def before(self, partition: str | None) -> AsyncIterator[Remembered]:
        """Yield what nobody has taken of the partitions before this one, of all of them for None."""
        if self._current is not None and partition != self._current:
            held, self._held = list(self._held.values()), {}
            self._current = None
            for left in held:
                yield left
        while (entry := await self._peek()) is not None and (partition is None or entry.row.partition_key < partition):
            self._ahead = None
            yield entry

    async def take(self, partition: str, row_key: str) -> Remembered | None:
        """Return the row with these keys, once; call `before` with the partition first."""
        self._current = partition
        while (entry := await self._peek()) is not None and entry.row.partition_key == partition:
            self._ahead = None
            self._held[entry.row.row_key] = entry
        return self._held.pop(row_key, None)

    async def _peek(self) -> Remembered | None:
        """Return the next row without going past it, None at the end."""
        if self._ahead is None and not self._is_over:
            self._ahead = await anext(self._entries, None)
            self._is_over = self._ahead is None
        return self._ahead
