"""One run spread over a storage queue: its shards, the queue, and the records of which shards are done."""

from typing import Final

# Here, because triggers name the queues when the app is indexed, and that must not import an SDK.
SHARDS_QUEUE: Final = "collection-shards"
POISONED_SHARDS_QUEUE: Final = f"{SHARDS_QUEUE}-poison"
"""Where the Functions host puts a message that failed too often."""
