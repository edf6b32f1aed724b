"""Shards of a run: how the registry is cut into them, and the messages that describe them.

A shard is a range of the registry's partitions, from one key up to, and without, the first key of the next shard. So
messages are small, the shards together are the whole registry also when applications are registered meanwhile, and a
subscription, whose rows share a partition, is read by one instance at its pace.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from collector.reporting.outcomes import Run
from publisher.table import KeyRange
from publisher.texts import iso_milliseconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

APPLICATIONS_IN_A_SHARD: Final = 250
"""The most applications in a shard of several subscriptions. A single subscription can have 980, because that is its
limit of resource groups (Azure subscription limits)."""

_FORM: Final = 1


class MalformedShardError(ValueError):
    """A message that describes no shard; the error says why without quoting it."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``count`` parts of a run: the applications in the partitions ``within``. ``number`` begins with 1."""

    run: Run
    number: int
    count: int
    within: KeyRange

    def message(self) -> str:
        """Return the text of the shard's message: some 250 bytes, where the queue allows 64 KB."""
        return orjson.dumps(
            {
                "form": _FORM,
                "run_id": self.run.run_id,
                "started_at": self.run.time_generated,
                "trigger": self.run.trigger,
                "shard": self.number,
                "shards": self.count,
                "first_partition": self.within.first,
                "before_partition": self.within.before,
            }
        ).decode()

    @classmethod
    def parse(cls, message: str | bytes) -> Shard:
        """Return the shard that a message describes; raise MalformedShardError."""
        try:
            content = orjson.loads(message)
        except orjson.JSONDecodeError as error:
            raise MalformedShardError("the message is no JSON") from error
        if not isinstance(content, dict) or content.get("form") != _FORM:
            raise MalformedShardError(f"the message is no shard of form {_FORM}")
        number, count = _field(content, "shard", int), _field(content, "shards", int)
        before = content.get("before_partition")
        if not 1 <= number <= count or not isinstance(before, str | None):
            raise MalformedShardError("the message's numbers or bounds make no sense")
        try:
            started_at = datetime.fromisoformat(_field(content, "started_at", str))
        except ValueError as error:
            raise MalformedShardError("the message's started_at is no time") from error
        if started_at.tzinfo is None:
            raise MalformedShardError("the message's started_at has no time zone")
        run = Run(_field(content, "run_id", str), started_at, _field(content, "trigger", str))
        return cls(run, number, count, KeyRange(_field(content, "first_partition", str), before))

    def __str__(self) -> str:
        return f"shard {self.number} of {self.count} of run {self.run.run_id}"


async def cut(partitions: AsyncIterator[tuple[str, int]], most: int) -> list[KeyRange]:
    """Return ranges of whole partitions with at most ``most`` applications each, or one partition with more.

    Args:
        partitions: each partition's key and how many applications it has, in the table's order.
        most: applications in a range.

    There is at least one range, so that a run of an empty registry writes its run row too.
    """
    firsts, size = [""], 0
    async for key, applications in partitions:
        if size and size + applications > most:
            firsts.append(key)
            size = 0
        size += applications
    return [KeyRange(first, before) for first, before in zip(firsts, [*firsts[1:], None], strict=True)]


def partition_of(run: Run) -> str:
    """Return the partition key of a run's records; keys sort by the time at which runs began."""
    return f"{partition_prefix(run.started_at)}-{run.run_id}"


def partition_prefix(moment: datetime) -> str:
    """Return the prefix of the partition keys of runs that began at ``moment``."""
    return iso_milliseconds(moment).replace(":", "").replace("-", "").replace(".", "")


def _field(content: dict[str, Any], name: str, kind: type[Any]) -> Any:
    value = content.get(name)
    if type(value) is not kind:
        raise MalformedShardError(f"the message's {name} is missing or of the wrong type")
    return value
