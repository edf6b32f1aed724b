"""Azure Monitor's alert rules: evaluated over the workspace and delivered to an action group's receiver."""
