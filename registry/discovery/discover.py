"""Looks for applications that are not in the registry, and registers them: adding only, never removing.

Everything that ARM lists to our service principal is searched, and whatever the registry knows besides. Who is found
is read from ARM by itself before a row is written, like everybody (registry.refresh), so that neither a list nor
Resource Graph is believed about who is ours.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from publisher.errors.absence import says_gone
from publisher.errors.kinds import AzureFailure, NotFound
from publisher.resource_graph.client import ResourceGraph
from publisher.retry import Patience
from registry.discovery.comparison import Discovery, compare, unclear_in
from registry.discovery.known import Known, known_to
from registry.discovery.search import Searched, hinted_at, search
from registry.discovery.subscriptions import Listed, Subscription, listed_subscriptions, to_search
from registry.inventory import each
from registry.reconcile import SECONDS_PER_APPLICATION

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from publisher.resource_ids import ApplicationId
    from publisher.resource_manager import Application
    from registry.refresh import Change, Refresher

_SECONDS_FOR_HINTS: Final = 30.0
_ATTEMPTS_FOR_HINTS: Final = 2
"""Resource Graph is not waited for any longer where everything is read from ARM as well."""


async def discover(
    refresher: Refresher,
    *,
    only: Collection[str] = (),
    quick: bool = False,
    may_be_new: bool = False,
    deadline: float,
    progress: Callable[[str], None] = lambda _: None,
) -> Discovery:
    """Search and compare; writes nothing.

    Args:
        refresher: the clients of ARM and the registry.
        only: ids of the subscriptions to search, instead of all.
        quick: ask Resource Graph alone, and ARM about what that shows; such a search is never complete.
        may_be_new: take a registry whose table does not exist for an empty one, which somebody has to look at.
        deadline: in seconds of `time.monotonic`.
        progress: is told what is being done.

    Raises:
        AzureFailure: the registry could not be read to its end, or our own identity is in trouble.
    """
    progress("reading the registry")
    try:
        known, notes = await known_to(refresher.registry), list[str]()
    except NotFound as failure:
        if not may_be_new:
            raise
        known, notes = Known(), [f"Taken for an empty registry, which the first registration makes: {failure}"]
    if known.unreadable:
        notes.append(
            f"{known.unreadable} rows of the registry cannot be read, and count as registered: `check` tells why"
        )
    listed = Listed({one: Subscription(one) for one in map(str.lower, only)})
    if not only:
        progress("reading the list of subscriptions")
        listed = await listed_subscriptions(refresher.arm, deadline=deadline)
    places = tuple(listed.subscriptions.values()) if only else to_search(listed, known)
    progress("asking Azure Resource Graph")
    graph = ResourceGraph(refresher.arm, patience=_patience(deadline, is_all=quick))
    hints, untold = await hinted_at(graph, places)
    searched = [] if quick else await _search_all(refresher, places, deadline, progress)
    shown = {one.id for result in searched for one in result.applications}
    unclear = unclear_in(searched) - known.registered
    confirmed, refused = await _confirm(refresher, (hints - shown - known.registered) | unclear, deadline)
    problems = [*listed.problems, *refused]
    if untold:
        (problems if quick else notes).append(untold)
    found = compare(known, searched, confirmed, refresher.ownership.refusal, unclear=unclear)
    return replace(found, is_quick=quick, problems=tuple(problems), notes=tuple(notes))


async def register(
    refresher: Refresher, identities: Iterable[ApplicationId], *, deadline: float
) -> list[Change | AzureFailure]:
    """Register applications as ARM describes them now; return what became of each, in order.

    CONFIRMED for one that somebody registered, an operator removed, or ARM began to delete meanwhile.
    """

    async def one(identity: ApplicationId) -> Change | AzureFailure:
        ends = min(deadline, time.monotonic() + SECONDS_PER_APPLICATION)
        try:
            return await refresher.register(identity, deadline=ends)
        except AzureFailure as failure:
            return failure

    return await each(identities, one)


def _patience(deadline: float, *, is_all: bool) -> Patience:
    """Return how long Resource Graph is asked; `is_all` tells that nothing else is."""
    if is_all:
        return Patience(deadline=deadline)
    return Patience(_ATTEMPTS_FOR_HINTS, min(deadline, time.monotonic() + _SECONDS_FOR_HINTS))


async def _search_all(
    refresher: Refresher, places: Sequence[Subscription], deadline: float, progress: Callable[[str], None]
) -> list[Searched]:
    done = 0

    async def one(subscription: Subscription) -> Searched:
        nonlocal done
        found = await search(refresher.arm, subscription, deadline=deadline)
        done += 1
        progress(f"{done} of {len(places)} subscriptions searched")
        return found

    return await each(places, one)


async def _confirm(
    refresher: Refresher, hints: Iterable[ApplicationId], deadline: float
) -> tuple[list[Application], list[str]]:
    """Return what ARM says of applications by themselves, and those that it does not tell about.

    Who does not exist any more is in neither.
    """

    async def one(identity: ApplicationId) -> Application | str | None:
        ends = min(deadline, time.monotonic() + SECONDS_PER_APPLICATION)
        try:
            return await refresher.arm.application(identity, deadline=ends)
        except AzureFailure as failure:
            if says_gone(failure, identity):
                return None
            return f"Azure shows {identity}, and it could not be read: {failure.code}: {failure}"

    answers = await each(sorted(hints, key=str), one)
    told = [answer for answer in answers if answer is not None and not isinstance(answer, str)]
    return told, [answer for answer in answers if isinstance(answer, str)]
