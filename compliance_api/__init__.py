"""The compliance API and the operations page: what the tables say about the fleet, for people and for automation."""
