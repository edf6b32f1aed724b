"""The version that a run row names; pyproject.toml takes it from here."""

from typing import Final

VERSION: Final = "1.0.0"
