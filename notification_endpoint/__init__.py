"""The webhook that Azure calls about managed applications; it keeps the registry."""
