"""One run spread over a storage queue: its shards, the queue, and the records of which shards are done."""

from typing import Final

# Here, because triggers name the queue when the app is indexed, and that must not import an SDK.
SHARDS_QUEUE: Final = "collection-shards"
MOST_DELIVERIES: Final = 5
"""How often a shard is tried before it is given up."""
