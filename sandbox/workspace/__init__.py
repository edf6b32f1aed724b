"""A Log Analytics workspace: the project's tables in DuckDB, queried with KQL."""
