"""Whose turn Azure Resource Graph's counts bring forward. Pure: nothing is asked or written here."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from publisher.resource_graph.client import MOST_SUBSCRIPTIONS
from publisher.resource_graph.state_counts import StateCounts
from publisher.resource_ids import fold
from registry.managed_application import ManagedApplication
from verdicts.judging.deployments import is_another_deployment
from verdicts.ledger import Entry
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
    from datetime import datetime

    from publisher.resource_ids import ApplicationId, ResourceGroupId
    from verdicts.facts import ApplicationFacts
    from verdicts.joined import Pair


class Candidate(NamedTuple):
    """An application whose turn may be brought forward.

    `remembered` are the counts of its last complete read, which was at `last_read` as far as the ledger was told, and
    `probed` are those that last brought a read forward, as text.
    """

    application_id: ApplicationId
    group: ResourceGroupId
    remembered: StateCounts
    probed: str
    last_read: datetime

    def counts_in(self, told: Mapping[str, StateCounts]) -> StateCounts | None:
        """Return what Resource Graph told of its group, by folded id; None when it told nothing."""
        return told.get(fold(str(self.group)))


class Due(NamedTuple):
    """An application whose turn is brought forward, the counts for which it is, as text, and when it was last read."""

    application_id: ApplicationId
    counts: str
    last_read: datetime


def first_of(due: Iterable[Due], most: int) -> list[Due]:
    """Return those to collect first, `most` at most: whose last read is the longest ago.

    So applications whose counts change with every probe, however many, keep no other one waiting.
    """
    return heapq.nsmallest(most, due, key=lambda one: one.last_read)


def candidate_in(pair: Pair) -> Candidate | None:
    """Return what of an application is compared; None for one that is no business of the probe.

    That is one that is removed, malformed or unreadable in the registry or in the ledger, that was never read
    completely, that could not be read lately, or that was deployed anew since: the collection looks after it.
    """
    application = pair.application
    if not isinstance(application, ManagedApplication) or not isinstance(pair.entry, Entry):
        return None
    facts = pair.entry.facts
    is_away = facts.unread is not None or facts.departure is not None or is_another_deployment(facts, application)
    if facts.last_read is None or is_away:
        return None
    return Candidate(
        application.application_id,
        application.managed_resource_group_id,
        remembered_counts(facts),
        facts.probed,
        facts.last_read,
    )


def remembered_counts(facts: ApplicationFacts) -> StateCounts:
    """Return how many states of the last complete read said what, over all policy assignments that are still judged."""
    counts = [one.counts for key, one in facts.assignments.items() if one.ending is None and not is_check(key)]
    return StateCounts(
        sum(one.noncompliant for one in counts),
        sum(one.compliant for one in counts),
        sum(one.exempt for one in counts),
    )


def due_among(candidates: Iterable[Candidate], told: Mapping[str, StateCounts]) -> Iterator[Due]:
    """Yield the candidates whose counts differ from the ledger's, and from those that brought a read forward before.

    `told` has Resource Graph's counts by folded id of the group. A group that is not in it is not due: silence means
    nothing.
    """
    for one in candidates:
        counts = one.counts_in(told)
        if counts is not None and counts != one.remembered and str(counts) != one.probed:
            yield Due(one.application_id, str(counts), one.last_read)


async def batches(pairs: AsyncIterator[Pair]) -> AsyncIterator[list[Candidate]]:
    """Yield the candidates of a stream in lists that one query may ask for, holding one list at a time.

    A list has at most MOST_SUBSCRIPTIONS subscriptions; it ends before one of which it has no application.
    """
    batch, subscriptions = list[Candidate](), set[str]()
    async for pair in pairs:
        candidate = candidate_in(pair)
        if candidate is None:
            continue
        subscription = candidate.group.subscription_id.lower()
        if subscription not in subscriptions and len(subscriptions) == MOST_SUBSCRIPTIONS:
            yield batch
            batch, subscriptions = [], set()
        subscriptions.add(subscription)
        batch.append(candidate)
    if batch:
        yield batch
