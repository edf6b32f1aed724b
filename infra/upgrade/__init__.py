"""Programs that are run once, by hand, for an upgrade."""
