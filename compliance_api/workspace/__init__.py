"""Querying the Log Analytics workspace: the client, its cache, the saved queries, and what callers' KQL may contain."""
