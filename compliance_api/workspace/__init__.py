"""Questions to the Log Analytics workspace: saved queries, callers' KQL, and the client that asks."""
