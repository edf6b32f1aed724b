"""The compliance API and the operations page: the tables of the workspace, for people and programs."""
