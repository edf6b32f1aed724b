"""Names of the queues between the timer and the shards; the host names a poison queue after its queue."""

from typing import Final

SHARDS_QUEUE: Final = "collection-shards"
POISONED_SHARDS_QUEUE: Final = f"{SHARDS_QUEUE}-poison"
