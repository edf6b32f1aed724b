"""host.json, and the app settings that take the place of values in it.

Source: https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sandbox.functions.index import IndexingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PREFIX: Final = "AzureFunctionsJobHost__"


def host_json(folder: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """Return a folder's host.json with the values that ``AzureFunctionsJobHost__path__to__value`` settings replace.

    Raises:
        IndexingError: it cannot be read, or a setting's path leads through a value.
    """
    try:
        document = json.loads((folder / "host.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndexingError(f"host.json cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise IndexingError("host.json is no JSON object")
    for name, value in variables.items():
        if name.startswith(_PREFIX):
            _replace(document, name, value)
    return document


def _replace(document: dict[str, Any], name: str, value: str) -> None:
    *path, last = name.removeprefix(_PREFIX).split("__")
    part: Any = document
    for step in path:
        part = part.setdefault(step, {})
        if not isinstance(part, dict):
            raise IndexingError(f"the setting {name} leads through {step}, which is a value in host.json")
    part[last] = value
