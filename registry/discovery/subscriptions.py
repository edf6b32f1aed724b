"""The subscriptions that are searched: those that ARM lists to our service principal, and those of the registry's rows.

Source: the REST specification of Microsoft.Resources, Subscriptions_List (`value` of `subscriptionId`, `displayName`
and `state`, `nextLink`), 2022-12-01, which azure-mgmt-resource sends too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from publisher.errors.kinds import AzureFailure, is_our_own
from publisher.resource_ids import is_guid
from publisher.resource_manager import text_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.resource_manager import ResourceManager
    from registry.discovery.known import Known

API_VERSION: Final = "2022-12-01"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription to search; `id` is in lower case, `name` and `state` are "" where ARM does not list it.

    `is_expected` is False for one that ARM does not list, and in which everybody whom the registry knew has left for
    sure: like any other subscription of the world it may be out of our sight.
    """

    id: str
    name: str = ""
    state: str = ""
    is_expected: bool = True

    def __str__(self) -> str:
        """Its name and id, as people are told of it."""
        return f"{self.name} ({self.id})" if self.name else self.id


@dataclass(frozen=True, slots=True)
class Listed:
    """The subscriptions that ARM lists, by id; `problems` has what keeps the list from being complete."""

    subscriptions: Mapping[str, Subscription]
    problems: tuple[str, ...] = ()


async def listed_subscriptions(arm: ResourceManager, *, deadline: float) -> Listed:
    """Return the subscriptions that ARM lists to us; raise the AzureFailure when our own identity is in trouble.

    One that is not in the list may exist, and may have an application of ours. `deadline` is in seconds of
    `time.monotonic`.
    """
    found, unnamed, problems = dict[str, Subscription](), 0, list[str]()
    try:
        async for page in arm.pages("/subscriptions", api_version=API_VERSION, deadline=deadline):
            for entry in page:
                subscription = _subscription_in(entry)
                if subscription is None:
                    unnamed += 1
                else:
                    found.setdefault(subscription.id, subscription)
    except AzureFailure as failure:
        if is_our_own(failure):
            raise
        how_far = " to its end" if found else ""
        problems.append(f"the list of subscriptions could not be read{how_far}: {failure.code}: {failure}")
    if unnamed:
        problems.append(f"{unnamed} entries of the list of subscriptions name no subscription")
    return Listed(found, tuple(problems))


def to_search(listed: Listed, known: Known) -> tuple[Subscription, ...]:
    """Return what is to be searched, in the order of their ids."""
    others = {
        one: Subscription(one, is_expected=bool(listed.problems) or one in known.expecting)
        for one in known.subscriptions - listed.subscriptions.keys()
    }
    return tuple(one for _, one in sorted({**listed.subscriptions, **others}.items()))


def _subscription_in(entry: Any) -> Subscription | None:
    """Return the subscription that an entry of ARM's list names, None for an entry that names none."""
    identity = text_at(entry, "subscriptionId") or text_at(entry, "id").strip("/").rpartition("/")[2]
    if not is_guid(identity):
        return None
    return Subscription(identity.lower(), text_at(entry, "displayName"), text_at(entry, "state"))
