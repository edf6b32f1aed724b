"""The records of fanned-out runs in Table storage: which delivery works on a shard, and the results of shards.

A queue delivers a message at least once: again after a crash, sometimes twice, sometimes while the first delivery is
still being worked on. Each run has a row, and each shard has one from its first delivery on. ETags guard every write:

- A shard belongs to the first message that claims it. The same message may claim it again, because the queue delivers
  it again only when the earlier delivery crashed or lost its connection. Another message about the same shard is a
  duplicate and is dropped.
- Each claim has a token. A delivery that finds another token in the row has lost its claim and drops its results.
- A shard's result rows are stored in its row by the write that marks it done: all of them, or none.
- The delivery that finishes the last shard claims the run in the same way, and uploads the results of all shards chunk
  by chunk, then the run row. Logs Ingestion has no idempotency key: a crash between Azure's acceptance of a chunk and
  the note in the run's row, some milliseconds, uploads that chunk twice. Nothing else is uploaded twice.
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
    from publisher.configuration.resource_settings import Storage
    from publisher.retry import Patience
    from publisher.table import Row

RUNS_TABLE: Final = "collectionruns"
KEPT: Final = timedelta(days=3)
"""How long records are kept for looking into a run."""

_RUN: Final = "run"
_OPEN: Final = "open"
_CLAIMED: Final = "claimed"
_DONE: Final = "done"
_MOST_DELETED: Final = 2000
_LONGEST_COLUMN: Final = 60_000
"""Bytes in a property, of which Table storage takes 64 KiB, and 1 MiB in a row (FACTS 6.1)."""

Totals = dict[str, Any]


class NoClaim(Enum):
    """Why a delivery gets no claim."""

    DONE = auto()
    """The shard, or the run, is done."""
    DUPLICATE = auto()
    """Another message works on it."""
    UNKNOWN_RUN = auto()
    """The run has no row: it is older than records are kept."""
    NOT_YET = auto()
    """Other shards of the run are not done."""


class ClaimLostError(Exception):
    """Another delivery claimed the work; the results of this one must not be uploaded."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a shard, or to complete a run, until another delivery claims it."""

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
        with suppress(RowChanged):  # the answer to an earlier attempt of this insert was lost
            await self._table.insert(partition_of(run), _RUN, {"state": _OPEN, "shards": shards})

    async def claim_shard(self, shard: Shard, message_id: str, *, forced: bool) -> Claim | NoClaim:
        """Claim a shard for a message; ``forced`` also when another message has claimed it."""
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
        """Record that a shard is done, with its totals and result rows; raise ClaimLostError."""
        properties = {"state": _DONE, "totals": orjson.dumps(totals).decode(), **_columns_of(results)}
        await self._write(claim, await self.confirm(claim), properties)

    async def confirm(self, claim: Claim) -> Row:
        """Return the claimed row as it is now; raise ClaimLostError when another delivery claimed it."""
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
        """Delete records of runs that began before ``moment``, a bounded number: the next run deletes more."""
        old = KeyRange(before=partition_prefix(moment))
        deleted = 0
        async for row in self._table.rows(old, columns=["PartitionKey", "RowKey"]):
            await self._table.delete(row)
            deleted += 1
            if deleted == _MOST_DELETED:
                return

    async def _claim(self, partition: str, row_key: str, message_id: str, *, forced: bool) -> Claim | NoClaim:
        """Write a new token to a row that is not done and that no other message has claimed."""
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
        """Set properties of a claimed row; raise ClaimLostError when another delivery claimed it."""
        try:
            await self._table.replace(row, {**row.properties, **properties})
        except RowChanged:
            # Our own write may have succeeded and its answer been lost: then the row has these properties.
            now = await self.confirm(claim)
            if any(now.properties.get(name) != value for name, value in properties.items()):
                raise ClaimLostError from None


def uploaded_chunks(row: Row) -> int:
    """Return how many chunks of results are uploaded, from the run's row."""
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
