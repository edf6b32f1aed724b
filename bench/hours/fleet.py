"""A fleet that changes by a script: which applications are out of compliance, and Azure's answers about them."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from bench.answers import POLICIES, Answers, encoded_states, page_of, registered, state_document, states_that_change
from bench.workloads import PAGE_SIZE, VIOLATING
from publisher.policy_states.state import SELECTED_FIELDS
from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bench.workloads import Workload

_KEY: Final = ("policyAssignmentId", "policyDefinitionReferenceId", "policyDefinitionId", "resourceId")

_EVALUATED_BEFORE: Final = timedelta(minutes=20)
"""Before the run that finds a change: Azure evaluates changed resources within a quarter of an hour."""

_RECONCILED_AT: Final = timedelta(hours=3, minutes=17)


class Violation(NamedTuple):
    """What makes a state one of its kind, folded."""

    assignment_id: str
    reference: str
    definition_id: str
    resource_id: str

    @classmethod
    def of(cls, *texts: str | None) -> Violation:
        """Return it from the texts of a state or of a row."""
        return cls(*(fold(one or "") for one in texts))


class ChangingFleet(Answers):
    """The answers about a fleet at the moment that the script has reached.

    A change takes one application out of compliance in VIOLATIONS states, or back into it, in turns: so the share of
    those that are not compliant stays what it is.
    """

    def __init__(self, workload: Workload, endpoint: str, began: datetime) -> None:
        if workload.applications < VIOLATING or not len(POLICIES) <= workload.states <= PAGE_SIZE:
            raise ValueError(f"{workload.applications} x {workload.states} is too small or too large for the script")
        super().__init__(workload, endpoint)
        self._changing = states_that_change(workload.states)
        self._began = began
        self._changed_at: dict[int, datetime] = {}
        self._violated = deque(range(0, workload.applications, VIOLATING))
        self._compliant = deque(number for number in range(workload.applications) if number % VIOLATING)
        self._breaks_next = True
        self._pages: dict[int, bytes] = {}

    def reach(self, now: datetime, changes: int) -> list[str]:
        """Let so many applications change until `now`, and return their folded ids."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        self.reconciled(midnight + _RECONCILED_AT - timedelta(days=now - midnight < _RECONCILED_AT))
        changed = [self._change(now - _EVALUATED_BEFORE) for _ in range(changes)]
        return [fold(str(registered(number).application_id)) for number in changed]

    def truth(self) -> dict[str, frozenset[Violation]]:
        """Return the states that are not compliant, by folded application id."""
        violated = set(self._violated)
        return {
            fold(str(registered(number).application_id)): self._violations(number)
            if number in violated
            else frozenset()
            for number in range(self.workload.applications)
        }

    def page(self, path: str, query: str) -> bytes:  # noqa: ARG002 - what the collector asks for is known
        """Return the states of the resource group in ``path``, all of them in one page."""
        _, _, subscription, _, group = path.split("/", 5)[:5]
        number = int(group.rpartition("-")[2])
        if number not in self._pages:
            states = encoded_states(self._documents(number), ",".join(SELECTED_FIELDS))
            self._pages[number] = page_of(self.workload.states, None, states, subscription=subscription, group=group)
        return self._pages[number]

    def _change(self, evaluated_at: datetime) -> int:
        source, target = self._compliant, self._violated
        if not self._breaks_next:
            source, target = target, source
        self._breaks_next = not self._breaks_next
        number = source.popleft()
        target.append(number)
        self._changed_at[number] = evaluated_at
        self._pages.pop(number, None)
        return number

    def _documents(self, number: int) -> Iterator[dict[str, object]]:
        is_violated = number in self._violated
        for state in range(self.workload.states):
            changes = state in self._changing
            yield state_document(
                state,
                is_compliant=not (is_violated and changes),
                evaluated_at=self._changed_at.get(number, self._began) if changes else self._began,
            )

    def _violations(self, number: int) -> frozenset[Violation]:
        states = orjson.loads(self.page(f"{registered(number).managed_resource_group_id}/providers", ""))["value"]
        return frozenset(
            Violation.of(*(one[name] for name in _KEY)) for one in states if one["complianceState"] == "NonCompliant"
        )
