"""From what the ledger remembers of an application and what a run learned: what the ledger shall remember."""
