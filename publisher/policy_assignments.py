"""Which policy assignments an application has to show states of: those made at, or inside, its managed resource group.

Best effort, for names and for noticing what was never evaluated; the collector decides ownership by itself, from every
state. So nothing here fails a refresh.
"""

import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from publisher.errors import AccessDenied, AzureFailure, NotFound, RequestRefused
from publisher.managed_application import ExpectedAssignment
from publisher.resource_ids import ResourceGroupId, fold, is_at_or_inside
from publisher.resource_manager import ResourceManager, text_at

_LOGGER = logging.getLogger(__name__)
_ASSIGNMENTS_API_VERSION: Final = "2022-06-01"
_DEFINITIONS_API_VERSION: Final = "2021-06-01"
_SCOPE_OF_ASSIGNMENT: Final = re.compile(r"(.*)/providers/microsoft\.authorization/policyassignments/[^/]+", re.DOTALL)
_DEFINITION_ID: Final = re.compile(
    r"(?:/[^/?#%\\]+)*/providers/microsoft\.authorization/(?:policydefinitions|policysetdefinitions)/[^/?#%\\]+"
)
_NAMES_KEPT_SECONDS: Final = 24 * 3600.0
_MOST_NAMES: Final = 10_000


class DefinitionNames:
    """Display names of policy definitions and initiatives, remembered for a day."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, str]] = {}

    async def name(self, arm: ResourceManager, definition_id: str, *, deadline: float) -> str:
        """Return the display name of a definition, "" when it has none or cannot be read."""
        key = arm.endpoint, fold(definition_id)
        known_at, name = self._known.get(key, (0.0, ""))
        if key in self._known and self._clock() - known_at < _NAMES_KEPT_SECONDS:
            return name
        if not _DEFINITION_ID.fullmatch(key[1]) or "/../" in definition_id:
            return ""
        try:
            path = quote(definition_id, safe="/()")
            answer = await arm.get(path, api_version=_DEFINITIONS_API_VERSION, deadline=deadline)
        except (AccessDenied, NotFound, RequestRefused):
            name = ""
        except AzureFailure as failure:
            _LOGGER.debug("no display name for a definition: %s", failure.code)
            return name
        else:
            name = text_at(answer, "properties", "displayName")
        if len(self._known) >= _MOST_NAMES:
            self._known.clear()
        self._known[key] = self._clock(), name
        return name


DEFINITION_NAMES: Final = DefinitionNames()
"""The names that this process knows."""


async def expected_assignments(
    arm: ResourceManager, group: ResourceGroupId, names: DefinitionNames, *, deadline: float
) -> tuple[ExpectedAssignment, ...] | None:
    """Return the assignments at or inside a managed resource group; None when they are not known.

    An empty list is not known either: it is also what ARM answers to those who may not read assignments (FACTS 2.12).
    A list with foreign assignments only, however, was readable: the application has none of its own. `deadline` is in
    seconds of `time.monotonic`.
    """
    path = f"{quote(str(group), safe='/()')}/providers/Microsoft.Authorization/policyAssignments"
    seen = 0
    own: list[ExpectedAssignment] = []
    try:
        async for assignment in arm.list(path, api_version=_ASSIGNMENTS_API_VERSION, deadline=deadline):
            seen += 1
            if _belongs_to(assignment, group):
                own.append(await _expected(arm, assignment, names, deadline))
    except AzureFailure as failure:
        _LOGGER.info("the policy assignments at %s could not be read: %s", group, failure.code)
        return None
    return tuple(own) if seen else None


async def _expected(
    arm: ResourceManager, assignment: dict[str, Any], names: DefinitionNames, deadline: float
) -> ExpectedAssignment:
    definition_id = text_at(assignment, "properties", "policyDefinitionId")
    return ExpectedAssignment(
        id=text_at(assignment, "id"),
        display_name=text_at(assignment, "properties", "displayName"),
        definition_id=definition_id,
        definition_display_name=await names.name(arm, definition_id, deadline=deadline),
    )


def _belongs_to(assignment: dict[str, Any], group: ResourceGroupId) -> bool:
    matched = _SCOPE_OF_ASSIGNMENT.fullmatch(fold(text_at(assignment, "id")))
    return matched is not None and is_at_or_inside(matched[1], str(group))
