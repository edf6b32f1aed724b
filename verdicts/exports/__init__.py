"""Daily copies of registry and ledger in Blob storage: Table storage gives back nothing that was deleted."""
