"""Turns the policy states of one application into rows, counts them in its result, and gathers what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from collector.reading.findings import Findings, PolicyFindings
from collector.reading.ownership import assignments_with_states, is_owned
from collector.reporting.rows import PolicyRows, StateRows, fingerprint_of, lowered, state_row
from collector.reporting.states import (
    COMPLIANCE_STATES,
    Evaluation,
    Policy,
    is_compliant,
    raw_policy,
    raw_resource,
    tidied,
)
from collector.reporting.states_outlet import StatesOutlet
from publisher.resource_ids import fold, plain_id
from verdicts.evidence import AssignmentEvidence
from verdicts.facts import StatesUpload
from verdicts.outcome import Outcome
from verdicts.publication import states_are_due

if TYPE_CHECKING:
    from collector.reporting.chunks import Delivery
    from collector.reporting.ingestion import StreamUploader
    from collector.reporting.outcomes import ApplicationResult, Run
    from collector.reporting.states_outlet import StateOfPolicy
    from registry.managed_application import ManagedApplication
    from verdicts.evidence import Evidence
    from verdicts.facts import ApplicationFacts

MOST_KNOWN_POLICIES: Final = 1024
"""Policies cached for one application: thousands of states share a handful of them."""

_FINGERPRINTS: Final = 2**128

_SHAPE: Final = state_row(PolicyRows("", "", (), b"{", 0), (None,) * 5, verdict=None)
"""A row of nothing: its columns are part of the fingerprint, so that a version with others uploads everything."""

CompliantStates = Literal["detailed", "summarised"]
UploadedStates = Literal["changed", "all"]

Summaries = dict[tuple[str, ...], tuple[PolicyRows, int, str]]
"""By policy, the number of compliant resources and the time of the last evaluation."""


class KnownPolicy(NamedTuple):
    """A policy: its assignment's folded id, what its states are marked with, its part of rows, where states are noted.

    A foreign one has neither rows nor findings.
    """

    assignment_id: str
    mark: bytes
    rows: PolicyRows | None
    findings: PolicyFindings | None


class ReadJob(NamedTuple):
    """An application to read, what the ledger remembers of it, and where what is found goes."""

    application: ManagedApplication
    before: ApplicationFacts | None
    result: ApplicationResult
    evidence: Evidence
    delivery: Delivery


class ApplicationReading:
    """Takes the states of one application page by page, and keeps counts of them and what the judge needs."""

    def __init__(
        self,
        job: ReadJob,
        run: Run,
        *,
        uploader: StreamUploader,
        compliant_states: CompliantStates,
        uploaded_states: UploadedStates,
    ) -> None:
        application, before, result, evidence, delivery = job
        stands = before.states if before is not None and uploaded_states == "changed" else None
        if states_are_due(str(application.application_id), stands, run.started_at):
            stands = None
        self._findings = Findings(before, evidence)
        self._evidence = evidence
        self._run = run
        self._stands = stands
        """The upload whose states stand unless they changed; None when they are uploaded in any case."""
        self._application = application
        self._result = result
        self._outlet = StatesOutlet(uploader, delivery, is_due=stands is None)
        self._group_id = str(application.managed_resource_group_id)
        self._rows = StateRows(application, run)
        self._policies: dict[tuple[Any, ...], KnownPolicy] = {}
        self._summaries: Summaries | None = {} if compliant_states == "summarised" else None
        self._expected = assignments_with_states(application, before)
        self._taken: set[int] = set()
        """Marks of what was taken: sixty bytes for each state, until the application is read."""
        self._fingerprint = fingerprint_of(_SHAPE + compliant_states.encode())
        """The sum of the marks of everything that rows are made of: so the order of states does not matter."""
        self._heads: set[int] = set()
        self._oldest = self._latest = ""

    def take(self, documents: list[Any]) -> None:
        """Turn one page's states into rows; what is no JSON object, or of nobody knows which assignment, is rejected.

        A state that comes again is left out, also in another spelling: Azure repeats states at page borders, and pages
        are read again without a filter, or from the beginning.
        """
        policies, taken = self._policies, self._taken
        rows: list[StateOfPolicy] = []
        rejected = foreign = noncompliant = summarised = fingerprint = 0
        for document in documents:
            try:
                known, state = policies[raw_policy(document)], raw_resource(document)
                "".join(state).encode()  # an error unless every field is text, and text that UTF-8 can carry
            except (KeyError, TypeError, UnicodeEncodeError):
                read = self._closely(document)
                if read is None:
                    rejected += 1
                    continue
                known, state = read
            timestamp, resource_id, _, _, compliance_state = state
            if compliance_state not in COMPLIANCE_STATES or resource_id is None or plain_id(resource_id) != resource_id:
                state = tidied(state)
                timestamp, resource_id, _, _, compliance_state = state
            resource = fold(resource_id or "")
            _, policy_mark, policy, findings = known
            mark = fingerprint_of(policy_mark + f"{resource}\n{compliance_state}".encode())
            is_again = mark in taken
            taken.add(mark)
            if policy is None or findings is None:
                foreign += not is_again
                continue
            if timestamp and not self._oldest <= timestamp <= self._latest:
                self._note_evaluation(timestamp)
            verdict = is_compliant(compliance_state)
            if verdict is False or findings.is_watched:
                findings.note(resource, timestamp, compliance_state)
            if is_again:
                continue
            fingerprint += mark
            counts = findings.counts
            counts[compliance_state] = counts.get(compliance_state, 0) + 1
            if self._summaries is not None and compliance_state == "Compliant":
                self._summarise(self._summaries, policy, timestamp)
                summarised += 1
                continue
            noncompliant += verdict is False
            rows.append((policy, state, verdict, 1))
        self._outlet.add(rows)
        self._fingerprint += fingerprint
        result = self._result
        result.pages += 1
        result.states += len(rows) + summarised
        result.noncompliant_states += noncompliant
        result.foreign_states += foreign
        result.rejected_states += rejected

    @property
    def is_empty(self) -> bool:
        """Whether no state was found so far."""
        return not self._taken

    @property
    def lacks_states(self) -> bool:
        """Whether no state was found so far of an assignment that has to have some, or of any when none is known."""
        if self._application.assignments:
            return not self._expected <= self._evidence.assignments.keys()
        return self._result.states == 0

    async def conclude(self) -> None:
        """Complete the result, and queue the rows that wait if they changed; call it once, after the last page."""
        self._findings.conclude()
        result = self._result
        result.oldest_evaluation = self._oldest or None
        result.latest_evaluation = self._latest or None
        if self._application.assignments is not None:
            result.assignments_without_states = len(self._expected - self._evidence.assignments.keys())
        if result.rejected_states:
            total = result.states + result.foreign_states + result.rejected_states
            message = f"{result.rejected_states} of {total} policy states are no states, or of an unreadable assignment"
            result.conclude(Outcome.FAILED, "MalformedState", message)
        elif result.states and not self._findings.has_verdicts:
            message = f"none of {result.states} policy states has a compliance state that can be read"
            result.conclude(Outcome.FAILED, "NoComplianceStates", message)
        else:
            self._evidence.states = await self._uploaded()
            result.conclude(Outcome.SUCCEEDED if result.states else Outcome.NO_STATES)
            self._evidence.complete = True

    def close(self) -> None:
        """Drop the rows that wait."""
        self._outlet.close()

    async def _uploaded(self) -> StatesUpload:
        """Queue the rows that wait, unless they are what was uploaded before; return the upload that stands."""
        fingerprint = f"{self._fingerprint % _FINGERPRINTS:x}"
        if self._stands is not None and self._stands.fingerprint == fingerprint:
            return self._stands
        self._outlet.add([_summarised(*summary) for summary in (self._summaries or {}).values()])
        await self._outlet.send()
        return StatesUpload(self._run.run_id, self._run.started_at, self._outlet.rows, fingerprint)

    def _closely(self, document: Any) -> tuple[KnownPolicy, Evaluation] | None:
        """Return what an odd state says; None when it is none, or may be of any assignment, resource or verdict."""
        known = self._policy_of(document) if isinstance(document, dict) else None
        if known is None:
            return None
        state = Evaluation.of(document)
        names_nothing = not known.assignment_id and not (state.resource_id and tidied(state)[-1] in COMPLIANCE_STATES)
        return None if names_nothing else (known, state)

    def _policy_of(self, document: dict[str, Any]) -> KnownPolicy | None:
        """Return what is known of a state's policy; None when nobody can tell whose it is."""
        policy = Policy.of(document)
        if policy in self._policies:
            return self._policies[policy]
        owned = is_owned(policy.assignment_scope, policy.assignment_id, self._group_id)
        if owned is None:
            return None
        rows = self._rows.policy(policy)
        mark = "\n".join((*rows.key, "")).encode()
        known = KnownPolicy(rows.assignment_id, b"foreign\n" + mark, None, None)
        if owned:
            findings = self._findings.of_policy(rows.key, policy.effect, _assignment(policy, rows))
            known = KnownPolicy(rows.assignment_id, mark, rows, findings)
            if rows.fingerprint not in self._heads:
                self._heads.add(rows.fingerprint)
                self._fingerprint += rows.fingerprint
        # A state with null in place of the id may have the id in another spelling, and has to be looked at itself.
        if policy.assignment_id is not None and len(self._policies) < MOST_KNOWN_POLICIES:
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


def _assignment(policy: Policy, rows: PolicyRows) -> AssignmentEvidence:
    return AssignmentEvidence(
        id=rows.assignment_id,
        name=policy.assignment_name or "",
        display_name=rows.assignment_name,
        definition_id=lowered(policy.set_definition_id) or lowered(policy.definition_id) or "",
    )


def _summarised(policy: PolicyRows, count: int, latest: str) -> StateOfPolicy:
    """Return the state that stands for ``count`` compliant resources, the last of them evaluated at ``latest``."""
    return policy, Evaluation(latest or None, None, None, None, "Compliant"), True, count
