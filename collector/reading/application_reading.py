"""Turns the policy states of one application into rows, and counts them in its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from collector.reading.ownership import is_owned
from collector.reporting.rows import PolicyRows, StateRows, state_row
from collector.reporting.states import Evaluation, Policy, is_compliant, raw_policy, raw_resource
from publisher.resource_ids import fold
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from collector.reporting.chunks import Delivery
    from collector.reporting.ingestion import StreamUploader
    from collector.reporting.outcomes import ApplicationResult, Run
    from registry.managed_application import ManagedApplication

MOST_KNOWN_POLICIES: Final = 1024
"""Policies cached for one application: thousands of states share a handful of them."""

CompliantStates = Literal["detailed", "summarised"]

Summaries = dict[tuple[str, ...], tuple[PolicyRows, int, str]]
"""By policy, the number of compliant resources and the time of the last evaluation."""


class ApplicationReading:
    """Takes the states of one application page by page, and keeps only counts of them."""

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
        self._group_id = str(application.managed_resource_group_id)
        self._rows = StateRows(application, run)
        self._policies: dict[tuple[Any, ...], PolicyRows | None] = {}
        self._summaries: Summaries | None = {} if compliant_states == "summarised" else None
        self._assignments_expected = frozenset(fold(assignment.id) for assignment in application.assignments or ())
        self._assignments_seen: set[str] = set()
        self._taken_before: frozenset[str] = frozenset()
        self._oldest = self._latest = ""

    def take(self, documents: list[Any]) -> None:
        """Turn one page's states into rows; what is no JSON object is counted as rejected."""
        policies, rows = self._policies, []
        rejected = foreign = noncompliant = summarised = 0
        for document in documents:
            try:
                policy, state = policies[raw_policy(document)], raw_resource(document)
                "".join(state).encode()  # an error unless every field is text, and text that UTF-8 can carry
            except (KeyError, TypeError, UnicodeEncodeError):
                if not isinstance(document, dict):
                    rejected += 1
                    continue
                policy, state = self._policy_of(document), Evaluation.of(document)
            if policy is None:
                foreign += 1
                continue
            timestamp, compliance_state = state[0], state[-1]
            if timestamp and not self._oldest <= timestamp <= self._latest:
                self._note_evaluation(timestamp)
            verdict = is_compliant(compliance_state)
            if self._summaries is not None and compliance_state == "Compliant":
                self._summarise(self._summaries, policy, timestamp)
                summarised += 1
                continue
            noncompliant += verdict is False
            rows.append(state_row(policy, state, verdict))
        self._uploader.add(rows, self._delivery)
        result = self._result
        result.pages += 1
        result.states += len(rows) + summarised
        result.noncompliant_states += noncompliant
        result.foreign_states += foreign
        result.rejected_states += rejected

    @property
    def has_pages(self) -> bool:
        """Whether any page was read so far."""
        return self._result.pages > 0

    @property
    def lacks_states(self) -> bool:
        """Whether no state was found so far, or none of an assignment that the registry expects."""
        return self._result.states == 0 or not self._assignments_expected <= self._assignments_seen

    def begin_without_filter(self) -> None:
        """Remember the assignments seen so far, whose states the pages without a filter repeat."""
        self._taken_before = frozenset(self._assignments_seen)

    def take_what_is_new(self, documents: list[Any]) -> None:
        """Take of a page without a filter the states of assignments that the filtered pages did not have."""
        self.take([document for document in documents if isinstance(document, dict) and self._is_new(document)])

    def _is_new(self, document: dict[str, Any]) -> bool:
        assignment_id = document.get("policyAssignmentId")
        return not isinstance(assignment_id, str) or fold(assignment_id) not in self._taken_before

    def conclude(self) -> None:
        """Queue the summarised rows and complete the result; call it once, after the last page."""
        self._uploader.add([_summary_row(*summary) for summary in (self._summaries or {}).values()], self._delivery)
        result = self._result
        result.oldest_evaluation = self._oldest or None
        result.latest_evaluation = self._latest or None
        if self._application.assignments is not None:
            result.assignments_without_states = len(self._assignments_expected - self._assignments_seen)
        if result.rejected_states:
            total = result.states + result.foreign_states + result.rejected_states
            message = f"{result.rejected_states} of {total} policy states are no objects and could not be read"
            result.conclude(Outcome.FAILED, "MalformedState", message)
        else:
            result.conclude(Outcome.SUCCEEDED if result.states else Outcome.NO_STATES)

    def _policy_of(self, document: dict[str, Any]) -> PolicyRows | None:
        """Return what a state's policy contributes to its row; None when the assignment is not the application's."""
        policy = Policy.of(document)
        if policy in self._policies:
            return self._policies[policy]
        known = None
        if is_owned(policy.assignment_scope, policy.assignment_id, self._group_id):
            known = self._rows.policy(policy)
            self._assignments_seen.add(known.assignment_id)
        if len(self._policies) < MOST_KNOWN_POLICIES:
            self._policies[policy] = known
        return known

    def _note_evaluation(self, timestamp: str) -> None:
        # Azure writes every timestamp in UTC with the same leading digits, so text order is time order.
        if timestamp.endswith("Z") and timestamp[:1].isdigit():
            self._latest = max(self._latest, timestamp)
            self._oldest = min(self._oldest or timestamp, timestamp)

    @staticmethod
    def _summarise(summaries: Summaries, policy: PolicyRows, timestamp: str | None) -> None:
        _, count, latest = summaries.get(policy.key, (policy, 0, ""))
        summaries[policy.key] = policy, count + 1, max(latest, timestamp or "")


def _summary_row(policy: PolicyRows, count: int, latest: str) -> bytes:
    """Return the row that stands for ``count`` compliant resources, the last of them evaluated at ``latest``."""
    return state_row(policy, Evaluation(latest or None, None, None, None, "Compliant"), verdict=True, count=count)
