"""The policy states of a resource group: a list that tests can change (StateList), or thousands that are generated."""

from __future__ import annotations

import datetime as dt
import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from sandbox.world.odata import parse_filter
from sandbox.world.policies import PLAN_ASSIGNMENTS, STORAGE, Assignment
from sandbox.world.state_documents import FIELD_SPELLING, Resource, policy_state, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALWAYS_SELECTED = frozenset({"@odata.id", "@odata.context"})


@dataclass(frozen=True, slots=True)
class StateQuery:
    """What one policy query asks for. `select` is None for all fields; `since` and `until` bound the timestamps."""

    filter: str | None
    select: frozenset[str] | None
    since: dt.datetime
    until: dt.datetime
    ignore_case: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer: the JSON of its states, comma-separated, how many they are, and whether more follow."""

    states: bytes
    count: int
    more: bool


class StateSource(Protocol):
    """Something that can answer policy queries for one resource group."""

    def page(self, query: StateQuery, offset: int, size: int) -> Page:
        """The `size` states after the first `offset` ones that match the query."""
        ...


class StateList:
    """States kept one by one, changed under `lock`; each is the JSON object that Azure would send."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.documents: list[dict[str, Any]] = []

    def page(self, query: StateQuery, offset: int, size: int) -> Page:
        """See StateSource."""
        passes = _predicate(query)
        since, until = timestamp(query.since), timestamp(query.until)
        with self.lock:
            matching = [state for state in self.documents if _in_window(state, since, until) and passes(state)]
            wanted = [_selected(state, query.select) for state in matching[offset : offset + size]]
            return Page(_joined(wanted), len(wanted), offset + size < len(matching))


@dataclass(frozen=True, slots=True)
class BulkStates:
    """`count` generated states.

    Every `noncompliant_every`th is non-compliant, every `foreign_every`th belongs to an assignment of the customer's
    own (0: none). All customers share the encoded bytes of a page; a customer's ids and the evaluation time are put in
    when it is sent, which takes little memory and time.
    """

    count: int
    noncompliant_every: int = 10
    foreign_every: int = 0

    def source(self, resource_group_id: str, now: Callable[[], dt.datetime]) -> StateSource:
        """The states of one customer's resource group, always evaluated an hour ago."""
        return _BulkSource(self, resource_group_id, now)


_SUBSCRIPTION = "5b5e0000-5b5e-5b5e-5b5e-5b5e00000000"
_GROUP = "5b5e-resource-group"
_GROUP_ID = f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/{_GROUP}"
_MOMENT = dt.datetime(1999, 9, 9, 9, 9, 9, tzinfo=dt.UTC)
_EVALUATION_AGE = dt.timedelta(hours=1)


class _BulkSource:
    def __init__(self, bulk: BulkStates, resource_group_id: str, now: Callable[[], dt.datetime]) -> None:
        self._bulk = bulk
        self._now = now
        _, _, self._subscription, _, self._group = resource_group_id.split("/")

    def page(self, query: StateQuery, offset: int, size: int) -> Page:
        evaluated_at = self._now() - _EVALUATION_AGE
        if not query.since <= evaluated_at <= query.until:
            return Page(b"", 0, more=False)
        question = _Question(self._generic(query.filter), query.select, query.ignore_case)
        page = _bulk_page(self._bulk, question, offset, size)
        states = (
            page.states.replace(_SUBSCRIPTION.encode(), self._subscription.encode())
            .replace(_GROUP.encode(), self._group.encode())
            .replace(timestamp(_MOMENT).encode(), timestamp(evaluated_at).encode())
        )
        return Page(states, page.count, page.more)

    def _generic(self, text: str | None) -> str | None:
        """The filter with this customer's ids replaced by the template's: the same for every customer."""
        if text is None:
            return None
        text = re.sub(re.escape(self._subscription), _SUBSCRIPTION, text, flags=re.IGNORECASE)
        return re.sub(re.escape(self._group), _GROUP, text, flags=re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Question:
    """A query without what differs between customers and moments: equal ones have the same encoded answer."""

    filter: str | None
    select: frozenset[str] | None
    ignore_case: bool


@lru_cache(maxsize=256)
def _bulk_page(bulk: BulkStates, question: _Question, offset: int, size: int) -> Page:
    matching = _bulk_matches(bulk, question)
    wanted = [_selected(_bulk_state(bulk, index), question.select) for index in matching[offset : offset + size]]
    return Page(_joined(wanted), len(wanted), offset + size < len(matching))


@lru_cache(maxsize=32)
def _bulk_matches(bulk: BulkStates, question: _Question) -> Sequence[int]:
    if question.filter is None:
        return range(bulk.count)
    passes = parse_filter(question.filter, FIELD_SPELLING, ignore_case=question.ignore_case)
    return [index for index in range(bulk.count) if passes(_bulk_state(bulk, index))]


def _bulk_state(bulk: BulkStates, index: int) -> dict[str, Any]:
    foreign = bulk.foreign_every > 0 and index % bulk.foreign_every == 0
    template = PLAN_ASSIGNMENTS[0]
    assignment = Assignment(
        "customer-own" if foreign else template.name,
        template.display_name,
        template.definition,
        f"/subscriptions/{_SUBSCRIPTION}" if foreign else _GROUP_ID,
    )
    noncompliant = bulk.noncompliant_every > 0 and index % bulk.noncompliant_every == 0
    reference_id, definition = assignment.references[0]
    return policy_state(
        resource_group_id=_GROUP_ID,
        resource=Resource(f"storage{index:06}", STORAGE),
        assignment=assignment,
        reference_id=reference_id,
        definition=definition,
        compliance="NonCompliant" if noncompliant else "Compliant",
        evaluated_at=_MOMENT,
        variant=index,
    )


def _predicate(query: StateQuery) -> Callable[[dict[str, Any]], bool]:
    if query.filter is None:
        return lambda _: True
    return parse_filter(query.filter, FIELD_SPELLING, ignore_case=query.ignore_case)


def _in_window(state: dict[str, Any], since: str, until: str) -> bool:
    # Same format and time zone on both sides, so the order of the texts is the order of the moments. A state without
    # a readable timestamp is odd on purpose (a test put it there) and is sent.
    moment = state.get("timestamp")
    return not isinstance(moment, str) or not moment.endswith("Z") or since <= moment <= until


def _selected(state: dict[str, Any], select: frozenset[str] | None) -> dict[str, Any]:
    if select is None:
        return state
    return {name: value for name, value in state.items() if name in select or name in ALWAYS_SELECTED}


def _joined(states: list[dict[str, Any]]) -> bytes:
    return orjson.dumps(states)[1:-1]
