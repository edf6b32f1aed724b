"""The policy assignments whose states an application must have: those at or inside its managed resource group.

They give display names, and show which assignment was never evaluated. Which states belong to an application the
collector decides from the states alone, so a failure here does not fail a refresh.
"""

import logging
from typing import Any, Final
from urllib.parse import quote

from publisher.errors import AzureFailure
from publisher.resource_ids import ResourceGroupId, assignment_scope, is_at_or_inside
from publisher.resource_manager import ResourceManager, text_at
from registry.definition_names import DefinitionNames
from registry.managed_application import ExpectedAssignment

_LOGGER = logging.getLogger(__name__)
_ASSIGNMENTS_API_VERSION: Final = "2022-06-01"


async def expected_assignments(
    arm: ResourceManager, group: ResourceGroupId, names: DefinitionNames, *, deadline: float
) -> tuple[ExpectedAssignment, ...] | None:
    """Return the assignments at or inside a managed resource group; None when they are not known.

    An empty list means not known: ARM also answers it to those who may not read assignments (FACTS 2.12). A list with
    foreign assignments only means that the application has none. `deadline` is in seconds of `time.monotonic`.
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
    return is_at_or_inside(assignment_scope(text_at(assignment, "id")), str(group))
