"""The version: what a run row names, the bill of materials says, and a release's tag must be (`v` before it)."""

from typing import Final

VERSION: Final = "1.0.0"
