"""What the ledger's table holds: facts and control rows to table properties and back, exactly or not at all."""
