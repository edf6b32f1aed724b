"""The functions of Bicep that the templates use, as ARM computes them. An unknown one is an error, never a guess.

Source: learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

SUBSCRIPTION: Final = "00000000-0000-0000-0000-00000000000a"
TENANT: Final = "00000000-0000-0000-0000-00000000000b"
SUBSCRIPTION_ID: Final = f"/subscriptions/{SUBSCRIPTION}"
GROUP_ID: Final = f"{SUBSCRIPTION_ID}/resourceGroups/…"
UNIQUE: Final = "…"
"""Stands in names for the 13 characters that make them unique, and in ids for the resource group."""

_ENVIRONMENT: Final[Mapping[str, Any]] = {
    "name": "AzureCloud",
    "resourceManager": "https://management.azure.com/",
    "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
    "suffixes": {"storage": "core.windows.net", "keyvaultDns": ".vault.azure.net"},
}
_SUBSCRIPTION: Final = {"id": SUBSCRIPTION_ID, "subscriptionId": SUBSCRIPTION, "tenantId": TENANT}


def functions(folder: Path) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name. Files are loaded relative to `folder`, as for a template that lies there."""
    return {
        "any": lambda value: value,
        "concat": _concat,
        "contains": lambda container, item: item in container,
        "empty": lambda value: not value,
        "environment": lambda: _ENVIRONMENT,
        "guid": lambda *parts: str(uuid.uuid5(uuid.NAMESPACE_URL, "-".join(parts))),
        "items": lambda value: [{"key": key, "value": value[key]} for key in sorted(value)],
        "loadJsonContent": lambda file: json.loads((folder / file).read_text(encoding="utf-8")),
        "loadTextContent": lambda file: (folder / file).read_text(encoding="utf-8"),
        "replace": lambda text, old, new: text.replace(old, new),
        "resourceGroup": lambda: {"id": GROUP_ID},
        "resourceId": lambda kind, *names: resource_id(GROUP_ID, kind, names),
        "split": lambda text, separator: text.split(separator),
        "string": lambda value: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
        "subscription": lambda: _SUBSCRIPTION,
        "subscriptionResourceId": lambda kind, *names: resource_id(SUBSCRIPTION_ID, kind, names),
        "tenantResourceId": lambda kind, *names: resource_id("", kind, names),
        "toLower": lambda text: text.lower(),
        "trim": lambda text: text.strip(),
        "union": _union,
        "uniqueString": lambda *_: UNIQUE,
    }


def resource_id(scope: str, kind: str, names: Sequence[str]) -> str:
    """Return the id of a resource at a scope; `kind` is the whole type, `names` has a name for each of its parts."""
    provider, *types = kind.split("/")
    if len(types) != len(names):
        raise ValueError(f"{kind} takes {len(types)} names and not {len(names)}")
    return "/".join((scope, "providers", provider, *(word for pair in zip(types, names, strict=True) for word in pair)))


def _concat(*values: Any) -> Any:
    return "".join(values) if isinstance(values[0], str) else [item for value in values for item in value]


def _union(*values: Any) -> Any:
    if isinstance(values[0], list):
        merged = list[Any]()
        for item in (item for value in values for item in value):
            if item not in merged:
                merged.append(item)
        return merged
    result: dict[str, Any] = {}
    for value in values:
        for key, content in value.items():
            both = isinstance(content, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = _union(result[key], content) if both else content
    return result
