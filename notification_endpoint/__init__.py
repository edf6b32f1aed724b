"""The webhook that Azure calls about managed applications: it has the registry refreshed, and stores an event row."""
