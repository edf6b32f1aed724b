"""Turns the policy states of one application into rows, counts them in its result, and gathers what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from msgspec.structs import astuple
from msgspec.structs import replace as struct_with

from collector.reading.known_policies import KnownPolicies
from collector.reading.marks import Marks
from collector.reading.ownership import assignments_with_states
from collector.reading.unchanged import KnownPage, answer_of, digest_of, evidence_of, seed_of
from collector.reporting.rows import PolicyRows, mark_of, resource_columns, state_row
from collector.reporting.states import COMPLIANCE_STATES, Sighting
from collector.reporting.states_outlet import StatesOutlet
from publisher.policy_states.page import parse_page
from publisher.policy_states.state import POLICY, RESOURCE, TIME
from verdicts.facts import StatesUpload
from verdicts.judging.deployments import is_another_deployment
from verdicts.outcome import Outcome
from verdicts.publication import states_are_due

if TYPE_CHECKING:
    from collector.reporting.chunks import Delivery
    from collector.reporting.ingestion import StreamUploader
    from collector.reporting.outcomes import ApplicationResult, Run
    from collector.reporting.states_outlet import StateOfPolicy
    from publisher.policy_states.page import Page
    from publisher.policy_states.state import Text
    from registry.managed_application import ManagedApplication
    from verdicts.evidence import AssignmentEvidence, Evidence
    from verdicts.facts import ApplicationFacts

_FINGERPRINTS: Final = 2**128

_NOTHING: Final = Sighting.of((None,) * 4)

_SHAPE: Final = state_row(PolicyRows(("", "", ""), b"{", 0), resource_columns(_NOTHING), None)
"""A row of nothing: its columns are part of the fingerprint, so that a version with others uploads everything."""

CompliantStates = Literal["detailed", "summarised"]
UploadedStates = Literal["changed", "all"]

Summaries = dict[tuple[str, str, str], tuple[PolicyRows, int, str]]
"""By policy, the number of compliant resources and the time of the last evaluation."""


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
        most_rows: int,
        version: str,
    ) -> None:
        application, before, result, evidence, delivery = job
        stands = before.states if before is not None and uploaded_states == "changed" else None
        if states_are_due(str(application.application_id), stands, run.started_at):
            stands = None
        self._policies = KnownPolicies(application, run, before, evidence)
        self._evidence = evidence
        self._run = run
        self._stands = stands
        """The upload whose states stand unless they changed; None when they are uploaded in any case."""
        self._application = application
        self._result = result
        self._outlet = StatesOutlet(uploader, delivery, is_due=stands is None, most_rows=most_rows)
        self._ceiling = str(most_rows).encode()
        self._summaries: Summaries | None = {} if compliant_states == "summarised" else None
        self._expected = assignments_with_states(application, before)
        self._taken = Marks()
        self._fingerprint = mark_of(_SHAPE + compliant_states.encode())
        """The sum of marks, to which that of the policies comes at the end: so the order of states does not matter."""
        self._oldest = self._latest = ""
        self._before = before
        self._seed = seed_of(self._policies.content, _SHAPE, compliant_states.encode(), self._ceiling, version.encode())
        self._digest = ""
        """Of the answer, while it is the only one; "" when there was none, or are more."""
        self._is_first = True
        """Whether no answer came so far."""
        self._is_unchanged = False

    def page_in(self, body: bytes) -> Page:
        """Return the next page, in an answer's body; raise MalformedAnswer as `parse_page` does.

        It is not parsed when it is the answer from which the ledger was judged, and nothing would be new. Only the
        first one can be, and is digested.
        """
        if not self._is_first:
            return parse_page(body)
        self._is_first = False
        digest = digest_of(body, self._seed)
        known = self._stands.answer if self._stands is not None else None
        if known is not None and known.digest == digest and (evidence := self._known_evidence()) is not None:
            return KnownPage([], None, digest=digest, answer=known, evidence=evidence)
        return struct_with(parse_page(body), digest=digest)

    def _known_evidence(self) -> dict[str, AssignmentEvidence] | None:
        """Return what the answer says from which the ledger was judged; None when it has to be parsed to know."""
        if self._before is None or is_another_deployment(self._before, self._application):
            return None
        evidence = evidence_of(self._before)
        return evidence if evidence is not None and self._expected <= evidence.keys() else None

    async def take(self, page: Page) -> None:
        """Turn one page's states into rows; one of nobody knows which assignment, or resource, is rejected.

        A state that comes again is left out, also in another spelling: Azure repeats states at page borders, and pages
        are read again without a filter, or from the beginning.
        """
        if isinstance(page, KnownPage):
            self._take_known(page)
            return
        policy_of, take = self._policies.of, self._taken.take
        sightings: dict[tuple[Text, ...], Sighting] = {}
        rows: list[StateOfPolicy] = []
        foreign = noncompliant = summarised = fingerprint = 0
        rejected = page.others
        for state in page.states:
            fields = astuple(state)
            policy_fields, timestamp, resource_fields = fields[POLICY], fields[TIME], fields[RESOURCE]
            known = policy_of(policy_fields)
            sighting = sightings.get(resource_fields)
            if sighting is None:
                sighting = sightings[resource_fields] = Sighting.of(resource_fields)
            resource_id, _, _, said, verdict, resource, content = sighting
            if known is None or not (known.assignment_id or (resource_id and said in COMPLIANCE_STATES)):
                rejected += 1
                continue
            _, seed, policy, findings = known
            mark = mark_of(content, seed)
            is_again = not take(mark)
            if policy is None or findings is None:
                foreign += not is_again
                continue
            if timestamp and not self._oldest <= timestamp <= self._latest:
                self._note_evaluation(timestamp)
            if verdict is False or findings.is_watched:
                findings.note(resource, timestamp, said)
            if is_again:
                continue
            fingerprint += mark
            counts = findings.counts
            counts[said] = counts.get(said, 0) + 1
            if self._summaries is not None and said == "Compliant":
                self._summarise(self._summaries, policy, timestamp)
                summarised += 1
                continue
            noncompliant += verdict is False
            rows.append((policy, sighting, timestamp, 1))
        page.states.clear()  # a parsed page is large, and the next one may be slow to come
        self._fingerprint += fingerprint
        result = self._result
        result.pages += 1
        result.states += len(rows) + summarised
        result.noncompliant_states += noncompliant
        result.foreign_states += foreign
        result.rejected_states += rejected
        self._digest = page.digest if page.next_link is None else ""
        is_last = page.next_link is None
        await self._outlet.add(rows, is_last=is_last, is_final=is_last and not self.lacks_states)

    def _take_known(self, page: KnownPage) -> None:
        """Take what the ledger says of a page that was not parsed."""
        result, answer = self._result, page.answer
        result.pages += 1
        result.states, result.noncompliant_states = answer.states, answer.noncompliant
        result.foreign_states = answer.foreign
        self._oldest, self._latest = answer.oldest_evaluation or "", answer.latest_evaluation or ""
        self._evidence.assignments.update(page.evidence)
        self._is_unchanged = True

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
        self._policies.findings.conclude()
        result = self._result
        result.oldest_evaluation = self._oldest or None
        result.latest_evaluation = self._latest or None
        if self._application.assignments is not None:
            result.assignments_without_states = len(self._expected - self._evidence.assignments.keys())
        if result.rejected_states:
            total = result.states + result.foreign_states + result.rejected_states
            message = f"{result.rejected_states} of {total} policy states are no states, or of an unreadable assignment"
            result.conclude(Outcome.FAILED, "MalformedState", message)
        elif result.states and not self._is_unchanged and not self._policies.findings.has_verdicts:
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
        if self._is_unchanged and self._stands is not None:
            return self._stands
        answer = answer_of(self._digest, self._result, self._evidence.assignments.values())
        await self._outlet.add([_summarised(*summary) for summary in (self._summaries or {}).values()], is_last=True)
        fingerprint = self._fingerprint + self._policies.mark
        if self._outlet.withheld:  # with another ceiling other rows are uploaded
            fingerprint += mark_of(self._ceiling)
        fingerprint_text = f"{fingerprint % _FINGERPRINTS:x}"
        if self._stands is not None and self._stands.fingerprint == fingerprint_text:
            return replace(self._stands, answer=answer)
        await self._outlet.send()
        return StatesUpload(
            self._run.run_id,
            self._run.started_at,
            self._outlet.rows,
            fingerprint_text,
            answer,
            withheld=self._outlet.withheld,
        )

    def _note_evaluation(self, timestamp: str) -> None:
        # Azure writes every timestamp in UTC with the same leading digits, so text order is time order.
        timestamp = timestamp.strip()
        if timestamp.endswith("Z") and timestamp[:1].isdigit():
            self._latest = max(self._latest, timestamp)
            self._oldest = min(self._oldest or timestamp, timestamp)

    @staticmethod
    def _summarise(summaries: Summaries, policy: PolicyRows, timestamp: Text) -> None:
        _, count, latest = summaries.get(policy.key, (policy, 0, ""))
        summaries[policy.key] = policy, count + 1, max(latest, timestamp or "")


def _summarised(policy: PolicyRows, count: int, latest: str) -> StateOfPolicy:
    """Return the state that stands for ``count`` compliant resources, the last of them evaluated at ``latest``."""
    return policy, Sighting.of((None, None, None, "Compliant")), latest or None, count
