"""One run spread over a storage queue: shards of whole subscriptions, and the records of what became of them."""
