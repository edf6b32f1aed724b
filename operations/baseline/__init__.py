"""Declared baselines: the command, and the file that it reads."""
