"""Policy definitions and initiatives, read in the version that an assignment, or an initiative, pins.

A pin such as 1.*.* takes the latest version that it fits; Azure keeps the others. Sources: the types of
Microsoft.Authorization policyDefinitions and policyDefinitions/versions, 2024-05-01 (Azure/bicep-types-az: `version`,
`versions`, and names of versions as #.#.#); the reference of Pulumi's azure-native for 2025-01-01 (the path of a
version); Azure Policy's documentation of the assignment structure (definitionVersion).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from publisher.errors.kinds import MalformedAnswer
from publisher.lenient_json import member
from publisher.resource_manager import text_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.resource_manager import ResourceManager

POLICIES_API_VERSION: Final = "2025-01-01"
"""Of assignments, definitions and initiatives. It has definitionVersion beside resourceSelectors and overrides.

Sources: learn.microsoft.com/azure/templates/microsoft.authorization/2025-01-01/policyassignments, and the types of
Azure/bicep-types-az for Microsoft.Authorization/policyAssignments@2025-01-01. The REST specification of 2024-04-01 has
no definitionVersion.
"""

_VERSION: Final = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-.*)?", re.DOTALL)


async def read_definition(arm: ResourceManager, definition_id: str, pin: str, *, deadline: float) -> dict[str, Any]:
    """Return ARM's description of a definition or initiative in the version that a pin takes; "" takes the latest.

    Raises MalformedAnswer when Azure lists no version that the pin fits: what is judged then is not known.
    """
    path = quote(definition_id, safe="/()")
    latest = await arm.get(path, api_version=POLICIES_API_VERSION, deadline=deadline)
    version = pinned_version(latest, pin)
    if not version:
        return latest
    read = await arm.get(f"{path}/versions/{version}", api_version=POLICIES_API_VERSION, deadline=deadline)
    return {**read, "id": member(latest, "id")}


def pinned_version(latest: Mapping[str, Any], pin: str) -> str:
    """Return the version that a pin takes, "" where it is the latest, or where Azure tells of no versions.

    Raises MalformedAnswer when the pin fits none.
    """
    wanted = pin.partition("-")[0].split(".")
    current = text_at(latest, "properties", "version")
    numbers = _numbers(current)
    if not pin or not current or (numbers is not None and _fits(numbers, wanted)):
        return ""
    listed = member(member(latest, "properties"), "versions")
    known = [_numbers(one) for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    fitting = [one for one in known if one is not None and _fits(one, wanted)]
    if not fitting:
        raise MalformedAnswer("Azure lists no version of the definition that is pinned", code="MalformedAnswer")
    return ".".join(map(str, max(fitting)))


def _numbers(version: str) -> tuple[int, ...] | None:
    """Return the numbers of a version; None for anything else. A word behind them, such as preview, is no number."""
    found = _VERSION.fullmatch(version)
    return tuple(map(int, found.groups())) if found else None


def _fits(version: tuple[int, ...], wanted: list[str]) -> bool:
    return all(part in {"*", str(number)} for part, number in zip(wanted, version, strict=False))
