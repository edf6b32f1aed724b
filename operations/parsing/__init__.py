"""Parsers of single commands of ``python -m operations``."""
