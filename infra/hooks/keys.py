"""The function keys that the webhook's address carries as `code`, read when they are needed: they are rotated."""

from __future__ import annotations

from typing import Final

from infra.hooks.azure_cli import ask_object
from infra.hooks.deployment import NOTIFICATION_FUNCTION

DEFAULT: Final = "default"
"""Name of the key that Azure makes by itself."""


def function_keys(resource_group: str, front: str) -> tuple[dict[str, str], str]:
    """Return the keys of the webhook's function by name, `default` first, and why there are none."""
    answer = ask_object(
        "functionapp", "function", "keys", "list", "--resource-group", resource_group,
        "--name", front, "--function-name", NOTIFICATION_FUNCTION,
    )  # fmt: skip
    keys = {name: key for name, key in (answer.data or {}).items() if isinstance(key, str) and key}
    found = dict(sorted(keys.items(), key=lambda item: (item[0] != DEFAULT, item[0])))
    return found, "" if found else answer.reason or "the function has no key"
