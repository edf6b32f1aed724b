"""What rows of which tables a query reads: its tables with their time conditions, and every query that is deployed."""
