"""Plays Entra ID and the managed identity endpoint: principals, their credentials and tokens."""
