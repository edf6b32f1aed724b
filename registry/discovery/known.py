"""What the registry has of applications, for the comparison with what Azure shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from publisher.resource_ids import ApplicationId, is_guid
from registry.managed_application import MalformedRow, ManagedApplication, Removed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry.registry import Registry


@dataclass(frozen=True, slots=True)
class Known:
    """Everybody who has a row in the registry; subscription ids are in lower case.

    `registered` are also those whose row cannot be read, of which `unreadable` is the number.
    `subscriptions` are those of all rows, `expecting` those in which somebody is registered, or was removed without
    anybody's word that the application does not exist.
    """

    registered: frozenset[ApplicationId] = frozenset()
    removed: Mapping[ApplicationId, Removed] = field(default_factory=dict)
    subscriptions: frozenset[str] = frozenset()
    expecting: frozenset[str] = frozenset()
    unreadable: int = 0


async def known_to(registry: Registry) -> Known:
    """Read the whole registry; raise the AzureFailure when that is not possible: a part of it would be no answer."""
    registered, removed = set[ApplicationId](), dict[ApplicationId, Removed]()
    subscriptions, expecting, unreadable = set[str](), set[str](), 0
    async for item in registry.known():
        unreadable += isinstance(item, MalformedRow)
        if isinstance(item, Removed):
            removed[item.application_id] = item
        elif item.application_id is not None:
            registered.add(item.application_id)
        if subscription := _subscription_of(item):
            subscriptions.add(subscription)
            if not (isinstance(item, Removed) and (item.removal is None or item.removal.confirmed)):
                expecting.add(subscription)
    return Known(frozenset(registered), removed, frozenset(subscriptions), frozenset(expecting), unreadable)


def _subscription_of(item: ManagedApplication | MalformedRow | Removed) -> str:
    """Return the id of the subscription that a row is about, "" when the row does not tell."""
    if item.application_id is not None:
        return item.application_id.subscription_id.lower()
    told = item.subscription_id if isinstance(item, MalformedRow) else ""
    return told.lower() if is_guid(told) else ""
