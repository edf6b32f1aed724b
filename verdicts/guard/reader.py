"""Reads the assignments and exemptions of an application from ARM, and makes sure of what is missing."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from publisher.errors import AzureFailure, NotFound
from publisher.resource_ids import fold
from registry.policies.policy_assignments import (
    ASSIGNMENTS_API_VERSION,
    expected_assignment,
    expected_assignments,
    known_exemptions,
)
from verdicts.evidence import GuardReading

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager
    from registry.managed_application import ExpectedAssignment, ManagedApplication
    from registry.policies.definition_names import DefinitionNames

logger = logging.getLogger(__name__)

_PERMISSIONS_API_VERSION: Final = "2022-04-01"
_READ: Final = "microsoft.authorization/policyassignments/read"
_NOT_FOUND: Final = "PolicyAssignmentNotFound"


async def read_guard(
    arm: ResourceManager,
    application: ManagedApplication,
    baseline: Iterable[str],
    names: DefinitionNames,
    *,
    now: datetime,
    deadline: float,
) -> GuardReading:
    """Return what ARM says of an application's assignments and exemptions; raises no AzureFailure.

    Args:
        arm: as the publisher's service principal sees it.
        application: whose managed resource group is asked.
        baseline: the ids of the assignments that have to be there. Those that ARM's list lacks are asked for by id:
            without the right to read them the list is empty (FACTS 2.12).
        names: reads the assigned definitions.
        now: the time of the reading.
        deadline: in seconds of `time.monotonic`.
    """
    group = application.managed_resource_group_id
    listed = await expected_assignments(arm, group, names, deadline=deadline)
    found = {fold(one.id): one for one in listed or ()}
    missing: dict[str, bool] = {}
    asked = False
    may_read = None
    for assignment_id in baseline:
        key = fold(assignment_id)
        if key in found:
            continue
        assignment, is_absent = await _asked_for(arm, assignment_id, names, deadline)
        asked = asked or assignment is not None
        if assignment is not None:
            found[key] = assignment
            continue
        if is_absent and may_read is None:
            may_read = await _may_read_assignments(arm, group, deadline)
        missing[key] = is_absent and bool(may_read)
    is_known = listed is not None or asked or any(missing.values())
    exemptions = await known_exemptions(arm, group, deadline=deadline)
    return GuardReading(now, found if is_known else None, missing, exemptions)


async def _asked_for(
    arm: ResourceManager, assignment_id: str, names: DefinitionNames, deadline: float
) -> tuple[ExpectedAssignment | None, bool]:
    """Return an assignment by its id, or None and whether ARM says that there is none."""
    path = quote(assignment_id, safe="/()")
    try:
        document = await arm.get(path, api_version=ASSIGNMENTS_API_VERSION, deadline=deadline)
    except NotFound as failure:
        return None, failure.code == _NOT_FOUND
    except AzureFailure as failure:
        logger.info("the policy assignment %s could not be read: %s", assignment_id, failure.code)
        return None, False
    return await expected_assignment(arm, document, names, deadline=deadline), False


async def _may_read_assignments(arm: ResourceManager, group: ResourceGroupId, deadline: float) -> bool:
    """Tell whether our permissions at the group include reading assignments; False when that is not known."""
    path = f"{quote(str(group), safe='/()')}/providers/Microsoft.Authorization/permissions"
    try:
        return any(
            [_allows(one) async for one in arm.list(path, api_version=_PERMISSIONS_API_VERSION, deadline=deadline)]
        )
    except AzureFailure as failure:
        logger.info("the permissions at %s could not be read: %s", group, failure.code)
        return False


def _allows(permission: dict[str, Any]) -> bool:
    return _covers(permission.get("actions")) and not _covers(permission.get("notActions"))


def _covers(actions: Any) -> bool:
    """Tell whether one of these action patterns, in which * stands for anything, covers reading assignments."""
    if not isinstance(actions, list):
        return False
    patterns = (re.escape(fold(action)).replace(r"\*", ".*") for action in actions if isinstance(action, str))
    return any(re.fullmatch(pattern, _READ) for pattern in patterns)
