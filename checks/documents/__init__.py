"""What the documents say, read as Markdown and as shell commands."""
