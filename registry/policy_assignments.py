"""Which policy assignments an application has to show states of: those made at, or inside, its managed resource group.

Best effort, for names and for noticing what was never evaluated; the collector decides ownership by itself, from every
state. So nothing here fails a refresh.
"""

import logging
import re
from typing import Any, Final
from urllib.parse import quote

from publisher.errors import AzureFailure
from publisher.resource_ids import ResourceGroupId, fold, is_at_or_inside
from publisher.resource_manager import ResourceManager, text_at
from registry.definition_names import DefinitionNames
from registry.managed_application import ExpectedAssignment

_LOGGER = logging.getLogger(__name__)
_ASSIGNMENTS_API_VERSION: Final = "2022-06-01"
_SCOPE_OF_ASSIGNMENT: Final = re.compile(r"(.*)/providers/microsoft\.authorization/policyassignments/[^/]+", re.DOTALL)


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
