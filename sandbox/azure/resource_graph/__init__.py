"""Plays the resource provider Microsoft.ResourceGraph."""
