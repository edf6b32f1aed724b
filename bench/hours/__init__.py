"""What a fleet uploads in 48 scripted hours: bytes and requests, counted at the ingestion endpoint."""
