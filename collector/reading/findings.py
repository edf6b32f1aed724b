"""What the policy states of one application say, gathered for the judge: every violation, and counts of the rest.

A fleet has thousands of states that are compliant for each one that is not, so what is looked at of a compliant state
is its count alone, unless a violation of its policy is open in the ledger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collector.reporting.states import COMPLIANCE_STATES, is_compliant
from publisher.texts import moment_in
from verdicts.facts import MOST_OPEN_KEYS, StateKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from collector.reporting.states import Text
    from verdicts.evidence import AssignmentEvidence, Evidence
    from verdicts.facts import ApplicationFacts

_NOTHING: Final[Mapping[str, StateKey]] = {}

_Policy = tuple[str, ...]
"""Assignment, reference and definition, folded, as PolicyRows.key."""


class PolicyFindings:
    """What the states of one policy say.

    `counts` has the number of states by what they say, and is shared by the policies of an assignment. `note` has to be
    called for every NonCompliant state, and for all states when `is_watched`: the policy has violations in the ledger.
    """

    __slots__ = ("_evidence", "_findings", "_open", "_policy", "counts", "is_watched")

    def __init__(
        self,
        findings: Findings,
        evidence: AssignmentEvidence,
        policy: _Policy,
        counts: dict[Text, int],
        open_keys: Mapping[str, StateKey],
    ) -> None:
        self._findings = findings
        self._evidence = evidence
        self._policy = policy
        self._open = open_keys
        self.counts = counts
        self.is_watched = bool(open_keys)

    def note(self, resource: str, timestamp: object, compliance_state: Text) -> None:
        """Take one state of a resource, whose id is folded; a time that is no text is none."""
        if is_compliant(compliance_state) is False:
            self._note_violation(resource, _moment(timestamp))
        elif key := self._open.get(resource):
            self._note_other(key, (compliance_state or "").lower(), _moment(timestamp))

    def _note_violation(self, resource: str, evaluated_at: datetime | None) -> None:
        noncompliant = self._evidence.noncompliant
        key = self._open.get(resource) or StateKey(self._policy[1], self._policy[2], resource)
        if key in noncompliant:
            noncompliant[key] = _later(noncompliant[key], evaluated_at)
        elif self._findings.room > 0 or resource in self._open:
            self._findings.room -= 1
            noncompliant[key] = evaluated_at
        else:
            self._evidence.overflow = True

    def _note_other(self, key: StateKey, compliance_state: str, evaluated_at: datetime | None) -> None:
        evidence = self._evidence
        if compliance_state == "compliant":
            evidence.compliant[key] = (
                _earlier(evidence.compliant[key], evaluated_at) if key in evidence.compliant else evaluated_at
            )
        elif compliance_state == "exempt":
            evidence.exempt.add(key)
        else:
            evidence.other.add(key)


class Findings:
    """Fills the evidence about an application; `before` is what the ledger remembers of it."""

    def __init__(self, before: ApplicationFacts | None, evidence: Evidence) -> None:
        self._assignments = evidence.assignments
        self.room = MOST_OPEN_KEYS
        """How many violations more are gathered one by one."""
        self._counts: dict[tuple[str, bool], dict[Text, int]] = {}
        self._open: dict[_Policy, dict[str, StateKey]] = {}
        for assignment_id, assignment in before.assignments.items() if before else ():
            for one in assignment.open:
                policy = assignment_id, one.key.reference_id, one.key.definition_id
                self._open.setdefault(policy, {})[one.key.resource_id] = one.key

    def of_policy(self, policy: _Policy, evidence: AssignmentEvidence, *, is_manual: bool) -> PolicyFindings:
        """Return where the states of a policy are noted, and what is found of its assignment."""
        counts = self._counts.setdefault((policy[0], is_manual), {})
        return PolicyFindings(self, evidence, policy, counts, self._open.get(policy, _NOTHING))

    @property
    def has_verdicts(self) -> bool:
        """Whether any state said something that Azure Policy is known to say."""
        return any(word in COMPLIANCE_STATES for counts in self._counts.values() for word in counts)

    def conclude(self) -> None:
        """Sum up the counts of each assignment; call it once, after the last page."""
        for (assignment_id, is_manual), counts in self._counts.items():
            evidence = self._assignments[assignment_id]
            for compliance_state, count in counts.items():
                _count(evidence, (compliance_state or "").lower(), count, is_manual=is_manual)


def _count(evidence: AssignmentEvidence, compliance_state: str, count: int, *, is_manual: bool) -> None:
    if compliance_state == "compliant":
        evidence.compliant_states += count
    elif compliance_state == "exempt":
        evidence.exempt_states += count
    elif compliance_state == "protected":
        evidence.protected_states += count
    elif compliance_state == "unknown" and is_manual:
        evidence.manual_states += count
    elif compliance_state != "noncompliant":
        evidence.undecided_states += count


def _moment(timestamp: object) -> datetime | None:
    return moment_in(timestamp.strip()) if isinstance(timestamp, str) else None


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the earlier time; None when either is unknown, because it may have been any time."""
    return min(one, other) if one and other else None
