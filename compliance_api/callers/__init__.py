"""Who calls the API, and whether they may."""
