"""Whether a failure is Azure Resource Manager's own word that a resource does not exist."""

import re
from typing import Final

from publisher.errors.kinds import AzureFailure, NotFound
from publisher.resource_ids import ApplicationId, ResourceGroupId, fold

_GROUP: Final = fold("ResourceGroupNotFound")
_RESOURCE: Final = fold("ResourceNotFound")
_QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_GROUP_NAMED: Final = re.compile(r"resource group\s*(?:'([^']*)'|\"([^\"]*)\")", re.IGNORECASE)


def says_gone(failure: AzureFailure, asked: ApplicationId | ResourceGroupId) -> bool:
    """Tell whether ARM says that a managed application, or a resource group, does not exist.

    The codes that say so are ResourceNotFound and ResourceGroupNotFound (FACTS 11.5). Where the message names a
    resource, that has to be the one asked for: ARM uses the same codes for what a request only passes through.
    """
    if not isinstance(failure, NotFound):
        return False
    code, message = fold(failure.code), str(failure)
    if not all(_is_group(name, asked) for name in _names(_GROUP_NAMED, message)):
        return False
    named = _names(_QUOTED, message)
    if code == _GROUP:
        return not named or _is_group(named[0], asked)
    if code != _RESOURCE:
        return False
    return not named or _is_resource(named[0], asked)


def _names(pattern: re.Pattern[str], message: str) -> list[str]:
    return ["".join(filter(None, match.groups())) for match in pattern.finditer(message)]


def _is_group(name: str, asked: ApplicationId | ResourceGroupId) -> bool:
    """Tell whether a name, or an id that ends with it, is that of the group asked for, or of the application's."""
    return fold(name.rpartition("/")[2]) == fold(asked.resource_group)


def _is_resource(name: str, asked: ApplicationId | ResourceGroupId) -> bool:
    """Tell whether a name, its type before it or not, or an id is that of what was asked for."""
    if isinstance(asked, ResourceGroupId):
        return _is_group(name, asked)
    kind, _, last = name.rpartition("/")
    return fold(last) == fold(asked.name) and (not kind or fold(kind).endswith("microsoft.solutions/applications"))
