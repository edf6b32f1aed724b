"""The documents that checks judge, as Azure Resource Manager answers them, and their members.

Names of members are compared without regard to letter case, and ids as Azure compares them. What is not of the shape
that the API's specification gives raises Unjudgeable: it is neither well nor wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from publisher.lenient_json import member
from publisher.resource_ids import fold, plain_id, quoted
from publisher.resource_manager import text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Document = Mapping[str, Any]

NETWORKS: Final = "Microsoft.Network/virtualNetworks"
SUBNETS: Final = "Microsoft.Network/virtualNetworks/subnets"
SECURITY_GROUPS: Final = "Microsoft.Network/networkSecurityGroups"
ROUTE_TABLES: Final = "Microsoft.Network/routeTables"
INTERFACES: Final = "Microsoft.Network/networkInterfaces"
PRIVATE_ENDPOINTS: Final = "Microsoft.Network/privateEndpoints"

_PROVIDERS: Final = "/providers/"


class Unjudgeable(Exception):  # noqa: N818 - named for what it tells
    """A document is not what it should be, or one that is needed could not be read; the message says which and why."""


class Documents:
    """What was read of a managed resource group, and around it.

    Args:
        lists: the resources of the group, by their type; a type that is not there was not read.
        elsewhere: resources that were read one by one, by folded id; a text says why one could not be read.

    `wanted` has the folded ids of resources that a check asked for and that are in neither.
    """

    def __init__(
        self, lists: Mapping[str, Sequence[Document]], elsewhere: Mapping[str, Document | str] | None = None
    ) -> None:
        self._lists = {fold(resource_type): resources for resource_type, resources in lists.items()}
        self._elsewhere = elsewhere or {}
        self._known: dict[str, Document] = {}
        self._subnets: list[Document] | None = None
        self.wanted: set[str] = set()
        for resources in self._lists.values():
            for one in resources:
                self._known.setdefault(fold(id_of(one)), one)

    def of_type(self, resource_type: str) -> Sequence[Document]:
        """Return the resources of a type, () for one that was not read."""
        return self._lists.get(fold(resource_type), ())

    def find(self, resource_id: str) -> Document:
        """Return the resource with this id; raise Unjudgeable when it is not there, or could not be read."""
        key = fold(plain_id(resource_id))
        if fold(type_of(key)) == fold(SUBNETS):
            self.subnets()  # which are known from then on
        found = self._known.get(key) or self._elsewhere.get(key)
        if found is None:
            self.wanted.add(key)
            raise Unjudgeable(f"{_called(resource_id)} was not read")
        if isinstance(found, str):
            raise Unjudgeable(f"{_called(resource_id)} could not be read: {found}")
        return found

    def any_of(self, resource_ids: Iterable[str], holds: Callable[[Document], bool]) -> bool:
        """Tell whether something holds of any of these resources; raise Unjudgeable when that hangs on one not read."""
        unread: Unjudgeable | None = None
        is_any = False
        for one in resource_ids:  # all of them, so that all are wanted at once
            try:
                is_any = holds(self.find(one)) or is_any
            except Unjudgeable as error:
                unread = unread or error
        if unread is not None and not is_any:
            raise unread
        return is_any

    def subnets(self) -> list[Document]:
        """Return the subnets of the group's virtual networks, each with its id; raise Unjudgeable."""
        if self._subnets is None:
            inner = (_inner(network) for network in self.of_type(NETWORKS))
            self._subnets = list({fold(id_of(one)): one for one in chain(self.of_type(SUBNETS), *inner)}.values())
            self._known.update({fold(id_of(one)): one for one in self._subnets})
        return self._subnets


def id_of(document: Any) -> str:
    """Return the id of a document or of a reference to one, as Azure documents ids; "" for none."""
    return plain_id(text_at(document, "id"))


def name_of(resource_id: str) -> str:
    """Return the last part of an id."""
    return resource_id.rpartition("/")[2]


def type_of(resource_id: str) -> str:
    """Return the type of the resource with this id, as it is spelled there; "" for what is no resource's id."""
    plain = plain_id(resource_id)
    begin = fold(plain).rfind(_PROVIDERS)
    namespace, *parts = plain[begin + len(_PROVIDERS) :].split("/")
    return "/".join((namespace, *parts[::2])) if begin >= 0 and parts else ""


def scope_of(resource_id: str) -> str:
    """Return the id of the resource group, or other scope, that a resource lies in."""
    plain = plain_id(resource_id)
    return plain[: max(0, fold(plain).find(_PROVIDERS))]


def parent_of(resource_id: str) -> str:
    """Return the id of the resource that a child resource lies in."""
    return resource_id.rpartition("/")[0].rpartition("/")[0]


def properties_of(document: Document) -> Document:
    """Return the properties of a resource; raise Unjudgeable when it has none."""
    properties = member(document, "properties")
    if not isinstance(properties, Mapping):
        raise Unjudgeable(f"{_called(id_of(document))} has no properties")
    return properties


def objects_at(document: Document, *path: str) -> list[Document]:
    """Return the objects in a list; [] where the list is absent or null. Raise Unjudgeable for anything else."""
    value: Any = document
    for name in path:
        value = member(value, name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise Unjudgeable(f"{path[-1]} of {_called(id_of(document))} is no list of objects")
    return value


def needed_objects_at(document: Document, *path: str) -> list[Document]:
    """Return the objects in a list that Azure always gives, however short it is; raise Unjudgeable where it is not."""
    value: Any = document
    for name in path:
        value = member(value, name)
    if value is None:
        raise Unjudgeable(f"{_called(id_of(document))} has no list {path[-1]}")
    return objects_at(document, *path)


def word_at(document: Any, *path: str) -> str:
    """Return a text, folded and without blanks around it; "" where it is absent or null, Unjudgeable for no text."""
    value = document
    for name in path:
        value = member(value, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unjudgeable(f"{path[-1]} is no text: {quoted(str(value))}")
    return fold(value.strip())


def is_true_at(document: Any, *path: str) -> bool:
    """Tell whether a switch is on; it is off where it is absent or null. Raise Unjudgeable for what is no switch."""
    value = document
    for name in path:
        value = member(value, name)
    if value is not None and not isinstance(value, bool):
        raise Unjudgeable(f"{path[-1]} is neither true nor false")
    return value is True


def reference_at(document: Any, *path: str) -> str:
    """Return the id in a reference to another resource; "" where there is none, Unjudgeable for one without id."""
    value = document
    for name in path:
        value = member(value, name)
    if value is None:
        return ""
    found = id_of(value)
    if not found:
        raise Unjudgeable(f"{path[-1]} names no resource")
    return found


def _inner(network: Document) -> Iterator[Document]:
    """Yield the subnets that a virtual network's document has."""
    for subnet in needed_objects_at(network, "properties", "subnets"):
        subnet_id, network_id, name = id_of(subnet), id_of(network), text_at(subnet, "name")
        if not subnet_id and not (network_id and name):
            raise Unjudgeable("a subnet of a virtual network has neither id nor name")
        yield {
            "location": member(network, "location"),
            **subnet,
            "id": subnet_id or f"{network_id}/subnets/{name}",
        }


def _called(resource_id: str) -> str:
    kind = name_of(type_of(resource_id))
    return f"{kind} {name_of(resource_id)}" if kind else "a resource without id"
