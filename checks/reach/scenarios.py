"""The installations that the templates can make, as far as they differ in who may do what."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_GUID: Final = "00000000-0000-0000-0000-00000000000c"
_REQUIRED: Final[Mapping[str, Any]] = {
    "environmentName": "production",
    "location": "westeurope",
    "publisherClientId": _GUID,
    "notificationSignature": "s" * 32,
    "offers": "*",
    "alertEmail": "somebody@example.com",
}
_SWITCHES: Final[Mapping[str, tuple[Any, ...]]] = {
    "apiClientId": ("", _GUID),
    "credentialKind": ("federated", "certificate", "secret"),
    "publisherCredential": ("", "a credential"),
    "privateNetworking": (False, True),
    "alertOnElevatedAccess": (False, True),
}
VARIED: Final = frozenset(_SWITCHES)
"""The parameters that may decide about rights."""

WHEN: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "always": lambda _: True,
    "api": lambda parameters: bool(parameters["apiClientId"]),
    "credential": lambda parameters: parameters["credentialKind"] != "federated",
}
"""The conditions under which somebody has a right, by their name in allowed_rights.json."""


def scenarios() -> list[dict[str, Any]]:
    """Return the parameters of every installation that is looked at: all combinations of the switches."""
    return [{**_REQUIRED, **dict(zip(_SWITCHES, values, strict=True))} for values in product(*_SWITCHES.values())]
