"""The fleet as the answers show it: read from the workspace, filtered, sorted, in pages, as JSON or CSV."""
