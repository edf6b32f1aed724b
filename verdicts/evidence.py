"""What a run learned about one application: the input of the judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from registry.managed_application import Exemption, ExpectedAssignment
    from verdicts.facts import StateKey, StatesUpload
    from verdicts.outcome import Outcome


@dataclass(slots=True)
class AssignmentEvidence:
    """States of one assignment, gathered page by page.

    `noncompliant` has every key that was read as NonCompliant, with its latest evaluation, and is complete unless
    `overflow`. The other three have only keys that are open in the ledger (`ApplicationFacts`), to keep a read cheap:
    `compliant` with the earliest evaluation, `exempt`, and `other` for all further literals. A key with states that
    disagree is in several of them, and the worst one counts. Counts are of distinct keys for `noncompliant`, else of
    states.
    """

    id: str
    name: str = ""
    display_name: str = ""
    definition_id: str = ""
    noncompliant: dict[StateKey, datetime | None] = field(default_factory=dict)
    compliant: dict[StateKey, datetime | None] = field(default_factory=dict)
    exempt: set[StateKey] = field(default_factory=set)
    other: set[StateKey] = field(default_factory=set)
    overflow: bool = False
    compliant_states: int = 0
    exempt_states: int = 0
    manual_states: int = 0
    protected_states: int = 0
    """Of effect denyAction, which decide: nothing is violated, and nothing is read as Compliant either."""
    undecided_states: int = 0


@dataclass(frozen=True, slots=True)
class GuardReading:
    """The assignments and exemptions of an application as ARM answered; what could not be read is None.

    `missing` has, by folded id, each baseline assignment that the list lacks: True when ARM says
    PolicyAssignmentNotFound and our permissions at the group include reading assignments (Withdrawn), False when that
    is not certain (Unread). An assignment of the baseline that is in neither could not be looked at.
    """

    read_at: datetime
    assignments: Mapping[str, ExpectedAssignment] | None
    missing: Mapping[str, bool] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] | None = None


class CheckFailure(NamedTuple):
    """Why a publisher's check could not be read."""

    outcome: Outcome
    code: str
    message: str


@dataclass(slots=True)
class CheckEvidence:
    """What a publisher's check says of an application, as if it was an assignment.

    `found` is complete, unless there is a `failure`: then it says no more than what the check is called. `parameters`
    are what the operator set for it.
    """

    found: AssignmentEvidence
    failure: CheckFailure | None = None
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Evidence:
    """What a run learned about one application.

    `complete` tells that every page was read and every state row was stored. `guard` is None when this run did not
    read it. `gone` has the folded ids of resources that are proven gone. `partial_run` is a run over chosen
    applications, which never counts failures; `probed` are the counts that brought the read forward, "" for none.

    `checks` has, by folded id, every publisher's check that is switched on, whatever became of the states. When
    `checks_are_known`, the others are switched off; else what switches them on could not be read, and none of them
    ends.
    """

    run_id: str
    started_at: datetime
    outcome: Outcome
    error_code: str = ""
    error_message: str = ""
    complete: bool = False
    partial_run: bool = False
    probed: str = ""
    assignments: dict[str, AssignmentEvidence] = field(default_factory=dict)
    states: StatesUpload | None = None
    guard: GuardReading | None = None
    gone: frozenset[str] = frozenset()
    checks: dict[str, CheckEvidence] = field(default_factory=dict)
    checks_are_known: bool = False
    check_states: StatesUpload | None = None
