"""Whether a failure is Azure Resource Manager's own word that a resource does not exist."""

import re
from collections.abc import Callable
from typing import Final

from publisher.errors.kinds import AzureFailure, NotFound
from publisher.errors.names import Named, names_in
from publisher.resource_ids import ApplicationId, ResourceGroupId, fold

_GROUP: Final = fold("ResourceGroupNotFound")
_RESOURCE: Final = fold("ResourceNotFound")
_IN_GROUP: Final = re.compile("subscriptions/([^/]+)(?:/resourcegroups/([^/]+))?")


def says_gone(failure: AzureFailure, asked: ApplicationId | ResourceGroupId | str) -> bool:
    """Tell whether ARM says that what was asked for does not exist: an application, a resource group, or a resource.

    The codes that say so are ResourceNotFound and ResourceGroupNotFound in a JSON error document (FACTS 11.5). Where
    the document names anything, in its message or as its target, all of that has to be what was asked for: ARM uses the
    same codes for what a request only passes through.
    """
    code, place = fold(failure.code), _Place(str(asked))
    if code == _GROUP:
        return _names_nothing_but(failure, place, place.is_its_group)
    return code == _RESOURCE and _names_nothing_but(failure, place, place.is_it)


def is_about(failure: AzureFailure, resource_id: str) -> bool:
    """Tell whether a service says in a JSON error document that something does not exist, and names only this resource.

    It may name nothing at all; beside the resource, the group, subscription and type that the resource is of.
    """
    place = _Place(resource_id)
    return _names_nothing_but(failure, place, place.is_it)


def _names_nothing_but(failure: AzureFailure, place: "_Place", is_the_one: Callable[[Named], bool]) -> bool:
    """Tell whether ARM's error document names nothing, or the one that is missing and only what `place` consists of."""
    if not isinstance(failure, NotFound) or failure.said is None:
        return False
    names = [named for text in failure.said for named in names_in(text)]
    return all(map(place.fits, names)) and (not names or any(map(is_the_one, names)))


class _Place:
    """A resource or a resource group, and all that it and what it is in are called, folded."""

    def __init__(self, resource_id: str) -> None:
        path = fold(resource_id).strip("/")
        parts = path.split("/")
        self._names = {"/".join(parts[begin:]) for begin in range(len(parts))}
        self._subscription, self._group, self._types = set[str](), set[str](), set[str]()
        self._is_group = False
        if found := _IN_GROUP.match(path):
            subscription, group = found.groups()
            self._subscription = {subscription, f"subscriptions/{subscription}"}
            self._group = {group, f"resourcegroups/{group}", found[0]} if group else set()
            self._is_group = found[0] == path
        _, is_resource, inside = path.rpartition("providers/")
        if is_resource:
            namespace, *rest = inside.split("/")
            types = rest[::2]
            self._types = {namespace, *types[-1:], "/".join(types), "/".join((namespace, *types))}

    def fits(self, named: Named) -> bool:
        """Tell whether a name is one of the place, or of what it is in."""
        name = fold(named.name)
        if named.is_group:
            return name in self._group
        if named.is_subscription:
            return name in self._subscription
        return name in self._names | self._subscription | self._group | self._types

    def is_it(self, named: Named) -> bool:
        """Tell whether a name that fits is the place's own."""
        return fold(named.name) in self._names and (self._is_group or not (named.is_group or named.is_subscription))

    def is_its_group(self, named: Named) -> bool:
        """Tell whether a name that fits is that of the group which the place is, or is in."""
        return fold(named.name) in self._group
