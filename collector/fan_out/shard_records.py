"""Who works on which shard, and what came of it: the records of fanned-out runs in Table storage.

A queue delivers a message at least once: again after a crash, sometimes twice, sometimes while the first delivery is
still being worked on. Each run has a row, and each shard one from its first delivery on; ETags decide races:

- A shard belongs to the first message that claims it. The same message may claim it again, because it only comes again
  when whoever worked on it is dead or out of reach; another message about the same shard is a duplicate and is dropped,
  since the first one comes again by itself if need be.
- Each claim has a token. Whoever lost its claim finds another token, and what it found is dropped.
- A shard's result rows become part of its row in the one write that ends it: once, or not at all.
- Whoever ends the last shard claims the run in the same way, uploads the results of all shards, chunk by chunk, and the
  run row. Ingestion knows no idempotency key: who dies between Azure's acceptance of a chunk and the next line in the
  record leaves that chunk to be uploaded twice. That is the only such moment, some milliseconds for each chunk.
"""

from __future__ import annotations

import gzip
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

import orjson

from collector.fan_out.shards import partition_of, partition_prefix
from publisher.table import KeyRange, RowChanged, Table
from publisher.transport import Closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from collector.fan_out.shards import Shard
    from collector.reporting.outcomes import Run
    from publisher.resource_settings import Storage
    from publisher.retry import Patience
    from publisher.table import Row

RUNS_TABLE: Final = "collectionruns"
KEPT: Final = timedelta(days=3)
"""How long records stay, for whoever wants to know what became of a run."""

_RUN: Final = "run"
_OPEN: Final = "open"
_CLAIMED: Final = "claimed"
_DONE: Final = "done"
_MOST_DELETED: Final = 2000
_LONGEST_COLUMN: Final = 60_000
"""Bytes in a property, of which Table storage takes 64 KiB, and 1 MiB in a row (FACTS 6.1)."""

Totals = dict[str, Any]


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


class RunRecords(Closing):
    """The records. An asynchronous context manager; methods raise the AzureFailures of `publisher.errors`."""

    def __init__(self, storage: Storage, patience: Patience) -> None:
        self._table = Table(storage, RUNS_TABLE, what="table of runs", patience=patience)

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()

    async def begin(self, run: Run, shards: int) -> None:
        """Record a run before its shards are sent."""
        with suppress(RowChanged):  # the answer to an earlier attempt was lost: nobody else knows this run
            await self._table.insert(partition_of(run), _RUN, {"state": _OPEN, "shards": shards})

    async def claim_shard(self, shard: Shard, message_id: str, *, forced: bool) -> Claim | NoClaim:
        """Claim a shard for a message; ``forced`` takes it from any other message, which is known to be gone."""
        partition, row_key = partition_of(shard.run), _shard_key(shard.number)
        if await self._table.get(partition, _RUN) is None:
            return NoClaim.UNKNOWN_RUN
        if await self._table.get(partition, row_key) is None:
            with suppress(RowChanged):  # another delivery was quicker; the claim below decides
                await self._table.insert(partition, row_key, {"state": _OPEN})
        return await self._claim(partition, row_key, message_id, forced=forced)

    async def claim_run(self, shard: Shard, message_id: str, *, forced: bool) -> tuple[Claim, list[Totals]] | NoClaim:
        """Claim the completion of a shard's run, once every shard is done; return it with the shards' totals."""
        partition = partition_of(shard.run)
        columns = ["PartitionKey", "RowKey", "state", "totals"]
        rows = self._table.matching("PartitionKey eq @run", columns=columns, run=partition)
        done = [row async for row in rows if row.row_key != _RUN and row.properties.get("state") == _DONE]
        if len(done) < shard.count:
            return NoClaim.NOT_YET
        claim = await self._claim(partition, _RUN, message_id, forced=forced)
        if isinstance(claim, NoClaim):
            return claim
        return claim, [orjson.loads(row.properties["totals"]) for row in done]

    async def results(self, shard: Shard) -> AsyncIterator[list[bytes]]:
        """Yield the result rows of every shard of a run, in the order of their numbers."""
        for number in range(1, shard.count + 1):
            row = await self._table.get(partition_of(shard.run), _shard_key(number))
            if row is None:
                raise ClaimLostError
            yield _rows_of(row.properties)

    async def finish_shard(self, claim: Claim, totals: Totals, results: list[bytes]) -> None:
        """Record that a shard is done, what it came to, and its result rows; raise ClaimLostError."""
        properties = {"state": _DONE, "totals": orjson.dumps(totals).decode(), **_columns_of(results)}
        await self._write(claim, await self.confirm(claim), properties)

    async def confirm(self, claim: Claim) -> Row:
        """Return the row that a claim is about as it is now; raise ClaimLostError when somebody else claimed it."""
        row = await self._table.get(claim.partition, claim.row_key)
        if row is None or row.properties.get("token") != claim.token:
            raise ClaimLostError
        return row

    async def note_chunks(self, claim: Claim, row: Row, chunks: int) -> None:
        """Record how many chunks of a run's results are uploaded; ``row`` is what ``confirm`` returned."""
        await self._write(claim, row, {"chunks": chunks})

    async def finish_run(self, claim: Claim, row: Row) -> None:
        """Record that a run's row is uploaded; ``row`` is what ``confirm`` returned."""
        await self._write(claim, row, {"state": _DONE})

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

    async def _write(self, claim: Claim, row: Row, properties: dict[str, Any]) -> None:
        try:
            await self._table.replace(row, {**row.properties, **properties})
        except RowChanged:
            # Also when our own write succeeded and its answer was lost: then the row says what it should.
            now = await self.confirm(claim)
            if any(now.properties.get(name) != value for name, value in properties.items()):
                raise ClaimLostError from None


def uploaded_chunks(row: Row) -> int:
    """Return how many chunks of its results a run's row knows to be uploaded."""
    return int(row.properties.get("chunks", 0))


def _shard_key(number: int) -> str:
    return f"shard-{number:06}"


def _columns_of(results: list[bytes]) -> dict[str, bytes]:
    """Return result rows, compressed, in columns as large as Table storage allows."""
    # Rows are JSON, in which a line feed is always escaped.
    packed = gzip.compress(b"\n".join(results), compresslevel=6, mtime=0)
    starts = range(0, len(packed), _LONGEST_COLUMN)
    return {f"results_{number:02}": packed[start : start + _LONGEST_COLUMN] for number, start in enumerate(starts)}


def _rows_of(properties: Mapping[str, Any]) -> list[bytes]:
    names = sorted(name for name in properties if name.startswith("results_"))
    unpacked = gzip.decompress(b"".join(properties[name] for name in names))
    return unpacked.split(b"\n") if unpacked else []
