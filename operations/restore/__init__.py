"""``restore``: what was deleted from registry and ledger comes back from the daily export."""
