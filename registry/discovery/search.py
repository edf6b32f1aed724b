"""Reads which managed applications are in a subscription: ARM's own list, and what Azure Resource Graph hints at.

ARM's list is read to its end, entry by entry: what was read before it breaks off counts, and what was not is told as
unread. It leaves out what we may not see (FACTS 5.4). Resource Graph may leave out anything, and be late (FACTS 11.6):
what it shows is asked of ARM, and what it does not show means nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from publisher.errors.kinds import AzureFailure, MalformedAnswer
from publisher.resource_graph.client import MOST_SUBSCRIPTIONS
from publisher.resource_ids import ApplicationId, fold
from publisher.resource_manager import APPLICATIONS_API_VERSION, Application, application_in
from registry.existence import is_denied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.resource_graph.client import ResourceGraph
    from publisher.resource_manager import ResourceManager
    from registry.discovery.subscriptions import Subscription

SECONDS_PER_LIST: Final = 120.0
_USABLE: Final = frozenset({"", "enabled"})


@dataclass(frozen=True, slots=True)
class Searched:
    """What ARM's list of a subscription's applications says.

    `failure` is why the list was not read to its end, `unreadable` what is wrong with entries that name no application.
    """

    subscription: Subscription
    applications: tuple[Application, ...] = ()
    failure: AzureFailure | None = None
    unreadable: tuple[str, ...] = ()

    @property
    def problem(self) -> str:
        """Why something of ours may be there that was not read, "" for nothing."""
        state = self.subscription.state
        called = f"; Azure calls the subscription {state}" if fold(state) not in _USABLE else ""
        if self.failure is not None:
            return f"{self.failure.code}: {self.failure}{called}"
        if self.unreadable:
            return f"{len(self.unreadable)} entries of Azure's list cannot be told: {self.unreadable[0]}"
        return ""

    @property
    def is_denied(self) -> bool:
        """Whether ARM denies us the subscription, or the customer's state forbids to read it."""
        return self.failure is not None and is_denied(self.failure)

    @property
    def is_out_of_sight(self) -> bool:
        """Whether ARM denies us a subscription in which nobody is expected any more."""
        return self.is_denied and not self.subscription.is_expected


async def search(arm: ResourceManager, subscription: Subscription, *, deadline: float) -> Searched:
    """Return the applications in a subscription; raises nothing. `deadline` is in seconds of `time.monotonic`."""
    path = f"/subscriptions/{subscription.id}/providers/Microsoft.Solutions/applications"
    found, unreadable = list[Application](), list[str]()
    failure: AzureFailure | None = None
    try:
        ends = min(deadline, time.monotonic() + SECONDS_PER_LIST)
        async for page in arm.pages(path, api_version=APPLICATIONS_API_VERSION, deadline=ends):
            for entry in page:
                try:
                    found.append(_application_in(entry))
                except MalformedAnswer as problem:
                    unreadable.append(str(problem))
    except AzureFailure as broken:
        failure = broken
    return Searched(subscription, tuple(found), failure, tuple(unreadable))


def _application_in(entry: Any) -> Application:
    if not isinstance(entry, dict):
        raise MalformedAnswer("an entry of the list is no object", code="MalformedAnswer")
    return application_in(entry)


async def hinted_at(graph: ResourceGraph, subscriptions: Sequence[Subscription]) -> tuple[set[ApplicationId], str]:
    """Return the applications that Resource Graph shows in these subscriptions, and why it does not show all, if so."""
    found = set[ApplicationId]()
    try:
        for first in range(0, len(subscriptions), MOST_SUBSCRIPTIONS):
            places = [one.id for one in subscriptions[first : first + MOST_SUBSCRIPTIONS]]
            async for identity in graph.applications(places):
                found.add(identity)
    except AzureFailure as failure:
        return found, f"Azure Resource Graph could not be asked: {failure.code}: {failure}"
    return found, ""
