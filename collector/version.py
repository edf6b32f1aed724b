"""The version in run rows; pyproject.toml has the same."""

from typing import Final

VERSION: Final = "1.0.0"
