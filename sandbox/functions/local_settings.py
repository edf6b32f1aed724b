"""local.settings.json, as Azure Functions Core Tools read it: app settings for a host on one's own machine.

Source: https://learn.microsoft.com/azure/azure-functions/functions-develop-local#local-settings-file
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.functions.index import IndexingError

if TYPE_CHECKING:
    from pathlib import Path


def local_settings(path: Path) -> dict[str, str]:
    """Return the app settings in a file (its ``Values``); raise IndexingError when it has none that can be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndexingError(f"{path} cannot be read: {error}") from error
    values = document.get("Values") if isinstance(document, dict) else None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise IndexingError(f"{path} has no Values that are all texts")
    if document.get("IsEncrypted"):
        raise IndexingError(f"{path} is encrypted, which only Core Tools can read: `func settings decrypt`")
    return values


def as_local_settings(values: dict[str, str]) -> str:
    """Return the text of a file with these app settings."""
    return json.dumps({"IsEncrypted": False, "Values": values}, indent=2) + "\n"
