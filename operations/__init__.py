"""The commands of an operator: change and check the registry, and examine the installation."""
