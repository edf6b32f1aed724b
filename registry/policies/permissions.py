"""What our permissions at a managed resource group include: without them ARM lists nothing, instead of refusing.

FACTS 2.12 tells so of policy assignments. Source of the call: the REST specification of Microsoft.Authorization,
Permissions_ListForResourceGroup.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from publisher.errors.kinds import AzureFailure
from publisher.lenient_json import member
from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collections.abc import Collection

    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager

_LOGGER = logging.getLogger(__name__)
_API_VERSION: Final = "2022-04-01"

READ_ASSIGNMENTS: Final = "Microsoft.Authorization/policyAssignments/read"
READ_EXEMPTIONS: Final = "Microsoft.Authorization/policyExemptions/read"
CREATE_REMEDIATIONS: Final = "Microsoft.PolicyInsights/remediations/write"
WRITE_EXEMPTIONS: Final = "Microsoft.Authorization/policyExemptions/write"


async def is_allowed(arm: ResourceManager, group: ResourceGroupId, action: str, *, deadline: float) -> bool:
    """Tell whether our permissions at the group include an action; False when that is not known.

    `deadline` is in seconds of `time.monotonic`.
    """
    return await allowed(arm, group, action, deadline=deadline) is True


async def allowed(arm: ResourceManager, group: ResourceGroupId, action: str, *, deadline: float) -> bool | None:
    """Tell whether our permissions at the group include an action; None when that is not known.

    Nor is it when a permission cannot be read, and those that can be do not include the action.
    """
    return (await all_allowed(arm, group, [action], deadline=deadline))[action]


async def all_allowed(
    arm: ResourceManager, group: ResourceGroupId, actions: Collection[str], *, deadline: float
) -> dict[str, bool | None]:
    """Return of each of these actions what `allowed` does, by one request."""
    path = f"{quote(str(group), safe='/()')}/providers/Microsoft.Authorization/permissions"
    try:
        roles = [role async for role in arm.list(path, api_version=_API_VERSION, deadline=deadline)]
    except AzureFailure as failure:
        _LOGGER.info("the permissions at %s could not be read: %s", group, failure.code)
        return dict.fromkeys(actions)
    readable = [role for role in roles if _is_readable(role)]
    otherwise = False if len(readable) == len(roles) else None
    return {action: any(includes(role, action) for role in readable) or otherwise for action in actions}


def includes(permission: Any, action: str) -> bool:
    """Tell whether a permission, with its `actions` and `notActions`, includes an action."""
    return _covers(member(permission, "actions"), action) and not _covers(member(permission, "notActions"), action)


def _is_readable(permission: Any) -> bool:
    """Tell whether a permission says what it allows, and what it leaves out: Azure may leave out either list."""
    lists = (member(permission, "actions") or [], member(permission, "notActions") or [])
    return all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in lists)


def _covers(patterns: Any, action: str) -> bool:
    """Tell whether one of these patterns, in which * stands for anything, covers an action."""
    if not isinstance(patterns, list):
        return False
    expressions = (re.escape(fold(one)).replace(r"\*", ".*") for one in patterns if isinstance(one, str))
    return any(re.fullmatch(expression, fold(action)) for expression in expressions)
