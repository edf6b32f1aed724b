"""What the answers say about the fleet: its figures, lists of applications, pages and CSV."""
