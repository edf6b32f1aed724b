"""Whose turn is brought forward: the decision table, and the batches that one query may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any
from uuid import UUID

import pytest

from collector.probing import Candidate, Due, batches, candidate_in, due_among, remembered_counts
from publisher.resource_graph.client import MOST_SUBSCRIPTIONS
from publisher.resource_graph.state_counts import StateCounts
from publisher.resource_ids import ResourceGroupId, fold
from publisher.table import Row
from registry.managed_application import MalformedRow, ManagedApplication, Removal
from tests.verdicts.remembered import NOW, SUBSCRIPTION, assignment, group_id, identity, remembered
from verdicts.facts import Counts, Departure, Ending, Unread
from verdicts.joined import Pair
from verdicts.ledger import Entry, UnreadableEntry
from verdicts.outcome import Outcome

READ = StateCounts(1, 9, 0)
ROW = Row("p", "r", "e", {})


def registered(name: str = "app", subscription: str = SUBSCRIPTION, **fields: Any) -> ManagedApplication:
    group = ResourceGroupId.parse(group_id(name, subscription))
    return ManagedApplication(identity(name, subscription), group, "Contoso", **fields)


def pair(name: str = "app", subscription: str = SUBSCRIPTION, **facts: Any) -> Pair:
    counts = Counts(*READ)
    known = remembered(assignment(counts=counts), name=name, subscription=subscription, **facts)
    return Pair(registered(name, subscription), Entry(ROW, known))


def candidate(**fields: Any) -> Candidate:
    found = candidate_in(pair())
    assert found is not None
    return found._replace(**fields)


@pytest.mark.parametrize(
    ("told", "probed", "is_due"),
    [
        (None, "", False),  # silence means nothing
        (None, "2/8/0", False),
        (READ, "", False),  # the ledger knows
        (READ, "2/8/0", False),
        (StateCounts(2, 8, 0), "", True),
        (StateCounts(2, 8, 0), "2/8/0", False),  # a read was brought forward for that, and did not find it
        (StateCounts(2, 8, 0), "3/7/0", True),
        (StateCounts(0, 10, 0), "2/8/0", True),  # a repair is news, too
        (StateCounts(0, 9, 1), "", True),
        (StateCounts(0, 0, 0), "", True),
        (StateCounts(1, 9, 0), "1/9/0", False),
    ],
)
def test_a_turn_is_brought_forward_when_the_counts_are_new_to_the_ledger_and_to_the_probe(
    told: StateCounts | None, probed: str, is_due: bool
) -> None:
    one = candidate(probed=probed)
    answer = {fold(str(one.group)): told} if told is not None else {}
    expected = [Due(one.application_id, str(told), one.last_read)] if is_due else []
    assert list(due_among([one], answer)) == expected


def test_the_group_is_found_whatever_its_casing() -> None:
    shouted = ResourceGroupId.parse(group_id().upper().replace("/SUBSCRIPTIONS", "/subscriptions"))
    one = candidate(group=shouted)
    assert one.counts_in({fold(group_id()): READ}) == READ


@pytest.mark.parametrize(
    "one",
    [
        Pair(registered(), None),
        Pair(registered(), UnreadableEntry(ROW, str(identity()), "damaged")),
        Pair(MalformedRow("row", "no group", application_id=identity()), pair().entry),
        Pair(None, pair().entry, Removal(at=NOW, confirmed=True, by="Azure", reason="deleted")),
        pair(last_read=None),
        pair(unread=Unread(NOW, 2, Outcome.ACCESS_DENIED)),
        pair(departure=Departure(Outcome.VANISHED, NOW)),
        pair(managed_resource_group_id=group_id("another")),
        pair()._replace(application=registered(registered_at=NOW)),
    ],
    ids=["new", "unreadable", "malformed", "removed", "never-read", "unread", "vanished", "moved", "deployed-anew"],
)
def test_what_the_collection_has_not_read_is_no_business_of_the_probe(one: Pair) -> None:
    assert candidate_in(pair()) is not None
    assert candidate_in(one) is None


def test_the_ledgers_counts_are_those_of_every_assignment_that_is_still_judged() -> None:
    facts = remembered(
        assignment("one", counts=Counts(1, 2, 3, 4, 5)),
        assignment("other", counts=Counts(10, 20, 30)),
        assignment("retired", counts=Counts(100, 200, 300), ending=Ending.RETIRED, ended_at=NOW),
    )
    assert remembered_counts(facts) == StateCounts(11, 22, 33)


async def streamed(pairs: Iterable[Pair]) -> AsyncIterator[Pair]:
    for one in pairs:
        yield one


@pytest.mark.parametrize("count", [0, 1, MOST_SUBSCRIPTIONS, MOST_SUBSCRIPTIONS + 1, 2 * MOST_SUBSCRIPTIONS + 1])
async def test_a_batch_has_no_more_subscriptions_than_a_query_may_name(count: int) -> None:
    fleet = (pair(name, str(UUID(int=number))) for number in range(count) for name in ("one", "two"))
    found = [batch async for batch in batches(streamed(fleet))]

    assert sum(map(len, found)) == 2 * count
    subscriptions = [{one.group.subscription_id for one in batch} for batch in found]
    assert [len(one) for one in subscriptions] == [
        min(MOST_SUBSCRIPTIONS, count - start) for start in range(0, count, MOST_SUBSCRIPTIONS)
    ]
    assert sum(map(len, subscriptions)) == len(set().union(*subscriptions))


async def test_one_batch_is_held_at_a_time() -> None:
    drawn = 0

    def fleet() -> Iterable[Pair]:
        nonlocal drawn
        for number in range(3 * MOST_SUBSCRIPTIONS):
            drawn += 1
            yield pair("app", str(UUID(int=number)))

    stream = batches(streamed(fleet()))
    first = await anext(stream)
    assert len(first) == MOST_SUBSCRIPTIONS
    assert drawn == MOST_SUBSCRIPTIONS + 1
    await stream.aclose()  # type: ignore[attr-defined]


async def test_what_is_no_business_of_the_probe_is_in_no_batch() -> None:
    found = [batch async for batch in batches(streamed([pair(last_read=None), pair("read"), Pair(None, None)]))]
    assert [[one.application_id.name for one in batch] for batch in found] == [["read"]]
