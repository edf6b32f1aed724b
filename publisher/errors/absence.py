"""Whether a failure is Azure Resource Manager's own word that a resource does not exist."""

import re
from typing import Final

from publisher.errors.kinds import AzureFailure, NotFound
from publisher.resource_ids import ApplicationId, ResourceGroupId, fold

_GROUP: Final = fold("ResourceGroupNotFound")
_RESOURCE: Final = fold("ResourceNotFound")
_QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_GROUP_NAMED: Final = re.compile(r"resource group\s*(?:'([^']*)'|\"([^\"]*)\")", re.IGNORECASE)
_GROUP_IN_ID: Final = re.compile(r"/?subscriptions/[^/]+/resourcegroups/([^/]+)", re.IGNORECASE)


def says_gone(failure: AzureFailure, asked: ApplicationId | ResourceGroupId | str) -> bool:
    """Tell whether ARM says that what was asked for does not exist: an application, a resource group, or a resource.

    The codes that say so are ResourceNotFound and ResourceGroupNotFound (FACTS 11.5). Where the message names a
    resource, that has to be the one asked for: ARM uses the same codes for what a request only passes through.
    """
    if not isinstance(failure, NotFound):
        return False
    code, resource_id = fold(failure.code), str(asked)
    if code == _GROUP:
        named = _names(_QUOTED, failure)
        return not named or _last(named[0]) == _group_of(resource_id)
    return code == _RESOURCE and is_about(failure, resource_id)


def is_about(failure: AzureFailure, resource_id: str) -> bool:
    """Tell whether a failure's message names this resource (by its name, type and name, or id), or none at all."""
    if any(_last(group) != _group_of(resource_id) for group in _names(_GROUP_NAMED, failure)):
        return False
    named = _names(_QUOTED, failure)
    if not named:
        return True
    kind = named[0].strip("/").rpartition("/")[0]
    return _last(named[0]) == _last(resource_id) and fold(kind).split("/")[0] in ("", *fold(resource_id).split("/"))


def _names(pattern: re.Pattern[str], failure: AzureFailure) -> list[str]:
    return ["".join(filter(None, match.groups())) for match in pattern.finditer(str(failure))]


def _last(name: str) -> str:
    return fold(name.strip("/").rpartition("/")[2])


def _group_of(resource_id: str) -> str:
    match = _GROUP_IN_ID.match(resource_id)
    return fold(match[1]) if match else ""
