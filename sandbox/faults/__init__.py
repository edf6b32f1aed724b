"""Scripted faults: which request fails (operations), how it fails (effects), and when (faults)."""
