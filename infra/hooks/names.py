"""The names that main.bicep gives its resources, computed before they exist."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ABBREVIATIONS: Final = Path(__file__).resolve().parent.parent / "abbreviations.json"

FRONT: Final = "front"
WORKER: Final = "worker"
API: Final = "api"
ROLES: Final[tuple[str, ...]] = (FRONT, WORKER, API)

_MASK: Final = 0xFFFFFFFF
_FIRST: Final = 0x239B961B
_SECOND: Final = 0xAB0E9789
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_LENGTH: Final = 13


@dataclass(frozen=True, slots=True)
class AppNames:
    """Names of the app of one role, and of what it alone has."""

    role: str
    function_app: str
    identity: str
    storage_account: str


@dataclass(frozen=True, slots=True)
class ResourceNames:
    """Names that have to be free, or to be ours, before a deployment."""

    resource_group: str
    key_vault: str
    apps: tuple[AppNames, ...]

    def app(self, role: str) -> AppNames:
        """Return the names of the app of a role."""
        return next(app for app in self.apps if app.role == role)


def resource_names(subscription_id: str, environment_name: str, location: str) -> ResourceNames:
    """Return the names of an environment's resources; the location is spelled as the parameter spells it."""
    short = _abbreviations()
    token = unique_string(f"/subscriptions/{subscription_id}", environment_name, location)
    return ResourceNames(
        resource_group=resource_group(environment_name),
        key_vault=f"{short['keyVault']}{token}",
        apps=tuple(app_names(role, token) for role in ROLES),
    )


def app_names(role: str, token: str) -> AppNames:
    """Return the names of the app of a role. The front has those of the app that there was before there were three."""
    short = _abbreviations()
    part = "" if role == FRONT else f"{role}-"
    return AppNames(
        role=role,
        function_app=f"{short['functionApp']}{part}{token}",
        identity=f"{short['managedIdentity']}{part or 'app-'}{token}",
        storage_account=f"{short['storageAccount']}{part.rstrip('-')}{token}",
    )


def resource_group(environment_name: str) -> str:
    """Return the name of an environment's resource group."""
    return f"{_abbreviations()['resourceGroup']}{environment_name}"


def environment_of(group: str) -> str:
    """Return the name of the environment that a resource group belongs to."""
    return group.removeprefix(_abbreviations()["resourceGroup"])


def token_of(front: str) -> str:
    """Return what the names of an installation end with, from the name of its front."""
    return front.removeprefix(_abbreviations()["functionApp"])


def unique_string(*values: str) -> str:
    """Return what the template function uniqueString returns for these texts: 13 characters of a to z and 2 to 7.

    It is a 64-bit relative of MurmurHash3 (x86, 128 bits, with its first two constants) over the UTF-8 bytes of the
    texts with dashes between them, written in base 32. Checked against published results of Azure, see the tests.
    """
    data = "-".join(values).encode()
    low = high = 0
    for start in range(0, len(data), 8):
        block = data[start : start + 8]
        left, right = (int.from_bytes(part, "little") for part in (block[:4], block[4:]))
        low ^= _mixed(left, _FIRST, 15, _SECOND)
        if len(block) == 8:  # noqa: PLR2004 - the last, shorter block is not stirred
            low = ((_rotated(low, 19) + high) * 5 + 0x561CCD1B) & _MASK
        high ^= _mixed(right, _SECOND, 17, _FIRST)
        if len(block) == 8:  # noqa: PLR2004
            high = ((_rotated(high, 13) + low) * 5 + 0x0BCAA747) & _MASK
    low, high = low ^ len(data), high ^ len(data)
    low = (low + high) & _MASK
    high = (high + low) & _MASK
    low, high = _finished(low), _finished(high)
    low = (low + high) & _MASK
    high = (high + low) & _MASK
    # 13 digits of 5 bits hold 65 bits: one zero bit is appended.
    number = (high << 32 | low) << 1
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))


def _abbreviations() -> dict[str, str]:
    short: dict[str, str] = json.loads(ABBREVIATIONS.read_text(encoding="utf-8"))
    return short


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & _MASK


def _mixed(value: int, factor: int, bits: int, second_factor: int) -> int:
    return _rotated(value * factor & _MASK, bits) * second_factor & _MASK


def _finished(value: int) -> int:
    value = (value ^ value >> 16) * 0x85EBCA6B & _MASK
    value = (value ^ value >> 13) * 0xC2B2AE35 & _MASK
    return value ^ value >> 16
