"""How many rows each query scans, of a fleet that is read hourly for two days: now and before."""
