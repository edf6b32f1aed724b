"""The policies that the states of one application name: each is worked out once, for thousands of states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from collector.reading.findings import Findings, PolicyFindings
from collector.reporting.rows import PolicyRows, StateRows, definition_rows, mark_of
from collector.reporting.states import Assignment
from publisher.policy_states.ownership import is_owned
from publisher.policy_states.state import ASSIGNMENT, DEFINITION
from verdicts.evidence import AssignmentEvidence

if TYPE_CHECKING:
    from collector.reporting.outcomes import Run
    from collector.reporting.rows import AssignmentRows, DefinitionRows
    from publisher.policy_states.state import Text
    from registry.managed_application import ManagedApplication
    from verdicts.evidence import Evidence
    from verdicts.facts import ApplicationFacts

MOST_KNOWN: Final = 1024
"""Policies, and assignments, kept at hand for one application: thousands of states share a handful of them."""


class KnownAssignment(NamedTuple):
    """An assignment: its part of rows, the seed of its states' marks, and whether it is owned by the application."""

    rows: AssignmentRows
    seed: int
    is_owned: bool


class KnownPolicy(NamedTuple):
    """A policy: its assignment's folded id, the seed of its states' marks, its part of rows, where states are noted.

    A foreign one has neither rows nor findings.
    """

    assignment_id: str
    seed: int
    rows: PolicyRows | None
    findings: PolicyFindings | None


class KnownPolicies:
    """The policies of one application's states; `before` is what the ledger remembers, `evidence` what is filled."""

    def __init__(
        self, application: ManagedApplication, run: Run, before: ApplicationFacts | None, evidence: Evidence
    ) -> None:
        self.findings = Findings(before, evidence)
        self._evidence = evidence
        self._group_id = str(application.managed_resource_group_id)
        self._rows = StateRows(application, run)
        self._assignments: dict[tuple[Text, ...], KnownAssignment | None] = {}
        self._policies: dict[tuple[Text, ...], KnownPolicy | None] = {}
        self._marks: set[int] = set()

    @property
    def content(self) -> bytes:
        """All that rows, and what the judge is told, have of the registry, one part a line."""
        return self._rows.content

    @property
    def mark(self) -> int:
        """The sum of the marks of what owned policies contribute to rows."""
        return sum(self._marks)

    def of(self, fields: tuple[Text, ...]) -> KnownPolicy | None:
        """Return what is known of the policy in a state's POLICY_FIELDS; None when nobody can tell whose it is."""
        try:
            return self._policies[fields]
        except KeyError:
            if len(self._policies) >= MOST_KNOWN:
                self._policies.clear()
            policy = self._policies[fields] = self._met(fields)
            return policy

    def _met(self, fields: tuple[Text, ...]) -> KnownPolicy | None:
        assignment = self._assignment_of(fields[ASSIGNMENT])
        if assignment is None:
            return None
        definition = definition_rows(fields[DEFINITION])
        seed = mark_of(definition.content, assignment.seed)
        if not assignment.is_owned:
            return KnownPolicy(assignment.rows.id, seed, None, None)
        rows = self._rows.policy(assignment.rows, definition)
        self._marks.add(rows.mark)
        evidence = self._evidence_of(assignment.rows, definition)
        findings = self.findings.of_policy(rows.key, evidence, is_manual=definition.is_manual)
        return KnownPolicy(assignment.rows.id, seed, rows, findings)

    def _assignment_of(self, fields: tuple[Text, ...]) -> KnownAssignment | None:
        if fields not in self._assignments:
            if len(self._assignments) >= MOST_KNOWN:
                self._assignments.clear()
            assignment = Assignment.of(fields)
            owned = is_owned(assignment.scope, assignment.id, self._group_id)
            rows = self._rows.assignment(assignment)
            seed = mark_of(f"{owned}\n{rows.id}".encode())
            self._assignments[fields] = None if owned is None else KnownAssignment(rows, seed, owned)
        return self._assignments[fields]

    def _evidence_of(self, assignment: AssignmentRows, definition: DefinitionRows) -> AssignmentEvidence:
        known = self._evidence.assignments
        if assignment.id not in known:
            known[assignment.id] = AssignmentEvidence(
                id=assignment.id,
                name=assignment.name,
                display_name=assignment.display_name,
                definition_id=definition.named,
            )
        return known[assignment.id]
