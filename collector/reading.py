"""What one application's pages come to: rows on their way, and the counts of its result."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

from collector.outcomes import Outcome
from collector.policy_states import PolicyState, is_owned
from collector.rows import MOST_CACHED_POLICIES, StateRows, is_compliant
from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collector.chunks import Delivery
    from collector.ingestion import StreamUploader
    from collector.outcomes import ApplicationResult, Run
    from publisher.registry import ManagedApplication

CompliantStates = Literal["detailed", "summarised"]


class ApplicationReading:
    """Takes the states of one application, page by page, and keeps nothing of them but counts."""

    def __init__(
        self,
        application: ManagedApplication,
        run: Run,
        result: ApplicationResult,
        *,
        uploader: StreamUploader,
        delivery: Delivery,
        compliant_states: CompliantStates,
    ) -> None:
        self._application = application
        self._result = result
        self._uploader = uploader
        self._delivery = delivery
        self._rows = StateRows(application, run)
        self._summaries: dict[tuple[str, ...], _Summary] | None = {} if compliant_states == "summarised" else None
        self._assignments_seen: set[str] = set()
        self._oldest = self._latest = ""
        owned = partial(is_owned, managed_resource_group_id=str(application.managed_resource_group_id))
        self._is_owned = lru_cache(maxsize=MOST_CACHED_POLICIES)(owned)

    def take(self, states: list[Any]) -> None:
        """Turn one page's states into rows; whatever is no state at all is counted as rejected."""
        result = self._result
        result.pages += 1
        for document in states:
            if not isinstance(document, dict):
                result.rejected_states += 1
                continue
            state = PolicyState.of(document)
            if self._is_owned(state.assignment_scope, state.assignment_id):
                self._take_owned(state)
            else:
                result.foreign_states += 1

    @property
    def found_states(self) -> bool:
        """Whether any state of the application's own assignments was found so far."""
        return self._result.states > 0

    def conclude(self) -> None:
        """Queue the summarised rows and complete the result; call it once, after the last page."""
        for summary in (self._summaries or {}).values():
            self._uploader.add(
                self._rows.summary_row(summary.state, summary.count, summary.latest or None), self._delivery
            )
        result = self._result
        result.oldest_evaluation = self._oldest or None
        result.latest_evaluation = self._latest or None
        if self._application.assignments is not None:
            expected = {fold(assignment.id) for assignment in self._application.assignments}
            result.assignments_without_states = len(expected - self._assignments_seen)
        if result.rejected_states:
            total = result.states + result.foreign_states + result.rejected_states
            message = f"{result.rejected_states} of {total} policy states are no objects and could not be read"
            result.conclude(Outcome.FAILED, "MalformedState", message)
        else:
            result.conclude(Outcome.SUCCEEDED if result.states else Outcome.NO_STATES)

    def _take_owned(self, state: PolicyState) -> None:
        result = self._result
        result.states += 1
        verdict = is_compliant(state.compliance_state)
        result.noncompliant_states += verdict is False
        self._assignments_seen.add(fold(state.assignment_id or ""))
        self._note_evaluation(state.timestamp)
        if self._summaries is not None and verdict is True and state.compliance_state == "Compliant":
            self._summarise(self._summaries, state)
        else:
            self._uploader.add(self._rows.row(state), self._delivery)

    def _summarise(self, summaries: dict[tuple[str, ...], _Summary], state: PolicyState) -> None:
        key = tuple(
            fold(part or "") for part in (state.assignment_id, state.definition_reference_id, state.definition_id)
        )
        summaries.setdefault(key, _Summary(state)).add(state.timestamp)

    def _note_evaluation(self, timestamp: str | None) -> None:
        # Azure writes every timestamp in UTC with the same leading digits, so text order is time order.
        if timestamp and timestamp.endswith("Z") and timestamp[:1].isdigit():
            self._latest = max(self._latest, timestamp)
            if not self._oldest or timestamp < self._oldest:
                self._oldest = timestamp


class _Summary:
    """The compliant resources of one definition reference in one assignment."""

    def __init__(self, state: PolicyState) -> None:
        self.state = state
        self.count = 0
        self.latest = ""

    def add(self, evaluated_at: str | None) -> None:
        self.count += 1
        self.latest = max(self.latest, evaluated_at or "")
