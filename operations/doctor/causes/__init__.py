"""What error codes mean: the cause of each, and what to do next. docs/operations.md has the same."""
