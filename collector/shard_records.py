"""Who works on which shard, and what came of it: the records of fanned-out runs in Table storage.

A queue delivers a message at least once: again after a crash, sometimes twice, sometimes while the first delivery is
still being worked on. Each run has a row, and each shard one from its first delivery on; ETags decide races:

- A shard belongs to the first message that claims it. The same message may claim it again, because it only comes again
  when whoever worked on it is dead or out of reach; another message about the same shard is a duplicate and is dropped,
  since the first one comes again by itself if need be.
- Each claim has a token. Whoever lost its claim finds another token before it reports, and stays silent.
- Whoever finishes the last shard claims the run in the same way, and writes the run row.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from collector.shards import partition_of, partition_prefix
from publisher.registry import KeyRange, RowChanged
from publisher.table import Table

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from collector.outcomes import Run
    from collector.shards import Shard
    from publisher.registry import Patience, Row
    from publisher.settings import CollectorSettings

RUNS_TABLE: Final = "collectionruns"
KEPT: Final = timedelta(days=3)
"""How long records stay, for whoever wants to know what became of a run."""

_RUN: Final = "run"
_OPEN: Final = "open"
_CLAIMED: Final = "claimed"
_DONE: Final = "done"
_MOST_DELETED: Final = 2000


class NoClaim(Enum):
    """Why a delivery has nothing to do."""

    DONE = auto()
    """The shard, or the run, is done."""
    DUPLICATE = auto()
    """Another message works on it."""
    UNKNOWN_RUN = auto()
    """There is no record of the run: it is older than records are kept."""
    NOT_YET = auto()
    """Other shards of the run are not done."""


class ClaimLostError(Exception):
    """Another delivery took the work over; what this one found must not be reported."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a shard, or to complete a run, until somebody else claims it."""

    partition: str
    row_key: str
    token: str


class RunRecords:
    """The records. An asynchronous context manager; methods raise the AzureFailures of `publisher.errors`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    @classmethod
    def open(cls, settings: CollectorSettings, patience: Patience) -> Self:
        """Return the records in the app's storage account; nothing is asked of the account yet."""
        own = settings.own_identity_client_id
        return cls(Table.open(settings.storage, RUNS_TABLE, own, patience, what="table of runs"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._table.close()

    async def begin(self, run: Run, shards: int) -> None:
        """Record a run before its shards are sent."""
        with suppress(RowChanged):  # the answer to an earlier attempt was lost: nobody else knows this run
            await self._table.insert(partition_of(run), _RUN, {"state": _OPEN, "shards": shards})

    async def claim_shard(self, shard: Shard, message_id: str, *, forced: bool) -> Claim | NoClaim:
        """Claim a shard for a message; ``forced`` takes it from any other message, which is known to be gone."""
        partition, row_key = partition_of(shard.run), f"shard-{shard.number:06}"
        if await self._table.get(partition, _RUN) is None:
            return NoClaim.UNKNOWN_RUN
        if await self._table.get(partition, row_key) is None:
            with suppress(RowChanged):  # another delivery was quicker; the claim below decides
                await self._table.insert(partition, row_key, {"state": _OPEN})
        return await self._claim(partition, row_key, message_id, forced=forced)

    async def claim_run(self, shard: Shard, message_id: str, *, forced: bool) -> tuple[Claim, list[Totals]] | NoClaim:
        """Claim the completion of a shard's run, once every shard is done; return it with the shards' totals."""
        partition = partition_of(shard.run)
        rows = [row async for row in self._table.matching("PartitionKey eq @run", run=partition)]
        done = [row for row in rows if row.row_key != _RUN and row.properties.get("state") == _DONE]
        if len(done) < shard.count:
            return NoClaim.NOT_YET
        claim = await self._claim(partition, _RUN, message_id, forced=forced)
        return (
            claim if isinstance(claim, NoClaim) else (claim, [orjson.loads(row.properties["totals"]) for row in done])
        )

    async def confirm(self, claim: Claim) -> None:
        """Raise ClaimLostError when somebody else has claimed the work since."""
        await self._confirmed(claim)

    async def finish(self, claim: Claim, totals: Totals) -> None:
        """Record that the work is done and what it came to; raise ClaimLostError."""
        row = await self._confirmed(claim)
        properties = {**row.properties, "state": _DONE, "totals": orjson.dumps(totals).decode()}
        try:
            await self._table.replace(row, properties)
        except RowChanged as error:
            # Also when our own write succeeded and its answer was lost: then the row is done, by this claim.
            now = await self._table.get(claim.partition, claim.row_key)
            if now is None or now.properties.get("token") != claim.token or now.properties.get("state") != _DONE:
                raise ClaimLostError from error

    async def forget_runs_before(self, moment: datetime) -> None:
        """Delete records of runs that began before ``moment``, some of them: the next run deletes more."""
        old = KeyRange(before=partition_prefix(moment))
        deleted = 0
        async for row in self._table.rows(old, columns=["PartitionKey", "RowKey"]):
            await self._table.delete(row)
            deleted += 1
            if deleted == _MOST_DELETED:
                return

    async def _claim(self, partition: str, row_key: str, message_id: str, *, forced: bool) -> Claim | NoClaim:
        while True:
            row = await self._table.get(partition, row_key)
            if row is None:
                return NoClaim.UNKNOWN_RUN
            state = row.properties.get("state")
            if state == _DONE:
                return NoClaim.DONE
            if state == _CLAIMED and row.properties.get("message_id") != message_id and not forced:
                return NoClaim.DUPLICATE
            token = str(uuid.uuid4())
            claimed = {
                "state": _CLAIMED,
                "message_id": message_id,
                "token": token,
                "claims": int(row.properties.get("claims", 0)) + 1,
            }
            try:
                await self._table.replace(row, {**row.properties, **claimed})
            except RowChanged:
                continue
            return Claim(partition, row_key, token)

    async def _confirmed(self, claim: Claim) -> Row:
        row = await self._table.get(claim.partition, claim.row_key)
        if row is None or row.properties.get("token") != claim.token:
            raise ClaimLostError
        return row


Totals = dict[str, Any]
